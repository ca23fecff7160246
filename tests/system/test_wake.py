"""AT+USERWKMCUCFG, AT+USERMCUSLEEP and the wake gate before message reports (SPEC, sections 4 and 5)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from sim.board import Board
from tests.system.boards import wait_for_level
from tests.system.host import ERROR, OK, PROMPT, READY, WRITE_OK, Host, error
from tests.system.own_commands import TOLD, arrive, tell

CONFIG = {"report_queue": 4, "wifi_poll_ms": 20}
# AT+TELL="text"[,count[,1]]: message reports text0, text1, ..., with 1 when ``tell`` says so.
USER_FILES = {
    "commands.py": b"""
import asyncio
from machine import Pin
from firmware.command import command, integer, string

async def tell_later(at, text, count):
    while not Pin(21).value():
        await asyncio.sleep_ms(2)
    for number in range(count):
        at.report(text + b"%d" % number)

def tell(at, text, count, later):
    if later:
        asyncio.create_task(tell_later(at, text, count or 1))
        return
    for number in range(count or 1):
        at.report(text + b"%d" % number)

COMMANDS = (command("+TELL", (string(1, 200), integer(1, 99, True), integer(1, 1, True)), set=tell),)
"""
}

GPIO = 18
NEEDS_REPORTS = pytest.mark.simulator("its message reports come from a file in the board's partition user")
CHECK_METHODS = range(8)

NOT_ENABLED = 0x010A0001
ENABLED_ALREADY = 0x010A0002
ASLEEP = 0x010A0005

Levels = Callable[[], list[int | None]]


@pytest.fixture
def levels(board: Board) -> Levels:
    """The levels that the wake GPIO has taken since the test began, beginning with the one it had then."""
    before = len(board.pins.trace(GPIO)) - 1
    return lambda: [level for _, level in board.pins.trace(GPIO)[before:]]


def enable_gpio(host: Host, delay: int, check: int = 1, signal: int = 1) -> None:
    host.command(b"AT+USERWKMCUCFG=1,1,%d,%d,%d,%d" % (GPIO, signal, delay, check))


def enable_uart(host: Host, byte: int, delay: int, check: int = 1) -> None:
    host.command(b"AT+USERWKMCUCFG=1,2,1,%d,%d,%d" % (byte, delay, check))


def fall_asleep(host: Host) -> None:
    host.command(b"AT+USERMCUSLEEP=1")


def asleep(host: Host) -> int:
    answer = host.answer(b"AT+USERMCUSLEEP?")
    assert answer in (b"+USERMCUSLEEP:0\r\n" + OK, b"+USERMCUSLEEP:1\r\n" + OK)
    return int(answer[14:15])


def will_tell(host: Host, board: Board) -> None:
    """A report, a0, comes after ``tell``."""
    board.pins.drive(TOLD, 0)
    host.command(b'AT+TELL="a",1,1')


# The configuration: parameters and their checks.


@pytest.mark.parametrize(
    "settings",
    [
        b"1,1,18,0,0,0",
        b"1,1,18,1,60000,7",
        b"1,1,4,1,10,1",
        b"1,2,1,0,0,0",
        b"1,2,1,255,60000,7",
        b"0x1,0x1,0x12,0x1,0xEA60,0x7",
        b"01,002,0001,000255,007,03",
    ],
)
def test_settings_in_their_ranges_are_taken(host: Host, settings: bytes) -> None:
    host.command(b"AT+USERWKMCUCFG=" + settings)
    numbers = [int(text, 16 if b"x" in text else 10) for text in settings.split(b",")]
    host.command(b"AT+USERWKMCUCFG?", b"+USERWKMCUCFG:%d,%d,%d,%d,%d,%d\r\n" % tuple(numbers), OK)
    host.command(b"AT+USERWKMCUCFG=0")
    host.command(b"AT+USERWKMCUCFG?", b"+USERWKMCUCFG:0\r\n", OK)


def test_the_check_method_is_1_unless_given(host: Host) -> None:
    host.command(b"AT+USERWKMCUCFG=1,2,1,65,100")
    host.command(b"AT+USERWKMCUCFG?", b"+USERWKMCUCFG:1,2,1,65,100,1\r\n", OK)


# What is wrong, and the code that says so, in the order of the checks. In each line everything after it is wrong too.
WRONG_SETTINGS = [
    (b"", 0x01080000),
    (b"2,9,99,999,70000,9,9", 0x01070000),
    (b"-1,9,99,999,70000,9,9", 0x01070000),
    (b"x,9,99,999,70000,9,9", 0x01080000),
    (b'"1",9,99,999,70000,9,9', 0x01050000),
    (b",9,99,999,70000,9,9", 0x01080000),
    (b"4294967297,9,99,999,70000,9,9", 0x01080000),
    (b"1", 0x01060501),
    (b"1,0,99,999,70000,9,9", 0x01070001),
    (b"1,3,99,999,70000,9,9", 0x01070001),
    (b"1,x,99,999,70000,9,9", 0x01080001),
    (b"1,,99,999,70000,9,9", 0x01080001),
    (b"1,1", 0x01060502),
    (b"1,1,-1,999,70000,9,9", 0x01070002),
    (b"1,1,40,999,70000,9,9", 0x01070002),
    (b"1,1,x,999,70000,9,9", 0x01080002),
    (b"1,2,0,999,70000,9,9", 0x01070002),
    (b"1,2,2,999,70000,9,9", 0x01070002),
    (b"1,1,18", 0x01060503),
    (b"1,1,18,-1,70000,9,9", 0x01070003),
    (b"1,1,18,2,70000,9,9", 0x01070003),
    (b"1,2,1,-1,70000,9,9", 0x01070003),
    (b"1,2,1,256,70000,9,9", 0x01070003),
    (b"1,2,1,,70000,9,9", 0x01080003),
    (b"1,1,18,1", 0x01060504),
    (b"1,1,18,1,-1,9,9", 0x01070004),
    (b"1,1,18,1,60001,9,9", 0x01070004),
    (b"1,1,18,1,1.5,9,9", 0x01080004),
    (b"1,1,18,1,100,-1,9", 0x01070005),
    (b"1,1,18,1,100,8,9", 0x01070005),
    (b"1,1,18,1,100,x,9", 0x01080005),
    (b"1,1,18,1,100,,9", 0x01080005),
    (b"1,1,18,1,100,", 0x01080005),
    (b"1,1,18,1,100,1,9", 0x01060607),
    (b"1,1,18,1,100,1,", 0x01060607),
]


@pytest.mark.parametrize(("settings", "code"), WRONG_SETTINGS)
def test_wrong_settings_are_refused_in_order(host: Host, settings: bytes, code: int) -> None:
    host.command(b"AT+USERWKMCUCFG=" + settings, ERROR)
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+USERWKMCUCFG=" + settings, error(code))
    host.command(b"AT+USERWKMCUCFG?", b"+USERWKMCUCFG:0\r\n", OK)


def test_refused_settings_touch_no_pin(host: Host, board: Board, levels: Levels) -> None:
    before = levels()
    for settings, _ in WRONG_SETTINGS:
        host.command(b"AT+USERWKMCUCFG=" + settings, ERROR)
    assert levels() == before
    assert board.pins.mode(GPIO) == "input"


@pytest.mark.parametrize(
    "number",
    [
        *(pytest.param(number, id=f"flash-{number}") for number in range(6, 12)),
        *(pytest.param(number, id=f"repl-{number}") for number in (1, 3)),
        *(pytest.param(number, id=f"at-port-{number}") for number in (14, 15, 16, 17)),
        *(pytest.param(number, id=f"input-only-{number}") for number in range(34, 40)),
        *(pytest.param(number, id=f"no-such-{number}") for number in (24, 28, 29, 30, 31)),
    ],
)
def test_a_gpio_that_is_not_free_is_refused(host: Host, number: int) -> None:
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+USERWKMCUCFG=1,1,%d,1,100" % number, error(0x01070002))
    host.command(b"AT+USERWKMCUCFG?", b"+USERWKMCUCFG:0\r\n", OK)


def test_every_gpio_that_is_free_is_taken(host: Host, board: Board) -> None:
    for number in (0, 2, 4, 5, 12, 13, 18, 19, 21, 22, 23, 25, 26, 27, 32, 33):
        host.command(b"AT+USERWKMCUCFG=1,1,%d,1,100" % number)
        assert (board.pins.mode(number), board.pins.level(number)) == ("output", 0)
        host.command(b"AT+USERWKMCUCFG=0")


def test_enabling_what_is_enabled_is_refused(host: Host) -> None:
    host.command(b"AT+SYSLOG=1")
    enable_uart(host, 65, 100)
    host.command(b"AT+USERWKMCUCFG=1,2,1,65,100,1", error(ENABLED_ALREADY))
    host.command(b"AT+USERWKMCUCFG=1,9,99,999,70000,9,9", error(ENABLED_ALREADY))
    host.command(b"AT+USERWKMCUCFG=1", error(ENABLED_ALREADY))
    host.command(b"AT+USERWKMCUCFG=2,9", error(0x01070000))
    host.command(b"AT+USERWKMCUCFG?", b"+USERWKMCUCFG:1,2,1,65,100,1\r\n", OK)


def test_surplus_after_disable(host: Host) -> None:
    host.command(b"AT+SYSLOG=1")
    for surplus in (b"", b",", b",1,18,1,100,1", b",x", b',"a",,,,,,,,'):
        host.command(b"AT+USERWKMCUCFG=0" + surplus)
    enable_uart(host, 65, 100)
    host.command(b"AT+USERWKMCUCFG=0,", error(0x01060102))
    host.command(b"AT+USERWKMCUCFG=0,1,18,1,100,1", error(0x01060106))
    host.command(b"AT+USERWKMCUCFG?", b"+USERWKMCUCFG:1,2,1,65,100,1\r\n", OK)
    host.command(b"AT+USERWKMCUCFG=0")


def test_nothing_can_be_configured_while_the_host_is_asleep(host: Host) -> None:
    host.command(b"AT+SYSLOG=1")
    enable_uart(host, 65, 100)
    fall_asleep(host)
    for settings in (b"0", b"1,2,1,65,100,1", b"9,9,99,999,70000,9,9", b"", b"x"):
        host.command(b"AT+USERWKMCUCFG=" + settings, error(ASLEEP))
    host.command(b"AT+USERMCUSLEEP=0")
    host.command(b"AT+USERWKMCUCFG=0")


def test_kinds_of_the_commands(host: Host) -> None:
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+USERWKMCUCFG", error(0x010C0000))
    host.command(b"AT+USERMCUSLEEP", error(0x010C0000))
    host.command(b"AT+USERWKMCUCFG=?", b"+USERWKMCUCFG:(0-1),(1-2),(0-39),(0-255),(0-60000)[,(0-7)]\r\n", OK)
    host.command(b"AT+USERMCUSLEEP=?", b"+USERMCUSLEEP:(0-1)\r\n", OK)


# The wake GPIO.


@pytest.mark.parametrize("signal", [0, 1])
def test_the_gpio_is_inactive_at_once_and_held(host: Host, board: Board, levels: Levels, signal: int) -> None:
    enable_gpio(host, 100, signal=signal)
    assert levels() == [None, 1 - signal]
    assert (board.pins.mode(GPIO), board.pins.hold(GPIO)) == ("output", True)
    host.command(b"AT+USERWKMCUCFG=0")
    assert levels() == [None, 1 - signal, None]
    assert (board.pins.mode(GPIO), board.pins.hold(GPIO), board.pins.pull(GPIO)) == ("input", False, None)


@pytest.mark.parametrize("signal", [0, 1])
def test_a_restart_does_not_disturb_the_gpio(fresh: Host, board: Board, levels: Levels, signal: int) -> None:
    enable_gpio(fresh, 100, signal=signal)
    fresh.command(b"AT+RST", OK, READY)
    assert levels() == [None, 1 - signal]
    assert board.pins.hold(GPIO)
    fresh.command(b"ATE0", b"ATE0\r\n", OK)
    fresh.command(b"AT+USERWKMCUCFG?", b"+USERWKMCUCFG:0\r\n", OK)
    fresh.command(b"AT+USERMCUSLEEP?", b"+USERMCUSLEEP:0\r\n", OK)
    enable_gpio(fresh, 100, signal=signal)
    fresh.command(b"AT+USERWKMCUCFG=0")
    assert levels() == [None, 1 - signal, None]


def test_a_restart_while_the_host_sleeps(fresh: Host, board: Board, levels: Levels) -> None:
    enable_gpio(fresh, 60000)
    fall_asleep(fresh)
    fresh.command(b'AT+TELL="lost"')
    wait_for_level(board, GPIO, 1)
    fresh.command(b"AT+RST", OK, READY)
    # A signal that has begun is not cut short, nor does it flicker.
    assert levels() == [None, 0, 1]
    fresh.command(b"ATE0", b"ATE0\r\n", OK)
    fresh.command(b"AT+USERMCUSLEEP?", b"+USERMCUSLEEP:0\r\n", OK)
    fresh.command(b"AT+USERREPORT?", b"+USERREPORT:0,0\r\n", OK)
    enable_gpio(fresh, 60000)
    assert levels() == [None, 0, 1, 0]


# The host's state.


@pytest.mark.parametrize("check", CHECK_METHODS)
def test_which_commands_tell_the_state(host: Host, check: int) -> None:
    enable_uart(host, 65, 0, check)
    assert asleep(host) == 0
    by_usermcusleep, by_sleep = check & 1, check >> 1 & 1
    host.command(b"AT+USERMCUSLEEP=1")
    assert asleep(host) == by_usermcusleep
    host.command(b"AT+USERMCUSLEEP=0")
    assert asleep(host) == 0
    for mode in (1, 2, 3):
        host.command(b"AT+SLEEP=%d" % mode)
        assert asleep(host) == by_sleep
        host.command(b"AT+SLEEP=0")
        assert asleep(host) == 0


@pytest.mark.parametrize("check", CHECK_METHODS)
def test_one_command_does_not_undo_the_other_unless_both_count(host: Host, check: int) -> None:
    enable_uart(host, 65, 0, check)
    host.command(b"AT+USERMCUSLEEP=1")
    host.command(b"AT+SLEEP=0")
    assert asleep(host) == (check & 3 == 1)
    host.command(b"AT+USERMCUSLEEP=0")
    host.command(b"AT+SLEEP=1")
    host.command(b"AT+USERMCUSLEEP=0")
    assert asleep(host) == (check & 3 == 2)
    host.command(b"AT+SLEEP=0")


def test_sleep_alone_does_not_count_while_nothing_is_enabled(host: Host) -> None:
    host.command(b"AT+SLEEP=2")
    host.command(b"AT+USERMCUSLEEP?", b"+USERMCUSLEEP:0\r\n", OK)
    host.command(b"AT+SLEEP=0")


def test_usermcusleep_needs_a_configuration(host: Host) -> None:
    host.command(b"AT+SYSLOG=1")
    for state in (0, 1):
        host.command(b"AT+USERMCUSLEEP=%d" % state, error(NOT_ENABLED))
    enable_uart(host, 65, 100)
    for parameters, code in (
        (b"2", 0x01070000),
        (b"-1", 0x01070000),
        (b"x", 0x01080000),
        (b"", 0x01080000),
        (b'"1"', 0x01050000),
        (b"1,1", 0x01060102),
    ):
        host.command(b"AT+USERMCUSLEEP=" + parameters, error(code))
    assert asleep(host) == 0


# The gate in GPIO mode.


def test_awake_reports_go_out_without_a_signal(host: Host, board: Board, levels: Levels) -> None:
    enable_gpio(host, 100)
    host.command(b'AT+TELL="a",2', OK, b"a0\r\na1\r\n")
    assert levels() == [None, 0]


@pytest.mark.parametrize("check", [0, 4])
def test_without_bits_0_and_1_the_host_never_sleeps(host: Host, board: Board, levels: Levels, check: int) -> None:
    enable_gpio(host, 100, check)
    host.command(b"AT+USERMCUSLEEP=1")
    host.command(b"AT+SLEEP=1")
    host.command(b'AT+TELL="a"', OK, b"a0\r\n")
    host.command(b"AT+SLEEP=0")
    assert levels() == [None, 0]


@pytest.mark.parametrize("signal", [0, 1])
def test_an_event_ends_the_wait(host: Host, board: Board, levels: Levels, signal: int) -> None:
    enable_gpio(host, 60000, signal=signal)
    fall_asleep(host)
    host.command(b'AT+TELL="a",3')
    wait_for_level(board, GPIO, signal)
    host.expect_nothing()
    host.command(b"AT+USERMCUSLEEP=0", OK, b"a0\r\na1\r\na2\r\n")
    assert levels() == [None, 1 - signal, signal, 1 - signal]
    assert asleep(host) == 0


def test_sleep_0_ends_the_wait_and_leaves_the_gpio_to_the_gate(host: Host, board: Board, levels: Levels) -> None:
    enable_gpio(host, 60000, check=2)
    host.command(b"AT+SLEEP=1")
    host.command(b'AT+TELL="a"')
    wait_for_level(board, GPIO, 1)
    # Neither of these counts with method 2, so neither may touch the GPIO.
    host.command(b"AT+USERMCUSLEEP=0")
    host.command(b"AT+USERMCUSLEEP=1")
    host.command(b"AT+SLEEP=3")
    host.expect_nothing()
    assert levels() == [None, 0, 1]
    host.command(b"AT+SLEEP=0", OK, b"a0\r\n")
    assert levels() == [None, 0, 1, 0]


def test_usermcusleep_1_takes_the_signal_back_and_the_wait_goes_on(host: Host, board: Board, levels: Levels) -> None:
    enable_gpio(host, 60000)
    fall_asleep(host)
    host.command(b'AT+TELL="a"')
    wait_for_level(board, GPIO, 1)
    host.command(b"AT+USERMCUSLEEP=1")
    wait_for_level(board, GPIO, 0)
    host.expect_nothing()
    host.command(b"AT+USERREPORT?", b"+USERREPORT:1,0\r\n", OK)
    host.command(b"AT+USERMCUSLEEP=0", OK, b"a0\r\n")
    assert levels() == [None, 0, 1, 0]


def test_timeout_with_bit_2_counts_as_awake(host: Host, board: Board, levels: Levels) -> None:
    enable_gpio(host, 30, check=5)
    fall_asleep(host)
    host.command(b'AT+TELL="a",3', OK, b"a0\r\na1\r\na2\r\n")
    assert levels() == [None, 0, 1, 0]
    assert asleep(host) == 0


def test_timeout_without_bit_2_stays_asleep(host: Host, board: Board, levels: Levels) -> None:
    enable_gpio(host, 30, check=1)
    fall_asleep(host)
    host.command(b'AT+TELL="a",3', OK, b"a0\r\na1\r\na2\r\n")
    assert levels() == [None, 0, 1, 0, 1, 0, 1, 0]
    assert asleep(host) == 1


@pytest.mark.parametrize(("check", "state"), [(1, 1), (2, 1), (5, 0), (6, 0)])
def test_delay_0(host: Host, board: Board, levels: Levels, check: int, state: int) -> None:
    enable_gpio(host, 0, check)
    host.command(b"AT+USERMCUSLEEP=1")
    host.command(b"AT+SLEEP=1")
    host.command(b'AT+TELL="a"', OK, b"a0\r\n")
    assert levels() == [None, 0, 1, 0]
    assert asleep(host) == state
    host.command(b"AT+SLEEP=0")


def test_responses_are_not_gated(host: Host, board: Board, levels: Levels) -> None:
    enable_gpio(host, 60000)
    fall_asleep(host)
    host.command(b"AT+USERRAM=1,8")
    host.command(b"AT+USERRAM=2,8", PROMPT)
    host.write(b"12345678")
    host.expect(WRITE_OK)
    host.command(b"AT+USERRAM=3,8", b"+USERRAM:8,12345678", OK)
    host.command(b"AT+CMD", ERROR)
    assert levels() == [None, 0]


def test_a_report_that_waits_when_the_host_falls_asleep_again_wakes_it_again(
    host: Host, board: Board, levels: Levels
) -> None:
    enable_gpio(host, 60000)
    for _ in range(2):
        fall_asleep(host)
        host.command(b'AT+TELL="a"')
        wait_for_level(board, GPIO, 1)
        host.command(b"AT+USERMCUSLEEP=0", OK, b"a0\r\n")
    assert levels() == [None, 0, 1, 0, 1, 0]


# The gate in UART mode.


@NEEDS_REPORTS
@pytest.mark.parametrize("byte", [0, 10, 13, 65, 0x55, 255])
def test_the_wake_byte_goes_out_once_and_alone(host: Host, byte: int) -> None:
    enable_uart(host, byte, 60000)
    fall_asleep(host)
    host.command(b'AT+TELL="a",2', OK, bytes([byte]))
    host.expect_nothing()
    host.command(b"AT+USERMCUSLEEP=0", OK, b"a0\r\na1\r\n")


@NEEDS_REPORTS
def test_a_wake_byte_for_each_report_while_the_host_stays_asleep(host: Host) -> None:
    enable_uart(host, 0x57, 30)
    fall_asleep(host)
    host.command(b'AT+TELL="a",3', OK, b"Wa0\r\nWa1\r\nWa2\r\n")
    assert asleep(host) == 1


@NEEDS_REPORTS
def test_one_wake_byte_when_the_timeout_counts_as_awake(host: Host) -> None:
    enable_uart(host, 0x57, 30, check=5)
    fall_asleep(host)
    host.command(b'AT+TELL="a",3', OK, b"Wa0\r\na1\r\na2\r\n")
    assert asleep(host) == 0


@NEEDS_REPORTS
def test_usermcusleep_1_during_the_wait_sends_no_second_byte(host: Host) -> None:
    enable_uart(host, 0x57, 60000)
    fall_asleep(host)
    host.command(b'AT+TELL="a"', OK, b"W")
    host.command(b"AT+USERMCUSLEEP=1")
    host.expect_nothing()
    host.command(b"AT+USERMCUSLEEP=0", OK, b"a0\r\n")


@NEEDS_REPORTS
def test_a_host_that_sleeps_again_at_once_is_woken_anew(host: Host) -> None:
    enable_uart(host, 0x57, 60000)
    fall_asleep(host)
    host.command(b'AT+TELL="a"', OK, b"W")
    host.write(b"AT+USERMCUSLEEP=0\r\nAT+USERMCUSLEEP=1\r\n")
    host.expect(OK + OK + b"W")
    host.command(b"AT+USERMCUSLEEP=0", OK, b"a0\r\n")


@NEEDS_REPORTS
def test_no_wake_byte_inside_an_echo(host: Host, board: Board) -> None:
    enable_uart(host, 0x57, 60000)
    fall_asleep(host)
    will_tell(host, board)
    host.command(b"ATE1")
    host.write(b"AT+USERREP")
    host.expect(b"AT+USERREP")
    tell(board)
    host.expect_nothing(0.1)
    host.write(b"ORT?\r\n")
    host.expect(b"ORT?\r\n+USERREPORT:1,0\r\n" + OK + b"W")
    host.command(b"AT+USERMCUSLEEP=0", b"AT+USERMCUSLEEP=0\r\n", OK, b"a0\r\n")


@NEEDS_REPORTS
def test_a_line_that_stays_unfinished_does_not_hold_the_wake_byte_for_ever(host: Host, board: Board) -> None:
    enable_uart(host, 0x57, 60000)
    fall_asleep(host)
    will_tell(host, board)
    arrive(host, board, b"AT+USERMCUSL")
    tell(board)
    host.expect(b"W")
    host.write(b"EEP=0\r\n")
    host.expect(OK + b"a0\r\n")


@NEEDS_REPORTS
def test_no_wake_byte_between_a_prompt_and_its_end(host: Host, board: Board) -> None:
    enable_uart(host, 0x57, 60000)
    host.command(b"AT+USERRAM=1,64")
    fall_asleep(host)
    will_tell(host, board)
    data = b"AT+USERMCUSLEEP=0\r\nAT+SLEEP=0\r\n"
    host.command(b"AT+USERRAM=2,%d" % len(data), PROMPT)
    host.write(data[:20])
    tell(board)
    host.expect_nothing(0.15)
    host.write(data[20:])
    host.expect(WRITE_OK + b"W")
    assert asleep(host) == 1
    host.command(b"AT+USERRAM=3,%d" % len(data), b"+USERRAM:%d," % len(data), data, OK)
    host.command(b"AT+USERMCUSLEEP=0", OK, b"a0\r\n")


@NEEDS_REPORTS
def test_no_wake_byte_inside_a_payload(host: Host, board: Board) -> None:
    size = 24 * 1024
    enable_uart(host, 0x57, 60000)
    host.command(b"AT+USERRAM=1,%d" % size)
    fall_asleep(host)
    will_tell(host, board)
    # More than all buffers hold, so this is under way until the host reads.
    host.send(b"AT+USERRAM=3,%d" % size)
    head = b"+USERRAM:1024,"
    host.expect(head)
    tell(board)
    time.sleep(0.2)
    host.expect(((head + bytes(1024)) * (size // 1024))[len(head) :] + OK + b"W")
    host.command(b"AT+USERMCUSLEEP=0", OK, b"a0\r\n")
    host.command(b"AT+USERRAM=0")


# The queue behind the gate.


@NEEDS_REPORTS
def test_a_full_queue_drops_the_newest_and_tells(host: Host) -> None:
    enable_uart(host, 0x57, 60000)
    fall_asleep(host)
    host.command(b"AT+USERREPORT?", b"+USERREPORT:0,0\r\n", OK)
    host.command(b'AT+TELL="a",6', OK, b"W")
    host.command(b"AT+USERREPORT?", b"+USERREPORT:4,2\r\n", OK)
    host.command(b"AT+USERREPORT?", b"+USERREPORT:4,0\r\n", OK)
    host.command(b'AT+TELL="b"')
    host.command(b"AT+USERREPORT?", b"+USERREPORT:4,1\r\n", OK)
    host.command(b"AT+USERMCUSLEEP=0", OK, b"a0\r\na1\r\na2\r\na3\r\n")
    host.command(b'AT+TELL="c"', OK, b"c0\r\n")
    host.command(b"AT+USERREPORT?", b"+USERREPORT:0,0\r\n", OK)


# With reports of the connection.


@pytest.fixture
def joined(host: Host, ssid: bytes, password: bytes) -> Iterator[Host]:
    """A host whose module is on the network."""
    host.command(b"AT+CWMODE=1")
    host.send(b'AT+CWJAP="%s","%s"' % (ssid, password))
    assert host.read_answer(20).endswith(b"WIFI CONNECTED\r\nWIFI GOT IP\r\n" + OK)
    yield host
    host.send(b"AT+CWQAP")
    host.clear(0.3)


def test_leaving_the_network_wakes_the_host(joined: Host) -> None:
    enable_uart(joined, 0x57, 60000)
    fall_asleep(joined)
    joined.command(b"AT+CWQAP", OK, b"W")
    joined.command(b"AT+USERMCUSLEEP=0", OK, b"WIFI DISCONNECT\r\n")


def test_the_worked_example(joined: Host, board: Board, levels: Levels) -> None:
    joined.command(b"AT+USERWKMCUCFG=1,1,18,1,10000,3")
    assert levels() == [None, 0]
    joined.command(b"AT+USERMCUSLEEP=1")
    board.network.drop()
    wait_for_level(board, GPIO, 1)
    joined.expect_nothing()
    joined.command(b"AT+USERMCUSLEEP=0", OK, b"WIFI DISCONNECT\r\n")
    assert levels() == [None, 0, 1, 0]
    board.network.restore()
    joined.expect(b"WIFI CONNECTED\r\nWIFI GOT IP\r\n")


def test_each_report_of_a_reconnection_passes_the_gate(joined: Host, board: Board) -> None:
    enable_uart(joined, 0x57, 20)
    fall_asleep(joined)
    board.network.drop()
    joined.expect(b"WWIFI DISCONNECT\r\n")
    board.network.restore()
    joined.expect(b"WWIFI CONNECTED\r\nWWIFI GOT IP\r\n")
    joined.command(b"AT+USERMCUSLEEP=0")


@pytest.mark.simulator("the access point answers slowly")
def test_a_host_is_woken_and_answers_while_a_command_is_in_progress(
    host: Host, board: Board, levels: Levels, ssid: bytes, password: bytes
) -> None:
    board.network.set(association_delay=0.4)
    enable_gpio(host, 60000)
    host.command(b"AT+CWMODE=1")
    fall_asleep(host)
    will_tell(host, board)
    host.send(b'AT+CWJAP="%s","%s"' % (ssid, password))
    tell(board)
    wait_for_level(board, GPIO, 1)
    host.command(b"AT+USERMCUSLEEP=0", OK, b"a0\r\n")
    host.expect(b"WIFI CONNECTED\r\nWIFI GOT IP\r\n" + OK)
    assert levels() == [None, 0, 1, 0]
    board.network.set(association_delay=0.02)
    host.command(b"AT+CWQAP", OK, b"WIFI DISCONNECT\r\n")
