"""SPEC, "Lines and answers": input while a command is in progress, and the lines that are served even then."""

from __future__ import annotations

import time

import pytest

from sim.board import Board
from tests.system.host import BUSY, ERROR, OK, PROMPT, READY, WRITE_OK, Host, error
from tests.system.own_commands import COMMANDS_PY, NEEDED, arrive, held

USER_FILES = {"commands.py": COMMANDS_PY}
own_commands = pytest.mark.simulator(NEEDED)

COMMAND_IN_PROGRESS = 0x010B0000
CODED_BUSY = b"ERR CODE:0x%08x\r\n" % COMMAND_IN_PROGRESS + BUSY
# Longer than the pause that ends a burst, by far.
BETWEEN_BURSTS = 0.1
JOIN_PATIENCE = 30


@own_commands
def test_input_is_dropped_with_one_busy(host: Host, board: Board) -> None:
    with held(host, board):
        host.send(b"AT+SYSLOG=1")
        host.expect(BUSY)
    host.expect(OK)
    host.expect_nothing()
    host.command(b"AT+SYSLOG?", b"+SYSLOG:0\r\n", OK)


@own_commands
def test_each_burst_gets_one_busy(host: Host, board: Board) -> None:
    with held(host, board):
        for burst in (b"AT\r\n", b"AT+GMR\r\nAT\r\nAT\r\n", b"x\r\n"):
            time.sleep(BETWEEN_BURSTS)
            host.write(burst)
            host.expect(BUSY)
    host.expect(OK)
    host.expect_nothing()


@own_commands
def test_the_code_of_busy(host: Host, board: Board) -> None:
    host.command(b"AT+SYSLOG=1")
    with held(host, board):
        for _ in range(2):
            time.sleep(BETWEEN_BURSTS)
            host.send(b"AT")
            host.expect(b"ERR CODE:0x010b0000\r\n\r\nbusy p...\r\n")
    host.expect(OK)


@own_commands
def test_a_long_burst_gets_one_busy(host: Host, board: Board) -> None:
    # The module finds it as a whole: a pause of this machine would make two of it.
    with held(host, board, b"AT+STAND"):
        arrive(host, board, b"AT+GMR\r\n" * 300 + b"x" * 1000 + b"\r\n")
    host.expect(BUSY + OK)
    host.expect_nothing()


@own_commands
def test_input_is_not_echoed(started: Host, board: Board) -> None:
    with held(started, board):
        started.expect(b"AT+HOLD\r\n")
        arrive(started, board, b"AT\r\n")
    started.expect(BUSY + OK)
    started.send(b"AT")
    started.expect(b"AT\r\n" + OK)


@own_commands
@pytest.mark.parametrize("line", [b"\r\n", b"\n", b"\r\n\r\n"])
def test_empty_lines_are_ignored(host: Host, board: Board, line: bytes) -> None:
    with held(host, board):
        arrive(host, board, line)
    host.expect(OK)


@own_commands
@pytest.mark.parametrize("piece", [b"AT+GM", b"A", b"AT+USERMCUSLE", b"AT+RST", b"AT+SLEEP=0\r", b"x" * 300])
@pytest.mark.parametrize("rest", [b"R\r\n", b"EP=0\n", b"\n", b"A" * 600 + b"\r\n"])
def test_a_line_half_received_when_the_command_ends_is_dropped(
    host: Host, board: Board, piece: bytes, rest: bytes
) -> None:
    with held(host, board):
        arrive(host, board, piece)
    host.expect(BUSY + OK)
    host.write(rest)
    host.expect_nothing()
    host.command(b"AT")


@own_commands
def test_the_rest_of_a_dropped_line_is_not_echoed(started: Host, board: Board) -> None:
    with held(started, board):
        started.expect(b"AT+HOLD\r\n")
        arrive(started, board, b"AT+GM")
    started.expect(BUSY + OK)
    started.write(b"R\r\nAT\r\n")
    started.expect(b"AT\r\n" + OK)


@own_commands
def test_what_follows_a_dropped_line_is_carried_out(host: Host, board: Board) -> None:
    with held(host, board):
        arrive(host, board, b"AT+GM")
    host.expect(BUSY + OK)
    host.write(b"R\r\nAT\r\nAT+SYSLOG?\r\n")
    host.expect(OK + b"+SYSLOG:0\r\n" + OK)


# Served lines.


@own_commands
@pytest.mark.parametrize("terminator", [b"\r\n", b"\n"])
@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"AT+SLEEP=0", OK),
        (b"AT+USERMCUSLEEP=0", OK),
        (b"AT+USERMCUSLEEP=1", OK),
        (b"AT+USERMCUSLEEP=2", error(0x01070000)),
        (b"AT+USERMCUSLEEP=", error(0x01080000)),
        (b"AT+USERMCUSLEEP=0,0", error(0x01060102)),
        (b"AT+USERMCUSLEEP=?", b"+USERMCUSLEEP:(0-1)\r\n" + OK),
    ],
)
def test_a_served_line_is_answered_at_once(
    host: Host, board: Board, line: bytes, answer: bytes, terminator: bytes
) -> None:
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+USERWKMCUCFG=1,2,1,0,1000")
    with held(host, board):
        host.write(line + terminator)
        host.expect(answer)
        host.expect_nothing(0.02)
    host.expect(OK)


