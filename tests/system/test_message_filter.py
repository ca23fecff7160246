"""AT+SYSMSGFILTER and AT+SYSMSGFILTERCFG (ESP-AT user guide, "Basic AT Commands")."""

from __future__ import annotations

import pytest

from sim.board import Board
from tests.system import ram
from tests.system.boards import wait_for_level
from tests.system.host import ERROR, OK, PROMPT, READY, WRITE_OK, Host, error
from tests.system.http_server import HttpServer
from tests.system.test_wake import GPIO, USER_FILES
from tests.system.upgrades import JOINED

CONFIG = {"report_queue": 4, "wifi_poll_ms": 20}
# AT+TELL is that of the tests of the wake gate: message reports.
assert USER_FILES

NOT_THERE = 0x010A0001
NO_MEMORY = 0x010A0004
FAILED = 0x010A0000
NOT_POSSIBLE = 0x010A000A
EXTENDED = 1
IGNORE_CASE = 2


@pytest.fixture
def plain(host: Host) -> Host:
    """A module without filters that tells error codes."""
    host.command(b"AT+SYSMSGFILTER=0")
    host.command(b"AT+SYSMSGFILTERCFG=0")
    host.command(b"AT+SYSLOG=1")
    return host


def configure(host: Host, operation: int, head: bytes, tail: bytes = b"", flags: int = 0, answer: bytes = OK) -> None:
    """Add (1) or delete (2) a filter."""
    host.command(b"AT+SYSMSGFILTERCFG=%d,%d,%d,%d" % (operation, len(head), len(tail), flags), PROMPT)
    host.write(head + tail)
    host.expect(answer)


def filtering(host: Host, head: bytes, tail: bytes = b"", flags: int = 0) -> None:
    """This filter alone is in force."""
    host.command(b"AT+SYSMSGFILTER=0")
    host.command(b"AT+SYSMSGFILTERCFG=0")
    configure(host, 1, head, tail, flags)
    host.command(b"AT+SYSMSGFILTER=1")


# The settings.


def test_filters_are_added_listed_and_deleted(plain: Host) -> None:
    plain.command(b"AT+SYSMSGFILTERCFG?")
    plain.command(b"AT+SYSMSGFILTERCFG=1,17,0", PROMPT)
    plain.write(b"^WIFI CONNECTED\r\n")
    plain.expect(OK)
    configure(plain, 1, b"^+HTTPCGET:[0-9]*,", b"\r\n$")
    plain.command(
        b"AT+SYSMSGFILTERCFG?",
        b'+SYSMSGFILTERCFG:0,"^WIFI CONNECTED\r\n",""\r\n',
        b'+SYSMSGFILTERCFG:1,"^+HTTPCGET:[0-9]*,","\r\n$"\r\n',
        OK,
    )
    configure(plain, 2, b"^WIFI CONNECTED\r\n")
    plain.command(b"AT+SYSMSGFILTERCFG?", b'+SYSMSGFILTERCFG:0,"^+HTTPCGET:[0-9]*,","\r\n$"\r\n', OK)
    plain.command(b"AT+SYSMSGFILTERCFG=0")
    plain.command(b"AT+SYSMSGFILTERCFG?")


def test_a_filter_that_is_not_there_is_not_deleted(plain: Host) -> None:
    configure(plain, 1, b"^a", flags=EXTENDED)
    configure(plain, 2, b"^b", flags=EXTENDED, answer=error(NOT_THERE))
    configure(plain, 2, b"^a", answer=error(NOT_THERE))
    configure(plain, 2, b"^a", flags=EXTENDED)
    configure(plain, 2, b"^a", flags=EXTENDED, answer=error(NOT_THERE))


def test_a_filter_that_is_there_is_not_added_again(plain: Host) -> None:
    configure(plain, 1, b"^a")
    configure(plain, 1, b"^a")
    plain.command(b"AT+SYSMSGFILTERCFG?", b'+SYSMSGFILTERCFG:0,"^a",""\r\n', OK)


