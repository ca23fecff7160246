"""AT+GSLP, AT+SLEEP and AT+SLEEPWKCFG: the module sleeps as far as the ESP32 port can."""

from __future__ import annotations

import time

import pytest

from sim.board import Board
from sim.chip import DEEPSLEEP_RESET, HARD_RESET
from tests.system.host import OK, READY, Host, error

START = 20
WAKE_GPIO = 18
PM_NONE, PM_PERFORMANCE, PM_POWERSAVE = 0, 1, 2
FAILED, NOT_POSSIBLE, VALUE = 0x010A0000, 0x010A000A, 0x01070000
LONG_MS = 100_000_000

pytestmark = pytest.mark.simulator("watches the radio, the pins and the cause of a restart")


def after_sleep(host: Host, board: Board, cause: int = DEEPSLEEP_RESET) -> None:
    host.expect(READY, START)
    assert board.boots[-1][0] == cause
    host.command(b"ATE0", b"ATE0\r\n", OK)


def asleep(board: Board) -> None:
    """Wait until the module sleeps."""
    deadline = time.monotonic() + START
    while board.running and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not board.running


# AT+SLEEP


def test_at_start_the_radio_does_not_sleep(fresh: Host, board: Board) -> None:
    fresh.command(b"AT+SLEEP?", b"+SLEEP:0\r\n", OK)
    assert board.network.power_save == PM_NONE


@pytest.mark.parametrize(
    ("mode", "told", "power_save"),
    [(1, 1, PM_PERFORMANCE), (2, 3, PM_POWERSAVE), (3, 3, PM_POWERSAVE), (0, 0, PM_NONE)],
)
@pytest.mark.parametrize("wifi_mode", [0, 1])
def test_the_radio_sleeps_as_told(
    host: Host, board: Board, wifi_mode: int, mode: int, told: int, power_save: int
) -> None:
    host.command(b"AT+CWMODE=%d" % wifi_mode)
    host.command(b"AT+SLEEP=%d" % mode)
    host.command(b"AT+SLEEP?", b"+SLEEP:%d\r\n" % told, OK)
    assert board.network.power_save == power_save


@pytest.mark.parametrize("wifi_mode", [2, 3])
@pytest.mark.parametrize("mode", [1, 2, 3])
def test_an_access_point_keeps_the_radio_awake(host: Host, board: Board, wifi_mode: int, mode: int) -> None:
    host.command(b"AT+SLEEP=0")
    host.command(b"AT+CWMODE=%d" % wifi_mode)
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+USERWKMCUCFG=1,2,1,65,0,2")
    host.command(b"AT+SLEEP=%d" % mode, error(FAILED))
    host.command(b"AT+SLEEP?", b"+SLEEP:0\r\n", OK)
    host.command(b"AT+USERMCUSLEEP?", b"+USERMCUSLEEP:0\r\n", OK)
    host.command(b"AT+SLEEP=0")
    assert board.network.power_save == PM_NONE
    host.command(b"AT+USERWKMCUCFG=0")
    host.command(b"AT+CWMODE=0")


# AT+GSLP


def test_deep_sleep_ends_after_its_time(host: Host, board: Board) -> None:
    host.command(b"AT+GSLP=300", b"300\r\n", OK)
    after_sleep(host, board)


def test_no_time_is_a_restart(host: Host, board: Board) -> None:
    host.command(b"AT+GSLP=0", b"0\r\n", OK)
    after_sleep(host, board, HARD_RESET)


def test_in_deep_sleep_nothing_is_heard(host: Host, board: Board) -> None:
    host.command(b"AT+GSLP=%d" % LONG_MS, b"%d\r\n" % LONG_MS, OK)
    asleep(board)
    host.send(b"AT")
    host.expect_nothing(0.2)
    board.reset()
    host.expect(READY, START)


@pytest.mark.parametrize("line", [b"AT+GSLP", b"AT+GSLP?", b"AT+GSLP=", b"AT+GSLP=-1", b"AT+GSLP=1,2", b'AT+GSLP="1"'])
def test_what_is_no_time_is_refused(host: Host, line: bytes) -> None:
    host.command(line, b"\r\nERROR\r\n")


@pytest.mark.parametrize("gpio", [WAKE_GPIO, 27])
def test_the_wake_pin_keeps_its_level(host: Host, board: Board, gpio: int) -> None:
    """A pad that belongs to the RTC domain (27) as well as one that does not (18)."""
    host.command(b"AT+USERWKMCUCFG=1,1,%d,0,1000" % gpio)
    before = len(board.pins.trace(gpio))
    host.command(b"AT+GSLP=300", b"300\r\n", OK)
    asleep(board)
    assert (board.pins.level(gpio), board.pins.hold(gpio)) == (1, True)
    after_sleep(host, board)
    assert board.pins.level(gpio) == 1
    host.command(b"AT+USERWKMCUCFG=1,1,%d,0,1000" % gpio)
    assert len(board.pins.trace(gpio)) == before
    host.command(b"AT+USERWKMCUCFG=0")


# AT+SLEEPWKCFG


@pytest.mark.parametrize("level", [0, 1])
def test_a_gpio_ends_deep_sleep(host: Host, board: Board, level: int) -> None:
    board.pins.drive(13, 1 - level)
    host.command(b"AT+SLEEPWKCFG=2,13,%d" % level)
    host.command(b"AT+GSLP=%d" % LONG_MS, b"%d\r\n" % LONG_MS, OK)
    asleep(board)
    board.pins.drive(13, level)
    after_sleep(host, board)
    board.pins.drive(13, None)


def test_after_a_restart_no_gpio_ends_deep_sleep(host: Host, board: Board) -> None:
    board.pins.drive(13, 1)
    host.command(b"AT+SLEEPWKCFG=2,13,1")
    host.command(b"AT+RST", OK, READY, patience=START)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    host.command(b"AT+GSLP=%d" % LONG_MS, b"%d\r\n" % LONG_MS, OK)
    asleep(board)
    board.pins.drive(13, 0)
    board.pins.drive(13, 1)
    host.expect_nothing(0.2)
    board.reset()
    host.expect(READY, START)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (b"0,13,1", VALUE),
        (b"1,13,1", VALUE),
        (b"3,13,1", VALUE),
        (b"2,13,2", VALUE | 2),
        (b"2,17,1", VALUE | 1),  # the AT port
        (b"2,1,1", VALUE | 1),  # the REPL
        (b"2,24,1", VALUE | 1),  # no GPIO
        (b"2,64,1", VALUE | 1),
        (b"2,5,1", NOT_POSSIBLE),  # not of the RTC domain
        (b"2,18,1", NOT_POSSIBLE),
    ],
)
def test_what_cannot_wake_is_refused(host: Host, parameters: bytes, code: int) -> None:
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+SLEEPWKCFG=" + parameters, error(code))


def test_the_pin_that_wakes_the_host_does_not_wake_the_module(host: Host) -> None:
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+USERWKMCUCFG=1,1,13,1,1000")
    host.command(b"AT+SLEEPWKCFG=2,13,1", error(VALUE | 1))
    host.command(b"AT+USERWKMCUCFG=0")


@pytest.mark.parametrize(
    "line", [b"AT+SLEEPWKCFG", b"AT+SLEEPWKCFG?", b"AT+SLEEPWKCFG=2,13", b"AT+SLEEPWKCFG=2,13,0,0"]
)
def test_what_is_no_wake_source_is_refused(host: Host, line: bytes) -> None:
    host.command(line, b"\r\nERROR\r\n")