@own_commands
def test_a_served_line_takes_effect(host: Host, board: Board) -> None:
    host.command(b"AT+USERWKMCUCFG=1,2,1,0,1000,3")
    for line, asleep in ((b"USERMCUSLEEP=1", 1), (b"USERMCUSLEEP=0", 0), (b"USERMCUSLEEP=1", 1), (b"SLEEP=0", 0)):
        with held(host, board):
            host.command(b"AT+" + line)
        host.expect(OK)
        host.command(b"AT+USERMCUSLEEP?", b"+USERMCUSLEEP:%d\r\n" % asleep, OK)


@own_commands
def test_a_served_line_may_come_byte_by_byte(host: Host, board: Board) -> None:
    with held(host, board):
        for byte in b"AT+SLEEP=0\r\n":
            time.sleep(0.03)
            host.write(bytes((byte,)))
        host.expect(OK)
    host.expect(OK)


@own_commands
def test_several_served_lines_in_one_burst(host: Host, board: Board) -> None:
    with held(host, board):
        host.write(b"AT+SLEEP=0\r\nAT+USERMCUSLEEP=0\r\nAT+SLEEP=0\n")
        host.expect(OK + ERROR + OK)
    host.expect(OK)


@own_commands
def test_served_and_other_lines_in_one_burst(host: Host, board: Board) -> None:
    with held(host, board):
        host.write(b"AT\r\nAT+SLEEP=0\r\nAT\r\nAT+SLEEP=0\r\n")
        host.expect(BUSY + OK + OK)
    host.expect(OK)


@own_commands
def test_restart_is_served(host: Host) -> None:
    host.send(b"AT+NAP=60000")
    host.send(b"AT+RST")
    host.expect(OK + READY, 20)


@own_commands
def test_served_lines_are_not_echoed(started: Host, board: Board) -> None:
    with held(started, board):
        started.expect(b"AT+HOLD\r\n")
        started.send(b"AT+SLEEP=0")
        started.expect(OK)
    started.expect(OK)


@own_commands
@pytest.mark.parametrize(
    "line",
    [
        b"AT",
        b"AT+SLEEP=1",
        b"AT+SLEEP=00",
        b"AT+SLEEP=0 ",
        b"AT+SLEEP=0,0",
        b"AT+SLEEP?",
        b"AT+RST?",
        b"AT+RST ",
        b"AT+RSTX",
        b" AT+RST",
        b"at+rst",
        b"AT+USERMCUSLEEP",
        b"AT+USERMCUSLEEP?",
        b"AT+USERMCUSLEEPS=0",
        b"AT+USERWKMCUCFG=0",
        b"AT+USERRAM?",
        b"AT+USEROTA?",
        b"AT+USEROTAABORT",
        b"AT+USERMCUSLEEP=" + b"0" * 241,
    ],
)
def test_every_other_line_is_busy(host: Host, board: Board, line: bytes) -> None:
    with held(host, board):
        host.send(line)
        host.expect(BUSY)
    host.expect(OK)
    host.expect_nothing(0.02)


@own_commands
def test_a_served_line_comes_between_two_pieces_of_an_answer(host: Host) -> None:
    host.send(b"AT+TALK=20,50")
    host.expect(b"+TALK:0\r\n")
    host.send(b"AT+SLEEP=0")
    host.send(b"AT")
    rest = host.read_until(b"+TALK:19\r\n")
    host.expect(OK)
    assert rest.count(OK) == 1
    assert rest.count(BUSY) == 1
    assert rest.replace(OK, b"").replace(BUSY, b"") == b"".join(b"+TALK:%d\r\n" % n for n in range(1, 20))


# On any board.


def test_joining_a_network_that_is_not_there(host: Host) -> None:
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+CWMODE=1")
    host.send(b'AT+CWJAP="there is no such network"')
    host.send(b"AT")
    host.expect(CODED_BUSY)
    host.command(b"AT+SLEEP=0")
    host.expect(b"+CWJAP:3\r\n" + error(0x010A0006), JOIN_PATIENCE)


def test_nothing_is_served_in_data_mode(host: Host) -> None:
    data = b"AT+RST\r\nAT+SLEEP=0\r\nAT+USERMCUSLEEP=0\r\nAT\r\n"
    host.command(b"AT+USERRAM=1,%d" % len(data))
    host.command(b"AT+USERRAM=2,%d" % len(data), PROMPT)
    host.write(data)
    host.expect(WRITE_OK)
    host.command(b"AT+USERRAM=3,%d" % len(data), b"+USERRAM:%d,%s" % (len(data), data), OK)