def test_there_are_eight_filters(plain: Host) -> None:
    for number in range(8):
        configure(plain, 1, b"^%d" % number, b"%064d" % number)
    plain.command(b"AT+SYSMSGFILTERCFG=1,1,0", error(NO_MEMORY))
    configure(plain, 2, b"^7", b"%064d" % 7)
    configure(plain, 1, b"x")


def test_filtering_is_off_and_without_filters_after_a_start(plain: Host) -> None:
    filtering(plain, b"^+SYSLOG:.")
    plain.command(b"AT+SYSMSGFILTER?", b"+SYSMSGFILTER:1\r\n", OK)
    plain.command(b"AT+RST", OK, READY)
    plain.command(b"ATE0", b"ATE0\r\n", OK)
    plain.command(b"AT+SYSMSGFILTER?", b"+SYSMSGFILTER:0\r\n", OK)
    plain.command(b"AT+SYSMSGFILTERCFG?")
    plain.command(b"AT+SYSLOG?", b"+SYSLOG:0\r\n", OK)


def test_filters_may_come_and_go_while_filtering_is_on(plain: Host) -> None:
    plain.command(b"AT+SYSMSGFILTER=1")
    configure(plain, 1, b"^+SYSLOG:")
    plain.command(b"AT+SYSLOG?", b"1\r\n", OK)
    plain.command(b"AT+SYSMSGFILTERCFG=0")
    plain.command(b"AT+SYSLOG?", b"+SYSLOG:1\r\n", OK)
    plain.command(b"AT+SYSMSGFILTER?", b"+SYSMSGFILTER:1\r\n", OK)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"AT+SYSMSGFILTER=2", 0x01070000),
        (b"AT+SYSMSGFILTERCFG=3", 0x01070000),
        (b"AT+SYSMSGFILTERCFG=0,1", 0x01060102),
        (b"AT+SYSMSGFILTERCFG=1", 0x01060301),
        (b"AT+SYSMSGFILTERCFG=1,2", 0x01060302),
        (b"AT+SYSMSGFILTERCFG=1,2,0,0,0", 0x01060405),
        (b"AT+SYSMSGFILTERCFG=1,65,0", 0x01070001),
        (b"AT+SYSMSGFILTERCFG=1,0,65", 0x01070002),
        (b"AT+SYSMSGFILTERCFG=1,,5", 0x01080001),
        (b"AT+SYSMSGFILTERCFG=1,5,", 0x01080002),
        (b"AT+SYSMSGFILTERCFG=1,0,0", 0x01070002),
        (b"AT+SYSMSGFILTERCFG=2,0,0", 0x01070002),
        (b"AT+SYSMSGFILTERCFG=1,5,0,8", 0x01070003),
        (b"AT+SYSMSGFILTERCFG=1,5,0,4", NOT_POSSIBLE),
    ],
)
def test_what_is_refused_before_the_prompt(plain: Host, line: bytes, code: int) -> None:
    plain.command(line, error(code))
    plain.command(b"AT+SYSMSGFILTERCFG?")


@pytest.mark.parametrize(
    ("pattern", "flags", "code"),
    [
        (rb"^\(a", 0, FAILED),
        (rb"a\)", 0, FAILED),
        (b"^[a-z", 0, FAILED),
        (b"a\\", 0, FAILED),
        (b"(a", EXTENDED, FAILED),
        (b"a)(b", EXTENDED, FAILED),
        (b"+a", EXTENDED, NOT_POSSIBLE),
        (rb"\(a\)\1", 0, NOT_POSSIBLE),
        (rb"a\{2\}", 0, NOT_POSSIBLE),
        (b"a{2}", EXTENDED, NOT_POSSIBLE),
        (b"[[:digit:]]", 0, NOT_POSSIBLE),
        (b"a\0b", 0, NOT_POSSIBLE),
        (b"a**", 0, NOT_POSSIBLE),
        # What may take a time that doubles with each further byte, or is a high power of it.
        (b"(a*)*b", EXTENDED, NOT_POSSIBLE),
        (b"(a|a)+b", EXTENDED, NOT_POSSIBLE),
        (b"a?" * 20 + b"a", EXTENDED, NOT_POSSIBLE),
        (b"(a|a)" * 12 + b"b", EXTENDED, NOT_POSSIBLE),
        (b"^a*a*a*a*b", 0, NOT_POSSIBLE),
        (b"a*a*a*b", 0, NOT_POSSIBLE),
        (b"(" * 9 + b"a" + b")" * 9, EXTENDED, NOT_POSSIBLE),
    ],
)
def test_a_pattern_that_is_refused_changes_nothing(plain: Host, pattern: bytes, flags: int, code: int) -> None:
    configure(plain, 1, b"^good")
    configure(plain, 1, b"^x", pattern, flags, error(code))
    plain.command(b"AT+SYSMSGFILTERCFG?", b'+SYSMSGFILTERCFG:0,"^good",""\r\n', OK)


