"""AT+CIFSR, AT+CIPDOMAIN, AT+PING and the time of day, as a host sees them."""

from __future__ import annotations

import pytest

from sim.board import Board
from tests.system.host import ERROR, OK, READY, Host, error
from tests.system.time_server import TimeServer
from tests.system.upgrades import JOINED, join

NTP = 123


@pytest.fixture
def joined(host: Host, ssid: bytes, password: bytes) -> Host:
    """The host of a module on the network."""
    join(host, ssid, password)
    return host


def test_own_addresses(joined: Host, board: Board) -> None:
    answer = joined.answer(b"AT+CIFSR").split(b"\r\n")
    assert answer[0] == b'+CIFSR:STAIP,"%s"' % board.network.addresses[0].encode()
    assert answer[1].startswith(b'+CIFSR:STAMAC,"')
    assert answer[1].count(b":") == 6


def test_names(joined: Host, board: Board) -> None:
    board.network.hosts["a.example"] = "10.1.2.3"
    joined.command(b'AT+CIPDOMAIN="a.example"', b'+CIPDOMAIN:"10.1.2.3"\r\n' + OK)
    joined.command(b'AT+CIPDOMAIN="b.example"', ERROR)
    joined.command(b'AT+CIPDOMAIN="a.example",3', ERROR)


def test_name_servers(joined: Host, board: Board, ssid: bytes, password: bytes) -> None:
    """As WiFiEspAT and lwESP send it. The first one is asked; DHCP does not take its place."""
    joined.command(b"AT+CIPDNS?", b'+CIPDNS:0,"192.168.1.1"\r\n' + OK)
    joined.command(b"AT+CIPDNS=0")
    joined.command(b"AT+CIPDNS?", b'+CIPDNS:0,"192.168.1.1"\r\n' + OK)
    joined.command(b'AT+CIPDNS=1,"8.8.8.8","8.8.4.4"')
    assert board.network.station.name_server == "8.8.8.8"
    joined.command(b'AT+CWJAP="%s","%s"' % (ssid, password), b"WIFI DISCONNECT\r\n" + JOINED, OK, patience=20)
    joined.command(b"AT+CIPDNS?", b'+CIPDNS:1,"8.8.8.8","8.8.4.4"\r\n' + OK)
    assert board.network.station.name_server == "8.8.8.8"
    joined.command(b"AT+CIPDNS=1")
    joined.command(b"AT+CIPDNS?", b'+CIPDNS:1,"208.67.222.222","114.114.114.114","8.8.8.8"\r\n' + OK)
    joined.command(b"AT+CIPDNS=0")
    assert board.network.station.name_server == "208.67.222.222"
    joined.command(b'AT+CWJAP="%s","%s"' % (ssid, password), b"WIFI DISCONNECT\r\n" + JOINED, OK, patience=20)
    joined.command(b"AT+CIPDNS?", b'+CIPDNS:0,"192.168.1.1"\r\n' + OK)


def test_back_to_all_that_dhcp_gives(joined: Host) -> None:
    """WiFiEspAT's way from a static address."""
    joined.command(b'AT+CIPSTA="192.168.1.99","192.168.1.1","255.255.255.0"')
    joined.command(b'AT+CIPDNS=1,"9.9.9.9"')
    joined.command(b"AT+CIPDNS=0")
    joined.command(b"AT+CWDHCP=1,1")
    joined.command(b"AT+CIPDNS?", b'+CIPDNS:0,"192.168.1.1"\r\n' + OK)
    assert joined.answer(b"AT+CIPSTA?").startswith(b'+CIPSTA:ip:"192.168.1.23"\r\n')


def test_name_servers_survive_a_restart(joined: Host, board: Board) -> None:
    joined.command(b'AT+CIPDNS=1,"10.0.0.53"')
    board.reset()
    joined.read_until(READY, 20)
    joined.read_until(JOINED, 20)
    joined.command(b"ATE0", b"ATE0\r\n" + OK)
    joined.command(b"AT+CIPDNS?", b'+CIPDNS:1,"10.0.0.53"\r\n' + OK)
    assert board.network.station.name_server == "10.0.0.53"
    joined.command(b"AT+CIPDNS=0")


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (b'1,"10.0.0.256"', 0x01070001),
        (b'1,"10.0.0.1","10.0.0.1"', 0x01070002),
        (b'1,"10.0.0.1",,"10.0.0.x"', 0x01070003),
        (b'2,"10.0.0.1"', 0x01070000),
    ],
)
def test_name_servers_that_there_are_not(host: Host, parameters: bytes, code: int) -> None:
    before = host.answer(b"AT+CIPDNS?")
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+CIPDNS=" + parameters, error(code))
    assert host.answer(b"AT+CIPDNS?") == before


def test_ping(joined: Host, board: Board) -> None:
    answer = joined.answer(b'AT+PING="10.1.2.3"')
    assert answer.startswith(b"+PING:")
    assert answer.endswith(OK)
    board.network.silent.add("10.9.9.9")
    joined.command(b'AT+PING="10.9.9.9"', b"+PING:TIMEOUT\r\n" + ERROR, patience=20)


def test_the_time(joined: Host, board: Board) -> None:
    with TimeServer(1_634_636_876) as clock:
        board.network.hosts["time.example"] = "127.0.0.1"
        board.network.ports[NTP] = clock.port
        joined.command(b'AT+CIPSNTPCFG=1,530,"time.example"')
        joined.expect(b"+TIME_UPDATED\r\n", 20)
        joined.command(b"AT+CIPSNTPCFG?", b'+CIPSNTPCFG:1,5,"time.example"\r\n' + OK)
        answer = joined.answer(b"AT+CIPSNTPTIME?")
        assert answer.startswith(b"+CIPSNTPTIME:Tue Oct 19 15:1")
        assert answer.endswith(b" 2021\r\n" + OK)
        joined.command(b"AT+CIPSNTPCFG=0,-330")
        joined.command(b"AT+CIPSNTPCFG?", b"+CIPSNTPCFG:0,-3\r\n" + OK)
        joined.command(b"AT+CIPSNTPCFG=1,1260", ERROR)
