"""SPEC, "Lines and answers": terminators, echo, prefix, lengths, white space, several lines at once."""

from __future__ import annotations

import pytest

from tests.system.host import ERROR, OK, READY, Host, error
from tests.system.own_commands import COMMANDS_PY, NEEDED

USER_FILES = {"commands.py": COMMANDS_PY}

NO_TERMINATOR = 0x01020000
NO_PREFIX = 0x01030000
UNSUPPORTED = 0x01090000
PARSE = 0x01080000


# After the start.


def test_ready_and_nothing_else_after_the_start(started: Host) -> None:
    started.expect_nothing()


def test_restart_by_command_says_ok_and_then_ready(host: Host) -> None:
    host.send(b"AT+RST")
    host.expect(OK + READY, 20)


def test_echo_is_on_again_after_a_restart(host: Host) -> None:
    host.command(b"AT+RST", OK, READY, patience=20)
    host.send(b"AT")
    host.expect(b"AT\r\n" + OK)


def test_codes_are_off_again_after_a_restart(host: Host) -> None:
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+RST", OK, READY, patience=20)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    host.command(b"AT+SYSLOG?", b"+SYSLOG:0\r\n", OK)
    host.command(b"AT+NO", ERROR)


# Echo.


def test_a_line_is_echoed_byte_by_byte(started: Host) -> None:
    for byte in b"AT+GM\rR?x\r":
        started.write(bytes((byte,)))
        started.expect(bytes((byte,)))
    started.expect_nothing()
    started.write(b"\n")
    started.expect(b"\n" + ERROR)


def test_the_answer_comes_after_the_echo(started: Host) -> None:
    started.send(b"AT")
    started.expect(b"AT\r\n" + OK)


def test_the_line_that_switches_the_echo_off_is_echoed(started: Host) -> None:
    started.send(b"ATE0")
    started.expect(b"ATE0\r\n" + OK)
    started.command(b"AT")


def test_the_line_that_switches_the_echo_on_is_not_echoed(host: Host) -> None:
    host.command(b"ATE1")
    host.send(b"AT")
    host.expect(b"AT\r\n" + OK)


@pytest.mark.parametrize(
    ("line", "answer"),
    [(b"\r\n", b""), (b"\n", b""), (b"at\r\n", ERROR), (b"AT\n", OK), (b"\x00\xff\x80\n", ERROR)],
)
def test_every_line_is_echoed_as_it_came(started: Host, line: bytes, answer: bytes) -> None:
    started.write(line)
    started.expect(line + answer)


def test_a_line_that_is_too_long_is_echoed_too(started: Host) -> None:
    started.send(b"AT" + b"x" * 3000)
    started.expect(b"AT" + b"x" * 3000 + b"\r\n" + ERROR)


@pytest.mark.parametrize("form", [b"ATE", b"ATE2", b"ATE=0", b"ATE00", b"ATe0"])
def test_other_forms_of_ate_are_not_commands(host: Host, form: bytes) -> None:
    host.command(b"AT+SYSLOG=1")
    host.command(form, error(UNSUPPORTED))


# Terminators.


def test_a_lone_line_feed_ends_a_line(host: Host) -> None:
    host.write(b"AT\n")
    host.expect(OK)


def test_a_lone_carriage_return_does_not_end_a_line(host: Host) -> None:
    host.write(b"AT\r")
    host.expect_nothing()
    host.write(b"\n")
    host.expect(OK)


@pytest.mark.parametrize("line", [b"AT\rAT\r\n", b"AT\r\r\n", b"AT\rAT\n"])
def test_a_carriage_return_within_a_line_is_a_byte_like_any_other(host: Host, line: bytes) -> None:
    host.command(b"AT+SYSLOG=1")
    host.write(line)
    host.expect(error(UNSUPPORTED))


def test_terminators_may_come_apart(host: Host) -> None:
    for byte in b"AT\r\nAT\n":
        host.expect_nothing(0.01)
        host.write(bytes((byte,)))
        if byte == 0x0A:
            host.expect(OK)


@pytest.mark.parametrize("line", [b"\r\n", b"\n", b"\r\n\r\n\n\n\r\n"])
def test_empty_lines_are_ignored(host: Host, line: bytes) -> None:
    host.write(line)
    host.expect_nothing()


def test_empty_lines_between_commands_are_ignored(host: Host) -> None:
    host.write(b"AT\r\n\r\n\nAT\r\n\r\n")
    host.expect(OK + OK)
    host.expect_nothing()


# Prefix.


@pytest.mark.parametrize(
    "line",
    [b"at", b"At", b"aT", b"A", b"T", b"X", b"XAT", b"TA", b"+GMR", b"at+gmr", b"aT+GMR", b"?", b"=", b"\x00AT", b"\r"],
)
def test_a_line_without_at(host: Host, line: bytes) -> None:
    host.command(line, ERROR)
    host.command(b"AT+SYSLOG=1")
    host.command(line, error(NO_PREFIX))