def test_a_prompt_without_an_answer_adds_nothing(plain: Host) -> None:
    plain.command(b"AT+SYSLOG=0")
    plain.command(b"AT+USERPROMPT=100")
    plain.command(b"AT+SYSMSGFILTERCFG=1,5,0", PROMPT, ERROR)
    plain.command(b"AT+USERPROMPT=0")
    plain.command(b"AT+SYSMSGFILTERCFG?")


# What is filtered.


@pytest.mark.parametrize(
    ("head", "tail", "flags", "left"),
    [
        (b"^+SYSMSG:", b"", 0, b"0\r\n"),
        (b"", b"\r\n$", 0, b"+SYSMSG:0"),
        (b"^+SYSMSG:", b"\r\n$", 0, b"0"),
        (b"^+SYSMSG:.\r\n", b"", 0, b""),
        (b"MSG", b"", 0, b"+SYS:0\r\n"),
        (b"^MSG", b"", 0, b"+SYSMSG:0\r\n"),
        (b"^+SYSMSG:", b"x", 0, b"+SYSMSG:0\r\n"),
        (b"^+SYSMSG:0", b"MSG", 0, b"+SYSMSG:0\r\n"),
        (b"^+[A-Z]*:", b"", 0, b"0\r\n"),
        (b"^[^:]*:", b"", 0, b"0\r\n"),
        (b"S[]Y^]S", b"", 0, b"+MSG:0\r\n"),
        (rb"S[\Y]S", b"", 0, b"+MSG:0\r\n"),
        (rb"^+\(SYS\)MSG:", b"", 0, b"0\r\n"),
        (rb"^\+SYS\(x*\)MSG.0", b"", 0, b"\r\n"),
        (rb"^\+(SYS|FOO)MSG:[0-9]+", b"", EXTENDED, b"\r\n"),
        (rb"(FOO|SYSM?)", b"", EXTENDED, b"+SG:0\r\n"),
        (b"^+sysmsg:", b"", 0, b"+SYSMSG:0\r\n"),
        (b"^+sysMSG:", b"", IGNORE_CASE, b"0\r\n"),
        (b"^*SYS", b"", 0, b"+SYSMSG:0\r\n"),
        (b"SYS$MSG", b"", 0, b"+SYSMSG:0\r\n"),
    ],
)
def test_what_matches_is_cut_out(plain: Host, head: bytes, tail: bytes, flags: int, left: bytes) -> None:
    plain.command(b"AT+SYSMSG=0")
    filtering(plain, head, tail, flags)
    tail_is_in_ok = tail and not head
    plain.command(b"AT+SYSMSG?", left + (b"\r\nOK" if tail_is_in_ok else OK))
    plain.command(b"AT+SYSMSGFILTER=0")
    plain.command(b"AT+SYSMSG?", b"+SYSMSG:0\r\n", OK)


def test_the_first_filter_that_matches_is_the_only_one(plain: Host) -> None:
    filtering(plain, b"^+SYS")
    configure(plain, 1, b"^+SYSLOG:")
    configure(plain, 1, b"LOG:")
    plain.command(b"AT+SYSLOG?", b"LOG:1\r\n", OK)


