"""Hosts that send what they should not. The fixture then checks that AT is answered with OK and nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.board import Board
from tests.system.host import BUSY, ERROR, OK, PROMPT, WRITE_OK, Host
from tests.system.own_commands import COMMANDS_PY, NEEDED, arrive, held
from tests.system.ram import PATIENCE, chunks

USER_FILES = {"commands.py": COMMANDS_PY}

# Each line is answered with OK or ERROR alone, whatever is cut off its end or changed in it.
COMMANDS = (
    b"AT",
    b"ATE0",
    b"AT+GMR",
    b"AT+CMD?",
    b"AT+SLEEP=0x0",
    b"AT+SLEEP?",
    b"AT+SYSLOG=0",
    b"AT+SYSRAM?",
    b"AT+CWMODE=0,0",
    b"AT+CWMODE=?",
    b'AT+CWJAP="s\\"id","pass word","02:00:00:00:00:00"',
    b"AT+CWSTATE?",
    b"AT+CWQAP",
    b"AT+USERRAM=3,8,0",
    b"AT+USERRAM=4,1000,1000",
    b"AT+USERRAM?",
    b"AT+USERWKMCUCFG=0,1,18,1,10000,7",
    b"AT+USERWKMCUCFG=?",
    b"AT+USERMCUSLEEP=0",
)
# What a change puts in a byte's place: none of it makes one of these commands ask for data or restart.
INTRUDERS = b'\x00\xff\x80 \t\r",\\=?+:;-x'


def expect_one_result(host: Host, line: bytes) -> None:
    """Send ``line``, which is not empty; information lines may come before its only OK or ERROR."""
    answer = host.answer(line)
    assert answer.count(OK) + answer.count(ERROR) == 1, f"{line!r} was answered with {answer!r}"
    # A command that need not be loaded: loading takes longer than everything else.
    host.send(b"AT+USERMCUSLEEP?")
    more = host.read_until(b"+USERMCUSLEEP:0\r\n" + OK)
    assert more == b"+USERMCUSLEEP:0\r\n" + OK, f"{line!r} was answered with {answer!r} and {more!r}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_prefix_of_a_command(host: Host, command: bytes) -> None:
    for length in range(1, len(command) + 1):
        expect_one_result(host, command[:length])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_byte_of_a_command_changed(host: Host, command: bytes) -> None:
    for position in range(len(command)):
        for intruder in INTRUDERS:
            expect_one_result(host, command[:position] + bytes((intruder,)) + command[position + 1 :])


def test_every_prefix_of_a_write_and_its_data(host: Host) -> None:
    """A write cut short at any point: the next lines complete it, and the one after is a command again."""
    host.command(b"AT+USERRAM=1,12")
    line = b"AT+USERRAM=2,12\r\n" + b"0123456789\r\n"
    for length in range(len(line) + 1):
        host.write(line[:length])
        host.write(line[length:] + b"AT\r\n")
        host.expect(PROMPT + WRITE_OK + OK)
        host.command(b"AT+USERRAM=3,12", chunks(b"0123456789\r\n"), OK)
        host.command(b"AT+USERRAM=4")


def test_a_session_byte_by_byte(started: Host) -> None:
    session = (
        (b"AT\r\n", OK),
        (b"\r\n", b""),
        (b"at\r\n", ERROR),
        (b"AT+SYSLOG?\n", b"+SYSLOG:0\r\n" + OK),
        (b"AT+USERRAM=1,0x5\r\n", OK),
        (b"AT+USERRAM=2,5\r\n", PROMPT),
    )
    for line, answer in session:
        for byte in line:
            started.write(bytes((byte,)))
            started.expect(bytes((byte,)))
        started.expect(answer)
    for byte in b"A\r\nT\x00":
        started.write(bytes((byte,)))
    started.expect(WRITE_OK)


# Noise.


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("echo", [False, True])
def test_binary_noise(host: Host, seed: int, echo: bool) -> None:
    noise = random.Random(seed).randbytes(20_000) + b"\n"
    if echo:
        host.command(b"ATE1")
    expected = b""
    for line in noise.split(b"\n")[:-1]:
        expected += line + b"\n" if echo else b""
        expected += ERROR if line not in (b"", b"\r") else b""
    host.write(noise)
    host.expect(expected, PATIENCE)
    host.expect_nothing()


@pytest.mark.parametrize("byte", [b"\x00", b"\xff", b"\r", b"A", b'"', b"\\", b","])
@pytest.mark.parametrize("count", [1, 300, 50_000])
def test_one_byte_again_and_again(host: Host, byte: bytes, count: int) -> None:
    host.write(byte * count + b"\n")
    host.expect(b"" if (byte, count) == (b"\r", 1) else ERROR)
    host.expect_nothing(0.02)


def test_nothing_but_line_feeds(host: Host) -> None:
    host.write(b"\n" * 20_000)
    host.expect_nothing()


def test_lines_of_300_bytes(host: Host) -> None:
    host.write((b"AT+SYSLOG=1," + b"1" * 288 + b"\r\n") * 100)
    host.expect(ERROR * 100)
    host.command(b"AT+SYSLOG?", b"+SYSLOG:0\r\n", OK)


def test_nuls_around_a_command(host: Host) -> None:
    host.write(b"\x00AT\r\nAT\x00\r\nAT\r\x00\nA\x00T\r\nAT\r\n")
    host.expect(ERROR * 4 + OK)


@pytest.mark.simulator(NEEDED)
@pytest.mark.parametrize("seed", range(3))
def test_binary_noise_while_a_command_is_in_progress(host: Host, board: Board, seed: int) -> None:
    noise = random.Random(seed).randbytes(3000)
    with held(host, board, b"AT+STAND"):
        arrive(host, board, noise + b"\n")
    host.expect(BUSY + OK)
    host.expect_nothing()


@pytest.mark.parametrize("seed", range(3))
def test_binary_noise_as_data(host: Host, seed: int) -> None:
    noise = random.Random(seed).randbytes(20_000)
    host.command(b"AT+USERRAM=1,20000")
    host.command(b"AT+USERRAM=2,20000", PROMPT)
    host.write(noise)
    host.expect(WRITE_OK, PATIENCE)
    host.command(b"AT+USERRAM=3,20000", chunks(noise), OK, patience=PATIENCE)


def test_noise_and_commands_mixed(host: Host) -> None:
    noise = random.Random(7)
    for _ in range(200):
        dirt = noise.randbytes(noise.randrange(1, 400)).replace(b"\n", b"")
        host.write(dirt + b"\nAT\r\n")
        host.expect((b"" if dirt in (b"", b"\r") else ERROR) + OK)


# Lines that look like commands.

PIECES = (
    [
        b"AT",
        b"+",
        b"+USERRAM",
        b"+SLEEP",
        b"+SYSLOG",
        b"+USERWKMCUCFG",
        b"+USERMCUSLEEP",
        b"+CWSTATE",
        b"=",
        b"?",
        b",",
    ],
    [
        b'"',
        b"0",
        b"3",
        b"18",
        b"0x",
        b"-",
        b"2147483648",
        b"\\",
        b"\\,",
        b" ",
        b"\r",
        b"\x00",
        b"\xff",
        b"a" * 100,
        b"E0",
    ],
)
pieces = st.sampled_from([piece for row in PIECES for piece in row])


@settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(line=st.lists(pieces, max_size=12).map(b"".join))
def test_lines_that_look_like_commands(host: Host, line: bytes) -> None:
    expect_one_result(host, b"AT" + line)


@pytest.mark.parametrize(
    "number", [b"2147483648", b"4294967297", b"-2147483649", b"0xffffffffff", b"9" * 240, b"-" + b"9" * 230]
)
@pytest.mark.parametrize(
    "line", [b"AT+SLEEP=", b"AT+USERMCUSLEEP=", b"AT+USERRAM=", b"AT+USERRAM=1,", b"AT+USEROTA=", b"AT+USERWKMCUCFG="]
)
def test_numbers_that_overflow(host: Host, line: bytes, number: bytes) -> None:
    host.command(line + number, ERROR)


def test_the_length_of_a_url_that_overflows(host: Host) -> None:
    for length in (b"0", b"8193", b"-1", b"65536", b"4294967297", b""):
        host.command(b"AT+USEROTA=" + length, ERROR)
        host.expect_nothing(0.01)


def test_a_thousand_errors(host: Host) -> None:
    """Nothing is kept of a command that failed."""
    memory = host.answer(b"AT+SYSRAM?")
    host.write(b"AT+USERRAM=3,8,8,8\r\n" * 1000)
    host.expect(ERROR * 1000, PATIENCE)
    assert host.answer(b"AT+SYSRAM?") == memory
