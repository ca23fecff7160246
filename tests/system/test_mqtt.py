"""AT+MQTTCONN and its family, against mosquitto (ESP-AT user guide, "MQTT AT Commands")."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator

import pytest

from sim.board import Board
from tests.system import mosquitto
from tests.system.host import BUSY, ERROR, OK, PROMPT, Host, error
from tests.system.http_server import closed_port
from tests.system.mosquitto import Mosquitto, received
from tests.system.ram import pattern
from tests.system.upgrades import join

pytestmark = pytest.mark.skipif(bool(mosquitto.missing()), reason=f"not installed: {mosquitto.missing()}")

CONFIG = {"wifi_poll_ms": 20}

NO_NETWORK = 0x010A0006
TIMED_OUT = 0x010A0009
NOT_CONFIGURED = 0x010A6001
NOTHING_THERE = 0x010A6003
CONNECTED_ALREADY = 0x010A6004
START_FAILED = 0x010A600B
SUBSCRIBE_FAILED = 0x010A600D
NOT_CONNECTED = 0x010A6051


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


@pytest.fixture
def online(host: Host, ssid: bytes, password: bytes) -> Host:
    """A module on the network that tells error codes and knows nothing of MQTT."""
    join(host, ssid, password)
    host.answer(b"AT+MQTTCLEAN=0")
    host.clear(0.01)
    host.command(b"AT+SYSLOG=1")
    return host


@pytest.fixture
def connected(online: Host, broker: Mosquitto) -> Host:
    """A module that is connected to the broker and does not connect again."""
    online.command(b'AT+MQTTUSERCFG=0,1,"module","","",0,0,""')
    connect(online, broker)
    return online


def connect(host: Host, broker: Mosquitto, reconnect: int = 0) -> None:
    host.command(
        b'AT+MQTTCONN=0,"127.0.0.1",%d,%d' % (broker.port, reconnect), connection(broker, reconnect=reconnect), OK
    )


def connection(broker: Mosquitto, scheme: int = 1, reconnect: int = 0) -> bytes:
    return b'+MQTTCONNECTED:0,%d,"127.0.0.1","%d","",%d\r\n' % (scheme, broker.port, reconnect)


def message(topic: bytes, data: bytes) -> bytes:
    return b'+MQTTSUBRECV:0,"%s",%d,%s\r\n' % (topic, len(data), data)


# Settings and states.


def test_from_nothing_to_a_connection_and_back(online: Host, broker: Mosquitto) -> None:
    online.command(b"AT+MQTTCONN?", b'+MQTTCONN:0,0,0,"","","",0\r\n', OK)
    online.command(b"AT+MQTTSUB?", b'+MQTTSUB:0,0,"",0\r\n', OK)
    online.command(b'AT+MQTTUSERCFG=0,1,"module","","",0,0,""')
    online.command(b"AT+MQTTCONN?", b'+MQTTCONN:0,1,1,"","","",0\r\n', OK)
    online.command(b'AT+MQTTCONNCFG=0,0,0,"","",0,0')
    online.command(b"AT+MQTTCONN?", b'+MQTTCONN:0,2,1,"","","",0\r\n', OK)
    connect(online, broker, reconnect=1)
    online.command(b"AT+MQTTCONN?", b'+MQTTCONN:0,4,1,"127.0.0.1","%d","",1\r\n' % broker.port, OK)
    online.command(b'AT+MQTTSUB=0,"a/b",1')
    online.command(b"AT+MQTTCONN?", b'+MQTTCONN:0,6,1,"127.0.0.1","%d","",1\r\n' % broker.port, OK)
    online.command(b"AT+MQTTSUB?", b'+MQTTSUB:0,6,"a/b",1\r\n', OK)
    online.command(b'AT+MQTTUNSUB=0,"a/b"')
    online.command(b"AT+MQTTSUB?", b'+MQTTSUB:0,5,"",0\r\n', OK)
    online.command(b"AT+MQTTCLEAN=0")
    online.command(b"AT+MQTTCONN?", b'+MQTTCONN:0,0,0,"","","",0\r\n', OK)
    online.command(b"AT+MQTTCLEAN=0", error(NOTHING_THERE))


def test_what_needs_a_configuration_or_a_connection(online: Host, broker: Mosquitto) -> None:
    connecting = b'AT+MQTTCONN=0,"127.0.0.1",%d,0' % broker.port
    for line in (connecting, b'AT+MQTTCONNCFG=0,0,0,"","",0,0', b"AT+MQTTLONGCLIENTID=0,5", b'AT+MQTTSNI=0,"a"'):
        online.command(line, error(NOT_CONFIGURED))
    needing = (
        b'AT+MQTTPUB=0,"a","b",0,0',
        b'AT+MQTTPUBRAW=0,"a",1,0,0',
        b'AT+MQTTSUB=0,"a",0',
        b'AT+MQTTUNSUB=0,"a"',
    )
    for line in needing:
        online.command(line, error(NOT_CONFIGURED))
    online.command(b'AT+MQTTUSERCFG=0,1,"module","","",0,0,""')
    for line in needing:
        online.command(line, error(NOT_CONNECTED))
    connect(online, broker)
    online.command(connecting, error(CONNECTED_ALREADY))
    online.command(b'AT+MQTTUSERCFG=0,1,"module","","",0,0,""', error(CONNECTED_ALREADY))
    online.command(b'AT+MQTTCONNCFG=0,0,0,"","",0,0', error(CONNECTED_ALREADY))


WRONG = [
    (b'AT+MQTTUSERCFG=1,1,"c","","",0,0,""', 0x01070000),
    (b'AT+MQTTUSERCFG=0,0,"c","","",0,0,""', 0x01070001),
    (b'AT+MQTTUSERCFG=0,6,"c","","",0,0,"mqtt"', 0x01070001),
    (b'AT+MQTTUSERCFG=0,1,"c","%s","",0,0,""' % (b"u" * 65), 0x01040003),
    (b'AT+MQTTUSERCFG=0,1,"c","","",1,0,""', 0x01070005),
    (b'AT+MQTTUSERCFG=0,1,"c","","",0,0', 0x01060807),
    (b'AT+MQTTCONNCFG=0,7201,0,"","",0,0', 0x01070001),
    (b'AT+MQTTCONNCFG=0,0,0,"","",3,0', 0x01070005),
    (b"AT+MQTTLONGPASSWORD=0,1025", 0x01070001),
    (b'AT+MQTTCONN=0,"",1883,0', 0x01040001),
    (b'AT+MQTTCONN=0,"h",65536,0', 0x01070002),
    (b'AT+MQTTCONN=0,"h",1883,2', 0x01070003),
    (b'AT+MQTTCONN=0,"h",1883,0,2999', 0x01070004),
    (b'AT+MQTTPUB=0,"","x",0,0', 0x01040001),
    (b'AT+MQTTPUB=0,"a/#","x",0,0', 0x01070001),
    (b'AT+MQTTPUB=0,"+/a","x",0,0', 0x01070001),
    (b'AT+MQTTPUB=0,"a","x",3,0', 0x01070003),
    (b'AT+MQTTPUBRAW=0,"a",0,0,0', 0x01070002),
    (b'AT+MQTTPUBRAW=0,"a/+",1,0,0', 0x01070001),
    (b'AT+MQTTSUB=0,"a",3', 0x01070002),
    (b'AT+MQTTSUB=0,"%s",0' % (b"t" * 129), 0x01040001),
]


def test_wrong_parameters(connected: Host) -> None:
    for line, code in WRONG:
        connected.command(line, error(code))


def test_without_a_network(online: Host) -> None:
    online.send(b"AT+CWQAP")
    online.read_until(b"WIFI DISCONNECT\r\n")
    online.command(b'AT+MQTTUSERCFG=0,1,"module","","",0,0,""')
    online.command(b'AT+MQTTCONN=0,"127.0.0.1",1883,0', error(NO_NETWORK))


def test_nobody_answers(online: Host, broker: Mosquitto) -> None:
    online.command(b'AT+MQTTUSERCFG=0,1,"module","","",0,0,""')
    with closed_port() as port:
        online.command(b'AT+MQTTCONN=0,"127.0.0.1",%d,1' % port, error(START_FAILED))
    online.command(b'AT+MQTTCONN=0,"nobody.example",1883,1', error(START_FAILED))
    # And then the right one.
    connect(online, broker)


# Messages.


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_publish(connected: Host, broker: Mosquitto, qos: int) -> None:
    with broker.subscribed("a/#", 3) as client:
        connected.command(b'AT+MQTTPUB=0,"a/b","te\\,st",%d,0' % qos)
        connected.command(b'AT+MQTTPUB=0,"a/c","",%d,0' % qos)
        connected.command(b'AT+MQTTPUB=0,"a","%s",%d,0,3000' % (b"x" * 200, qos))
        assert received(client) == [
            ("a/b", qos, False, b"te,st"),
            ("a/c", qos, False, b""),
            ("a", qos, False, b"x" * 200),
        ]


@pytest.mark.parametrize(("size", "qos"), [(1, 0), (1024, 1), (1025, 2), (30_000, 0), (30_000, 2)])
def test_publish_raw(connected: Host, board: Board, broker: Mosquitto, size: int, qos: int) -> None:
    board.uart(1).host_honours_rts = True
    data = pattern(size)
    with broker.subscribed("raw", 1) as client:
        connected.command(b'AT+MQTTPUBRAW=0,"raw",%d,%d,0' % (size, qos), PROMPT)
        connected.write(data)
        connected.expect(b"+MQTTPUB:OK\r\n")
        assert received(client) == [("raw", qos, False, data)]


def test_a_retained_message(connected: Host, broker: Mosquitto) -> None:
    connected.command(b'AT+MQTTPUB=0,"kept","value",1,1')
    with broker.subscribed("kept", 1) as client:
        assert received(client) == [("kept", 1, True, b"value")]
    connected.send(b'AT+MQTTSUB=0,"kept",0')
    kept = message(b"kept", b"value")
    assert connected.read_exactly(len(OK + kept)) in (OK + kept, kept + OK)
    connected.command(b'AT+MQTTUNSUB=0,"kept"')
    connected.command(b'AT+MQTTPUB=0,"kept","",1,1')


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_receive(connected: Host, broker: Mosquitto, qos: int) -> None:
    connected.command(b'AT+MQTTSUB=0,"in/+",%d' % qos)
    broker.publish("in/one", b"\x00 binary \r\n", qos=qos)
    connected.expect(message(b"in/one", b"\x00 binary \r\n"))
    broker.publish("in/two", b"1", b"2", b"3", qos=qos)
    connected.expect(message(b"in/two", b"1") + message(b"in/two", b"2") + message(b"in/two", b"3"))
    broker.publish("in/empty", b"", qos=qos)
    connected.expect(message(b"in/empty", b""))
    connected.expect_nothing()


def test_a_long_message_comes_in_parts(connected: Host, broker: Mosquitto) -> None:
    """As from ESP-AT: the topic is in the first part only, each part tells its own length."""
    connected.command(b'AT+MQTTSUB=0,"long",1')
    data = pattern(2500)
    broker.publish("long", data[:1024], qos=1)
    connected.expect(message(b"long", data[:1024]))
    broker.publish("long", data, qos=1)
    parts = message(b"long", data[:1024]) + message(b"", data[1024:2048]) + message(b"", data[2048:])
    connected.expect(parts)


def test_topics(connected: Host, broker: Mosquitto) -> None:
    for number in range(10):
        connected.command(b'AT+MQTTSUB=0,"topic/%d",%d' % (number, number % 3))
    connected.command(b'AT+MQTTSUB=0,"topic/10",0', error(SUBSCRIBE_FAILED))
    connected.command(b'AT+MQTTSUB=0,"topic/3",0', b"ALREADY SUBSCRIBE\r\n", OK)
    connected.command(b'AT+MQTTUNSUB=0,"topic/10"', b"NO UNSUBSCRIBE\r\n", OK)
    connected.command(b'AT+MQTTUNSUB=0,"topic/3"')
    broker.publish("topic/3", b"not wanted")
    broker.publish("topic/4", b"wanted")
    connected.expect(message(b"topic/4", b"wanted"))
    answer = connected.answer(b"AT+MQTTSUB?")
    assert answer.count(b"+MQTTSUB:0,6,") == 9
    assert b'+MQTTSUB:0,6,"topic/5",2\r\n' in answer


def test_what_the_module_says_to_itself(connected: Host) -> None:
    connected.command(b'AT+MQTTSUB=0,"echo",2')
    for qos in (0, 1, 2):
        connected.send(b'AT+MQTTPUB=0,"echo","%d",%d,0' % (qos, qos))
        answer = connected.read_exactly(len(OK + message(b"echo", b"0")))
        assert answer in (OK + message(b"echo", b"%d" % qos), message(b"echo", b"%d" % qos) + OK)


# Connections.


def test_the_will(online: Host, broker: Mosquitto, board: Board) -> None:
    online.command(b'AT+MQTTUSERCFG=0,1,"module","","",0,0,""')
    online.command(b'AT+MQTTCONNCFG=0,10,0,"gone","without a word",1,0')
    connect(online, broker)
    with broker.subscribed("gone", 1) as client:
        # An orderly end is none that the will is for.
        online.command(b"AT+MQTTCLEAN=0")
        online.command(b'AT+MQTTUSERCFG=0,1,"module","","",0,0,""')
        online.command(b'AT+MQTTCONNCFG=0,10,0,"gone","without a word",2,0')
        connect(online, broker)
        board.reset()
        assert received(client) == [("gone", 2, False, b"without a word")]
    online.read_until(b"WIFI GOT IP\r\n", 20)
    online.command(b"ATE0", b"ATE0\r\n", OK)


def test_user_and_password(online: Host, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("users")
    long = b"p" * 1024
    (folder / "users").write_text(f"user:secret\nlong:{long.decode()}\n")
    subprocess.run(["mosquitto_passwd", "-U", folder / "users"], check=True)
    with Mosquitto(folder, f"allow_anonymous false\npassword_file {folder}/users") as broker:
        line = b'AT+MQTTCONN=0,"127.0.0.1",%d,0' % broker.port
        for user, password in ((b"", b""), (b"user", b"wrong"), (b"user", b"")):
            online.command(b'AT+MQTTUSERCFG=0,1,"module","%s","%s",0,0,""' % (user, password))
            online.command(line, error(START_FAILED))
            online.command(b"AT+MQTTCLEAN=0")
        online.command(b'AT+MQTTUSERCFG=0,1,"module","user","secret",0,0,""')
        connect(online, broker)
        online.command(b"AT+MQTTCLEAN=0")
        online.command(b'AT+MQTTUSERCFG=0,1,"","","",0,0,""')
        for name, text in ((b"CLIENTID", b"c" * 300), (b"USERNAME", b"long"), (b"PASSWORD", long)):
            online.command(b"AT+MQTTLONG%s=0,%d" % (name, len(text)), PROMPT)
            online.write(text)
            online.expect(OK)
        connect(online, broker)
        assert f" as {'c' * 300} " in broker.log
        online.command(b"AT+MQTTCLEAN=0")


def test_keep_alive(online: Host, broker: Mosquitto) -> None:
    online.command(b'AT+MQTTUSERCFG=0,1,"pinging","","",0,0,""')
    online.command(b'AT+MQTTCONNCFG=0,1,0,"","",0,0')
    connect(online, broker)
    deadline = time.monotonic() + 10
    while broker.log.count("Received PINGREQ from pinging") < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert broker.log.count("Received PINGREQ from pinging") >= 4
    online.expect_nothing()
    assert re.search(r"New client connected .* as pinging \(p2, c1, k1\)", broker.log)
    online.command(b"AT+MQTTCLEAN=0")


def test_the_broker_goes_away(online: Host, tmp_path_factory: pytest.TempPathFactory) -> None:
    with Mosquitto(tmp_path_factory.mktemp("leaving")) as broker:
        online.command(b'AT+MQTTUSERCFG=0,1,"module","","",0,0,""')
        connect(online, broker)
        broker.stop()
        online.expect(b"+MQTTDISCONNECTED:0\r\n")
        online.command(b"AT+MQTTCONN?", b'+MQTTCONN:0,3,1,"127.0.0.1","%d","",0\r\n' % broker.port, OK)
        online.command(b'AT+MQTTPUB=0,"a","b",0,0', error(NOT_CONNECTED))
        broker.start()
        connect(online, broker)
        online.command(b"AT+MQTTCLEAN=0")


def test_the_broker_comes_back(online: Host, tmp_path_factory: pytest.TempPathFactory) -> None:
    with Mosquitto(tmp_path_factory.mktemp("returning")) as broker:
        online.command(b'AT+MQTTUSERCFG=0,1,"module","","",0,0,""')
        connect(online, broker, reconnect=1)
        online.command(b'AT+MQTTSUB=0,"a",1')
        online.command(b'AT+MQTTSUB=0,"b",0')
        broker.stop()
        online.expect(b"+MQTTDISCONNECTED:0\r\n")
        broker.start()
        online.expect(connection(broker, reconnect=1), 10)
        online.command(b"AT+MQTTSUB?", b'+MQTTSUB:0,6,"a",1\r\n+MQTTSUB:0,6,"b",0\r\n', OK)
        broker.publish("a", b"still there?", qos=1)
        online.expect(message(b"a", b"still there?"))
        # Cleaned up while the broker is away, the module does not come back.
        broker.stop()
        online.expect(b"+MQTTDISCONNECTED:0\r\n")
        online.command(b"AT+MQTTCLEAN=0")
        broker.start()
        online.expect_nothing(1.5)


def test_a_session_that_lasts(online: Host, broker: Mosquitto) -> None:
    """With <disable_clean_session> the broker keeps what comes while the module is away."""
    for first in (True, False):
        online.command(b'AT+MQTTUSERCFG=0,1,"lasting","","",0,0,""')
        online.command(b'AT+MQTTCONNCFG=0,0,1,"","",0,0')
        connect(online, broker)
        if first:
            online.command(b'AT+MQTTSUB=0,"lasting",1')
            online.command(b"AT+MQTTCLEAN=0")
            broker.publish("lasting", b"for later", qos=1)
    online.expect(message(b"lasting", b"for later"))


# Hosts that sleep or read slowly.


def test_a_hundred_messages_for_a_sleeping_host(online: Host, broker: Mosquitto) -> None:
    """The module reads on when the host has taken what it has: nothing is lost, nothing piles up."""
    texts = [b"%03d " % number + b"x" * 500 for number in range(100)]
    online.command(b'AT+MQTTUSERCFG=0,1,"sleeper","","",0,0,""')
    online.command(b'AT+MQTTCONNCFG=0,2,0,"","",0,0')
    connect(online, broker)
    online.command(b'AT+MQTTSUB=0,"many",1')
    online.command(b"AT+USERWKMCUCFG=1,1,18,1,60000,1")
    online.command(b"AT+USERMCUSLEEP=1")
    broker.publish("many", *texts, qos=1)
    # Longer than the broker would wait for a ping.
    online.expect_nothing(4)
    online.command(b"AT+USERREPORT?", b"+USERREPORT:1,0\r\n", OK)
    online.command(b"AT+USERMCUSLEEP=0", OK)
    online.expect(b"".join(message(b"many", text) for text in texts), 20)
    online.command(b"AT+USERWKMCUCFG=0")
    online.command(b"AT+USERREPORT?", b"+USERREPORT:0,0\r\n", OK)
    online.command(b"AT+MQTTCONN?", b'+MQTTCONN:0,6,1,"127.0.0.1","%d","",0\r\n' % broker.port, OK)


def test_cleaned_up_while_a_message_waits(connected: Host, broker: Mosquitto) -> None:
    connected.command(b'AT+MQTTSUB=0,"many",0')
    connected.command(b"AT+USERWKMCUCFG=1,1,18,1,60000,1")
    connected.command(b"AT+USERMCUSLEEP=1")
    broker.publish("many", b"1", b"2", b"3")
    connected.expect_nothing(0.2)
    connected.command(b"AT+MQTTCLEAN=0")
    connected.command(b"AT+USERMCUSLEEP=0")
    connected.expect_nothing(0.2)
    connected.command(b"AT+USERWKMCUCFG=0")
    connected.command(b"AT+USERREPORT?", b"+USERREPORT:0,0\r\n", OK)


def test_commands_while_a_command_waits(connected: Host, board: Board, broker: Mosquitto) -> None:
    """A broker that hangs: the host hears busy, and an error when the time is over."""
    connected.command(b'AT+MQTTSUB=0,"a",0')
    with broker.hanging():
        connected.send(b'AT+MQTTPUB=0,"a","x",1,0,3000')
        connected.expect_nothing(0.1)
        connected.send(b"AT")
        connected.expect(b"ERR CODE:0x010b0000\r\n" + BUSY)
        connected.expect(error(TIMED_OUT))
    connected.expect(message(b"a", b"x"))
    connected.command(b"AT+SYSLOG=0")
    connected.command(b'AT+MQTTPUB=0,"#","x",1,0', ERROR)