@pytest.mark.parametrize(
    "line", [b"ATX", b"AT+", b"AT+gmr", b"AT+Gmr", b"AT+GMRX", b"AT+GM", b"ATAT", b"AT+=1", b"AT+?"]
)
def test_names_are_whole_and_in_upper_case(host: Host, line: bytes) -> None:
    host.command(line, ERROR)
    host.command(b"AT+SYSLOG=1")
    host.command(line, error(UNSUPPORTED))


# White space.


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b" AT", NO_PREFIX),
        (b"\tAT", NO_PREFIX),
        (b" ", NO_PREFIX),
        (b"AT ", UNSUPPORTED),
        (b"AT +GMR", UNSUPPORTED),
        (b"AT+GMR ", UNSUPPORTED),
        (b"AT+SYSLOG ?", UNSUPPORTED),
        (b"AT+SYSLOG? ", UNSUPPORTED),
        (b"AT+SYSLOG =1", UNSUPPORTED),
        (b"AT+SYSLOG= 1", PARSE),
        (b"AT+SYSLOG=1 ", PARSE),
        (b"AT+SYSLOG=1\t", PARSE),
        (b"AT+USERRAM=1, 8", PARSE | 1),
        (b'AT+CWJAP= "x"', PARSE),
        (b'AT+CWJAP="x" ', PARSE),
    ],
)
def test_white_space_is_never_trimmed(host: Host, line: bytes, code: int) -> None:
    host.command(b"AT+SYSLOG=1")
    host.command(line, error(code))


# Length.


@pytest.mark.parametrize("terminator", [b"\r\n", b"\n"])
@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize(
    ("length", "code"),
    [(255, UNSUPPORTED), (256, UNSUPPORTED)]
    + [(length, NO_TERMINATOR) for length in (257, 258, 300, 511, 512, 513, 514, 1000, 5000)],
)
def test_a_line_has_at_most_256_bytes(host: Host, length: int, code: int, echo: bool, terminator: bytes) -> None:
    line = b"AT+" + b"X" * (length - 3) + terminator
    host.command(b"AT+SYSLOG=1")
    if echo:
        host.command(b"ATE1")
    host.write(line)
    host.expect((line if echo else b"") + error(code))


def test_the_terminator_of_a_long_line_may_come_apart(host: Host) -> None:
    host.command(b"AT+SYSLOG=1")
    for length, code in ((256, UNSUPPORTED), (257, NO_TERMINATOR)):
        host.write(b"AT+" + b"X" * (length - 3))
        host.expect_nothing()
        host.write(b"\r")
        host.expect_nothing()
        host.write(b"\n")
        host.expect(error(code))


def test_a_carriage_return_counts_when_it_is_not_the_terminators(host: Host) -> None:
    host.command(b"AT+SYSLOG=1")
    host.write(b"AT+" + b"X" * 253 + b"\rX\r\n")
    host.expect(error(NO_TERMINATOR))


def test_a_line_that_is_too_long_is_dropped_up_to_its_terminator(host: Host) -> None:
    host.write(b"AT" * 1000)
    host.expect_nothing()
    host.write(b"AT\r\nAT\r\n")
    host.expect(ERROR + OK)
    host.expect_nothing()


def test_without_codes_a_long_line_is_one_error(host: Host) -> None:
    host.send(b"x" * 257)
    host.expect(ERROR)
    host.expect_nothing()


@pytest.mark.simulator(NEEDED)
def test_a_command_of_256_bytes_is_carried_out(host: Host) -> None:
    text = b"y" * (256 - len(b'AT+SHOW=""'))
    host.command(b'AT+SHOW="' + text + b'"', b"+SHOW:(b'" + text + b"', None, None)\r\n", OK)


# Several lines at once.


def test_lines_in_one_burst_are_answered_in_order(host: Host) -> None:
    host.write(b"AT\r\nAT+SYSLOG?\r\nat\r\nAT+SYSLOG=1\r\nAT+SYSLOG?\nAT+NO\r\nAT\r\n")
    host.expect(OK + b"+SYSLOG:0\r\n" + OK + ERROR + OK + b"+SYSLOG:1\r\n" + OK + error(UNSUPPORTED) + OK)


def test_with_echo_each_line_comes_before_its_answer(started: Host) -> None:
    started.write(b"AT\r\nAT+SYSLOG?\r\nAT\nATE0\r\nAT\r\n")
    started.expect(b"AT\r\n" + OK + b"AT+SYSLOG?\r\n+SYSLOG:0\r\n" + OK + b"AT\n" + OK + b"ATE0\r\n" + OK + OK)


@pytest.mark.parametrize("echo", [False, True])
def test_many_lines_in_one_burst(host: Host, echo: bool) -> None:
    if echo:
        host.command(b"ATE1")
    host.write(b"AT\r\n" * 400)
    host.expect(((b"AT\r\n" if echo else b"") + OK) * 400)


def test_lines_across_reads(host: Host) -> None:
    burst = b"AT+SYSLOG?\r\n" * 300
    for begin in range(0, len(burst), 7):
        host.write(burst[begin : begin + 7])
    host.expect((b"+SYSLOG:0\r\n" + OK) * 300)