def test_wifi_connected_is_left_out_of_joining(plain: Host, ssid: bytes, password: bytes) -> None:
    plain.command(b"AT+CWMODE=1,0")
    filtering(plain, b"^WIFI CONNECTED\r\n")
    plain.command(b'AT+CWJAP="%s","%s"' % (ssid, password), b"WIFI GOT IP\r\n", OK, patience=20)
    configure(plain, 2, b"^WIFI CONNECTED\r\n")
    plain.command(b'AT+CWJAP="%s","%s"' % (ssid, password), b"WIFI DISCONNECT\r\n", JOINED, OK, patience=20)


def test_a_download_without_anything_around_it(plain: Host, ssid: bytes, password: bytes) -> None:
    data = ram.pattern(10_000)
    with HttpServer() as server:
        server.files["/picture"] = data
        if not plain.answer(b"AT+CWSTATE?").startswith(b"+CWSTATE:2,"):
            plain.command(b"AT+CWMODE=1,0")
            plain.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)
        configure(plain, 1, b"^+HTTPCGET:[0-9]*,", b"\r\n$")
        configure(plain, 1, b"", b"\r\nOK\r\n$")
        plain.command(b"AT+SYSMSGFILTER=1")
        plain.command(b'AT+HTTPCGET="%s"' % server.url("/picture").encode(), data)
        plain.expect_nothing()
        plain.command(b"AT+SYSMSGFILTER=0")


def test_long_answers_are_filtered_piece_by_piece(plain: Host) -> None:
    data = ram.fill(plain, 3000)
    filtering(plain, b"^+USERRAM:[0-9]*,")
    plain.command(b"AT+USERRAM=3,3000", data, OK)


def test_a_match_too_deep_for_the_stack_is_none(plain: Host) -> None:
    plain.command(b"AT+USERRAM=1,60000")
    plain.command(b"AT+USERRAM=3,60000", ram.chunks(bytes(60000)), OK)
    filtering(plain, b"^+USERRAM.*X*")
    plain.command(b"AT+USERRAM=3,60000", ram.chunks(bytes(60000)), OK)
    plain.command(b"AT+SYSMSGFILTER?", b"+SYSMSGFILTER:1\r\n", OK)


def test_data_that_the_host_sends_is_not_filtered(plain: Host) -> None:
    filtering(plain, b"data")
    plain.command(b"AT+USERRAM=1,8")
    plain.command(b"AT+USERRAM=2,8", PROMPT)
    plain.write(b"some dat")
    plain.expect(WRITE_OK)
    plain.command(b"AT+SYSMSGFILTER=0")
    plain.command(b"AT+USERRAM=3,8", b"+USERRAM:8,some dat", OK)


# Message reports.


def test_reports_are_filtered_in_order(plain: Host) -> None:
    filtering(plain, b"^a[02]\r\n")
    plain.command(b'AT+TELL="a",4', OK, b"a1\r\na3\r\n")
    filtering(plain, b"^a", b"\r\n$")
    plain.command(b'AT+TELL="a",4', OK, b"0123")


def test_a_filtered_report_does_not_wake_the_host(plain: Host, board: Board) -> None:
    filtering(plain, b"^quiet[0-9]*\r\n")
    plain.command(b"AT+USERWKMCUCFG=1,1,%d,1,10000,1" % GPIO)
    plain.command(b"AT+USERMCUSLEEP=1")
    before = len(board.pins.trace(GPIO))
    # More than the queue holds.
    plain.command(b'AT+TELL="quiet",9')
    plain.command(b"AT+USERREPORT?", b"+USERREPORT:0,0\r\n", OK)
    plain.command(b'AT+TELL="loud"')
    wait_for_level(board, GPIO, 1)
    assert [level for _, level in board.pins.trace(GPIO)[before:]] == [1]
    plain.command(b"AT+USERMCUSLEEP=0", OK, b"loud0\r\n")


def test_the_byte_that_wakes_the_host_is_not_filtered(plain: Host) -> None:
    filtering(plain, b"^A")
    plain.command(b"AT+USERWKMCUCFG=1,2,1,65,10000,1")
    plain.command(b"AT+USERMCUSLEEP=1")
    plain.command(b'AT+TELL="A"', OK, b"A")
    plain.command(b"AT+USERMCUSLEEP=0", OK, b"0\r\n")
