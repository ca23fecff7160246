"""The MQTT client with brokers that misbehave, and over TLS."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from sim.board import Board
from tests.system import mosquitto
from tests.system.certificates import authority, certified
from tests.system.conftest import MakeBoard
from tests.system.host import OK, PROMPT, READY, Host, error
from tests.system.mosquitto import Mosquitto
from tests.system.small_broker import CONNECT, PUBLISH, PUBREC, PUBREL, SmallBroker, message
from tests.system.time_server import TimeServer
from tests.system.upgrades import JOINED, join

CONFIG = {"wifi_poll_ms": 20}
NAME = "broker.example"
CLIENT_CERTIFICATE, CLIENT_KEY = certified("Right", "module")
USER_FILES = {"ca.pem": authority("Right"), "client.pem": CLIENT_CERTIFICATE, "client.key": CLIENT_KEY}
NTP = 123

TIMED_OUT = 0x010A0009
START_FAILED = 0x010A600B
PUBLISH_FAILED = 0x010A600C
SUBSCRIBE_FAILED = 0x010A600D
NEEDS_MOSQUITTO = pytest.mark.skipif(bool(mosquitto.missing()), reason=f"not installed: {mosquitto.missing()}")


@pytest.fixture
def broker() -> Iterator[SmallBroker]:
    with SmallBroker() as small:
        yield small


@pytest.fixture
def online(host: Host, broker: SmallBroker, ssid: bytes, password: bytes) -> Iterator[Host]:
    """A module on the network that tells error codes, with settings for MQTT over TCP; it lets go of the broker."""
    join(host, ssid, password)
    host.answer(b"AT+MQTTCLEAN=0")
    host.clear(0.01)
    host.command(b"AT+SYSLOG=1")
    host.command(b'AT+MQTTUSERCFG=0,1,"module","","",0,0,""')
    yield host
    host.answer(b"AT+MQTTCLEAN=0")
    host.clear(0.01)


def connect(host: Host, broker: SmallBroker, reconnect: int = 0) -> None:
    line = b'AT+MQTTCONN=0,"127.0.0.1",%d,%d' % (broker.port, reconnect)
    host.command(line, b'+MQTTCONNECTED:0,1,"127.0.0.1","%d","",%d\r\n' % (broker.port, reconnect), OK)


def told(topic: bytes, data: bytes) -> bytes:
    return b'+MQTTSUBRECV:0,"%s",%d,%s\r\n' % (topic, len(data), data)


# What is said on the wire.


def test_the_introduction(online: Host, broker: SmallBroker) -> None:
    online.command(b'AT+MQTTUSERCFG=0,1,"id","user","pass",0,0,""')
    online.command(b'AT+MQTTCONNCFG=0,300,1,"will/topic","gone",2,1')
    connect(online, broker)
    assert broker.packets == [
        (CONNECT, b"\x00\x04MQTT\x04\xf4\x01\x2c\x00\x02id\x00\x0awill/topic\x00\x04gone\x00\x04user\x00\x04pass")
    ]
    online.command(b"AT+MQTTCLEAN=0")
    assert broker.wait_for(0xE0, b"")


def test_the_least_introduction(online: Host, broker: SmallBroker) -> None:
    online.command(b'AT+MQTTUSERCFG=0,1,"","","",0,0,""')
    connect(online, broker)
    assert broker.packets == [(CONNECT, b"\x00\x04MQTT\x04\x02\x00\x78\x00\x00")]


# Brokers that say what they should not.


def test_a_broker_that_refuses(online: Host, broker: SmallBroker) -> None:
    broker.accepted = 5
    online.command(b'AT+MQTTCONN=0,"127.0.0.1",%d,1' % broker.port, error(START_FAILED))
    online.command(b"AT+MQTTCONN?", b'+MQTTCONN:0,3,1,"127.0.0.1","%d","",1\r\n' % broker.port, OK)
    broker.accepted = 0
    connect(online, broker)


def test_a_broker_that_says_nothing(online: Host, broker: SmallBroker) -> None:
    broker.unanswered.add(CONNECT)
    online.command(b'AT+MQTTCONN=0,"127.0.0.1",%d,1,3000' % broker.port, error(TIMED_OUT))


def test_a_subscription_that_is_refused(online: Host, broker: SmallBroker) -> None:
    connect(online, broker)
    broker.granted = 0x80
    online.command(b'AT+MQTTSUB=0,"a",0', error(SUBSCRIBE_FAILED))
    online.command(b"AT+MQTTSUB?", b'+MQTTSUB:0,4,"",0\r\n', OK)


def test_a_broker_that_hangs_up_before_it_acknowledges(online: Host, broker: SmallBroker) -> None:
    broker.unanswered.add(PUBLISH)
    connect(online, broker)
    online.command(b'AT+MQTTPUBRAW=0,"a",3,1,0', PROMPT)
    online.write(b"abc")
    assert broker.wait_for(PUBLISH | 2)
    broker.hang_up()
    failed = b"ERR CODE:0x%08x\r\n+MQTTPUB:FAIL\r\n" % PUBLISH_FAILED
    gone = b"+MQTTDISCONNECTED:0\r\n"
    assert online.read_exactly(len(failed + gone)) in (failed + gone, gone + failed)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x30\xff\xff\xff\xff\xff",
        b"\x30\x02\x00\x05ab",
        b"\x32\x03\x00\x01a\x00",
        b"\x40\x90\x4e" + bytes(10_000),
    ],
)
def test_garbage_ends_the_connection(online: Host, broker: SmallBroker, garbage: bytes) -> None:
    connect(online, broker)
    broker.say(garbage)
    online.expect(b"+MQTTDISCONNECTED:0\r\n")


def test_packets_that_nobody_asked_for(online: Host, broker: SmallBroker) -> None:
    connect(online, broker)
    broker.say(b"\x40\x02\x00\x09" + b"\xd0\x00" + b"\x90\x03\x00\x07\x00" + message(b"a", b"b"))
    online.expect(told(b"a", b"b"))


def test_a_packet_byte_by_byte(online: Host, broker: SmallBroker) -> None:
    connect(online, broker)
    packet = message(b"a/b", bytes(200))
    for begin in range(len(packet)):
        broker.say(packet[begin : begin + 1])
        time.sleep(0.001)
    online.expect(told(b"a/b", bytes(200)))


def test_a_megabyte_in_one_message(online: Host, broker: SmallBroker) -> None:
    connect(online, broker)
    data = bytes(range(256)) * 1024
    broker.say(message(b"big", data, 1, qos=1))
    parts = [data[begin : begin + 1024] for begin in range(0, len(data), 1024)]
    online.expect(b"".join(told(b"" if index else b"big", part) for index, part in enumerate(parts)), 30)
    assert broker.wait_for(0x40, b"\x00\x01")


def test_a_topic_that_is_too_long_is_cut(online: Host, broker: SmallBroker) -> None:
    connect(online, broker)
    broker.say(message(b"t" * 5000, b"data") + message(b"next", b"more"))
    online.expect(told(b"t" * 1024, b"data") + told(b"next", b"more"))


def test_the_host_has_a_message_before_the_broker_hears_of_it(online: Host, broker: SmallBroker) -> None:
    connect(online, broker)
    online.command(b"AT+USERWKMCUCFG=1,1,18,1,60000,1")
    online.command(b"AT+USERMCUSLEEP=1")
    broker.say(message(b"a", b"1", 7, qos=1))
    assert not broker.wait_for(0x40, timeout=0.3)
    online.command(b"AT+USERMCUSLEEP=0", OK)
    online.expect(told(b"a", b"1"))
    assert broker.wait_for(0x40, b"\x00\x07")
    online.command(b"AT+USERWKMCUCFG=0")


def test_exactly_once(online: Host, broker: SmallBroker) -> None:
    """A message of QoS 2 that comes again, until its number is released."""
    connect(online, broker)
    broker.say(message(b"a", b"1", 5, qos=2))
    online.expect(told(b"a", b"1"))
    assert broker.wait_for(PUBREC, b"\x00\x05")
    broker.say(message(b"a", b"1", 5, qos=2, again=True))
    online.expect_nothing()
    broker.say(b"\x62\x02\x00\x05")
    assert broker.wait_for(0x70, b"\x00\x05")
    broker.say(message(b"a", b"2", 5, qos=2))
    online.expect(told(b"a", b"2"))


def test_publish_exactly_once(online: Host, broker: SmallBroker) -> None:
    connect(online, broker)
    online.command(b'AT+MQTTPUB=0,"a","b",2,1')
    assert [first for first, _ in broker.packets] == [CONNECT, PUBLISH | 5, PUBREL | 2]


def test_a_connection_that_dies_without_a_word(online: Host, broker: SmallBroker) -> None:
    """Pings that are not answered tell."""
    broker.unanswered.add(0xC0)
    online.command(b'AT+MQTTCONNCFG=0,1,0,"","",0,0')
    connect(online, broker)
    online.expect(b"+MQTTDISCONNECTED:0\r\n", 10)


# TLS.


@pytest.fixture
def secured(
    online: Host, board: Board, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Mosquitto]:
    """A broker of the name NAME, certified by the authority that the test names; it wants a certificate of the client
    if the test says so.
    """
    issuer, wants_certificate = request.param
    folder = tmp_path_factory.mktemp("secured")
    certificate, key = certified(issuer, NAME)
    for name, content in (("ca.pem", authority("Right")), ("server.pem", certificate), ("server.key", key)):
        (folder / name).write_bytes(content)
    more = f"""allow_anonymous true
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
require_certificate {str(wants_certificate).lower()}"""
    with TimeServer(int(time.time())) as clock, Mosquitto(folder, more) as broker:
        board.network.hosts.update({NAME: "127.0.0.1", "pool.ntp.org": "127.0.0.1"})
        board.network.ports[NTP] = clock.port
        yield broker


def secure(host: Host, broker: Mosquitto, scheme: int, *answers: bytes) -> None:
    """Connect with ``scheme``; the answers, success by default."""
    success = b'+MQTTCONNECTED:0,%d,"%s","%d","",0\r\n' % (scheme, NAME.encode(), broker.port), OK
    host.command(b'AT+MQTTUSERCFG=0,%d,"module","","",0,0,""' % scheme)
    line = b'AT+MQTTCONN=0,"%s",%d,0' % (NAME.encode(), broker.port)
    host.command(line, *(answers or success), patience=15)
    if not answers:
        host.command(b'AT+MQTTSUB=0,"a",1')
        host.command(b'AT+MQTTPUBRAW=0,"a",3000,1,0', PROMPT)
        host.write(bytes(3000))
        parts = told(b"a", bytes(1024)) + told(b"", bytes(1024)) + told(b"", bytes(952))
        published = b"+MQTTPUB:OK\r\n"
        assert sorted(host.read_exactly(len(parts + published)).split(b"+")) == sorted((parts + published).split(b"+"))
        host.command(b"AT+MQTTCLEAN=0")


@NEEDS_MOSQUITTO
@pytest.mark.parametrize("secured", [("Right", False)], indirect=True)
def test_tls(online: Host, secured: Mosquitto) -> None:
    for scheme in (2, 3):
        secure(online, secured, scheme)
    online.command(b'AT+MQTTUSERCFG=0,3,"module","","",0,0,""')
    online.command(b'AT+MQTTSNI=0,"other.example"')
    line = b'AT+MQTTCONN=0,"%s",%d,0' % (NAME.encode(), secured.port)
    online.command(line, error(START_FAILED), patience=15)


@NEEDS_MOSQUITTO
@pytest.mark.parametrize("secured", [("Wrong", False)], indirect=True)
def test_a_broker_that_is_not_who_it_should_be(online: Host, secured: Mosquitto) -> None:
    secure(online, secured, 3, error(START_FAILED))
    online.command(b"AT+MQTTCLEAN=0")
    secure(online, secured, 2)


@NEEDS_MOSQUITTO
@pytest.mark.parametrize("secured", [("Right", True)], indirect=True)
def test_a_certificate_of_the_modules_own(online: Host, secured: Mosquitto) -> None:
    secure(online, secured, 2, error(START_FAILED))
    online.command(b"AT+MQTTCLEAN=0")
    for scheme in (4, 5):
        secure(online, secured, scheme)


def test_without_the_files(make_board: MakeBoard) -> None:
    with make_board(CONFIG) as board:
        host = Host(board.port)
        host.read_until(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        host.command(b"AT+SYSLOG=1")
        host.command(b"AT+CWMODE=1,0")
        host.command(b'AT+CWJAP="sim-ap","sim-password"', JOINED, OK, patience=20)
        for scheme in (3, 4, 5):
            host.command(b'AT+MQTTUSERCFG=0,%d,"module","","",0,0,""' % scheme)
            host.command(b'AT+MQTTCONN=0,"127.0.0.1",8883,0', error(START_FAILED))
            host.command(b"AT+MQTTCLEAN=0")
        host.close()
