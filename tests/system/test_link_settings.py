"""Settings of TCP/IP commands: what a restart keeps, what it does not, and what open links make of a change."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from sim.board import Board
from tests.system.host import OK, PROMPT, READY, Host, error
from tests.system.links import CONNECT, start
from tests.system.servers import TcpServer
from tests.system.upgrades import JOINED

CONFIG = {"wifi_poll_ms": 20}
START_PATIENCE = 20.0
# Settings that AT+SYSSTORE is about: the lines that make them, what the queries say then, and what they say at first.
STORED = (
    (b"AT+CIPTCPOPT=5,,1,5000,60", b"CIPTCPOPT", [b"%d,-1,1,5000,60" % n for n in range(5)]),
    (b"AT+CIPTCPOPT=2,-1,0,,7200", b"CIPTCPOPT", [b"2,-1,0,5000,7200"]),
    (b"AT+CIPRECONNINTV=36000", b"CIPRECONNINTV", [b"36000"]),
    (b"AT+CIPSSLCCONF=5,1", b"CIPSSLCCONF", [b"%d,1,0,0" % n for n in range(5)]),
    (b"AT+CIPSSLCCONF=4,3,0,0", b"CIPSSLCCONF", [b"4,3,0,0"]),
    (b'AT+CIPDNS=1,"10.0.0.1","10.0.0.2"', b"CIPDNS", [b'1,"10.0.0.1","10.0.0.2"']),
)
# Others, which a restart forgets.
PASSING = (
    (b"AT+CIPDINFO=1", b"CIPDINFO", b"true"),
    (b"AT+CIPRECVTYPE=5,1", b"CIPRECVMODE", b"1"),
    (b"AT+CIPSERVERMAXCONN=2", b"CIPSERVERMAXCONN", b"2"),
    (b"AT+CIPSTO=60", b"CIPSTO", b"60"),
    (b"AT+CIPSENDLCFG=200,300", b"CIPSENDLCFG", b"200,300"),
    (b"AT+TRANSINTVL=0", b"TRANSINTVL", b"0"),
    (b"AT+CIPSNTPINTV=60", b"CIPSNTPINTV", b"60"),
)


@pytest.fixture
def module(host: Host, board: Board, ssid: bytes, password: bytes) -> Iterator[Host]:
    """A module with factory settings on the network; it takes several links, and tells error codes."""
    host.send(b"AT+RESTORE")
    host.read_until(READY, START_PATIENCE)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    host.command(b"AT+CWMODE=1")
    host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)
    host.command(b"AT+CIPMUX=1")
    host.command(b"AT+SYSLOG=1")
    yield host
    board.network.stall = False


def restart(module: Host) -> None:
    module.send(b"AT+RST")
    module.read_until(READY + JOINED, START_PATIENCE)
    module.command(b"ATE0", b"ATE0\r\n", OK)
    module.command(b"AT+CIPMUX=1")


def state(module: Host) -> dict[bytes, bytes]:
    """What the queries say."""
    names = dict.fromkeys(name for _, name, _ in (*STORED, *PASSING))
    return {name: module.answer(b"AT+%s?" % name) for name in (*names, b"CIPSSLCSNI", b"CIPSSLCCN")}


def change(module: Host) -> None:
    """Set everything to something else."""
    for line, name, values in STORED:
        module.command(line)
        answer = module.answer(b"AT+%s?" % name)
        for value in values:
            assert b"+%s:%s\r\n" % (name, value) in answer
    for line, name, value in PASSING:
        module.command(line)
        module.command(b"AT+%s?" % name, b"+%s:%s\r\n" % (name, value) + OK)
    module.command(b'AT+CIPSSLCSNI=1,"a.example"')
    module.command(b'AT+CIPSSLCCN=2,"b.example"')
    module.command(b"AT+CIPSSLCCIPHER=3,1,0xC02B")


def test_a_restart_keeps_what_is_stored_and_that_alone(module: Host) -> None:
    at_first = state(module)
    change(module)
    before = state(module)
    assert b'+CIPSSLCSNI:1,"a.example"\r\n+CIPSSLCSNI:2,""\r\n' in before[b"CIPSSLCSNI"]
    assert b'+CIPSSLCCN:1,""\r\n+CIPSSLCCN:2,"b.example"\r\n' in before[b"CIPSSLCCN"]
    restart(module)
    stored = {name for _, name, _ in STORED}
    assert state(module) == {name: before[name] if name in stored else at_first[name] for name in before}
    module.send(b"AT+RESTORE")
    module.read_until(READY, START_PATIENCE)
    module.command(b"ATE0", b"ATE0\r\n", OK)
    module.command(b"AT+CIPMUX=1")
    module.command(b"AT+CIPDNS?", b'+CIPDNS:0,"0.0.0.0"\r\n' + OK)
    assert {**state(module), b"CIPDNS": at_first[b"CIPDNS"]} == at_first


def test_a_restart_keeps_nothing_that_was_not_to_be_stored(module: Host) -> None:
    at_first = state(module)
    module.command(b"AT+SYSSTORE=0")
    change(module)
    restart(module)
    assert state(module) == at_first


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"AT+CIPTCPOPT=6,,1", 0x01070000),
        (b"AT+CIPTCPOPT=0,-2", 0x01070001),
        (b"AT+CIPTCPOPT=0,0,1,5000,60", 0x010A000A),
        (b"AT+CIPTCPOPT=0,,2", 0x01070002),
        (b"AT+CIPTCPOPT=0,,,-1", 0x01070003),
        (b"AT+CIPTCPOPT=0,,,,7201", 0x01070004),
        (b"AT+CIPRECONNINTV=0", 0x01070000),
        (b"AT+CIPRECONNINTV=36001", 0x01070000),
        (b"AT+CIPSSLCCONF=0,4", 0x01070001),
        (b"AT+CIPSSLCCONF=0,3,1", 0x01070002),
        (b"AT+CIPSSLCCONF=0,3,0,1", 0x01070003),
        (b"AT+CIPSSLCCONF=0", 0x01060201),
        (b'AT+CIPSSLCSNI=0,"%s"' % (b"x" * 65), 0x01040001),
        (b"AT+CIPSSLCCIPHER=0", 0x01060201),
        (b"AT+CIPSSLCCIPHER=0,2,0xC02B", 0x01060403),
        (b"AT+CIPSSLCCIPHER=0,1,0xC02B,0xC02F", 0x01060304),
        (b"AT+CIPSSLCCIPHER=0,2,0xC02B,0xFFFF", 0x01070003),
        (b"AT+CIPSSLCCIPHER=0,32", 0x01070001),
        (b'AT+CIPDNS=2,"10.0.0.1"', 0x01070000),
        (b'AT+CIPDNS=1,"10.0.0.256"', 0x01070001),
        (b'AT+CIPDNS=1,"10.0.0.1","10.0.0.1"', 0x01070002),
        (b'AT+CIPDNS=1,"dns.example"', 0x01070001),
        (b"AT+CIPSENDLCFG=99", 0x01070000),
        (b"AT+CIPSENDLCFG=100,2921", 0x01070001),
        (b"AT+TRANSINTVL=1001", 0x01070000),
        (b"AT+CIPSTO=7201", 0x01070000),
        (b"AT+CIPSERVERMAXCONN=6", 0x01070000),
        (b"AT+CIPSNTPINTV=14", 0x01070000),
    ],
)
def test_what_is_refused_changes_nothing(module: Host, line: bytes, code: int) -> None:
    before = state(module)
    module.command(line, error(code))
    assert state(module) == before


def test_a_time_limit_for_sending_holds_for_links_that_are_open(module: Host, board: Board) -> None:
    with TcpServer() as server, start(module, server, 1) as remote:
        module.command(b"AT+CIPTCPOPT=1,,,100")
        board.network.stall = True
        # What a board knows of its network may be a tick old.
        time.sleep(0.05)
        module.command(b"AT+CIPSEND=1,4", PROMPT)
        module.write(b"data")
        module.expect(b"\r\nRecv 4 bytes\r\n\r\nSEND FAIL\r\n")
        board.network.stall = False
        remote.sendall(b"on")
        module.expect(b"\r\n+IPD,1,2:on")
        module.command(b"AT+CIPCLOSE=1", b"1,CLOSED\r\n" + OK)


def test_the_keepalive_of_a_link_is_the_one_told_last(module: Host) -> None:
    with TcpServer() as server:
        module.command(b'AT+CIPSTART=3,"TCP","127.0.0.1",%d,90' % server.port, b"3," + CONNECT)
        assert b"+CIPTCPOPT:3,-1,0,0,90\r\n" in module.answer(b"AT+CIPTCPOPT?")
        module.command(b"AT+CIPTCPOPT=3,,,,30")
        assert b"+CIPTCPOPT:3,-1,0,0,30\r\n" in module.answer(b"AT+CIPTCPOPT?")
        module.command(b"AT+CIPCLOSE=3", b"3,CLOSED\r\n" + OK)
