"""Power, reset, watchdog and sleep of the simulated board, and what outlives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.board import Board
from sim.chip import DEEPSLEEP_RESET, HARD_RESET, PWRON_RESET, SOFT_RESET, WDT_RESET
from tests.sim.ports import running, wait_for_line
from tests.sim.scripts import wait_for

ONCE = """
cause = machine.reset_cause()
print("cause", cause, machine.wake_reason(), machine.RTC().memory())
machine.RTC().memory(b"kept")
"""


def causes(board: Board) -> list[int]:
    return [cause for cause, _ in board.boots]


@pytest.mark.parametrize(
    ("how", "line", "cause"),
    [
        ("machine.reset()", "cause 2 0 b'kept'", HARD_RESET),
        ("machine.soft_reset()", "cause 5 0 b'kept'", SOFT_RESET),
        ("machine.deepsleep(20)", "cause 4 4 b'kept'", DEEPSLEEP_RESET),
        ("machine.WDT(timeout=50)\n    time.sleep(60)", "cause 3 0 b'kept'", WDT_RESET),
        ("raise SystemExit", "cause 5 0 b'kept'", SOFT_RESET),
    ],
)
def test_restarts_and_their_causes(tmp_path: Path, how: str, line: str, cause: int) -> None:
    text = f"{ONCE}\nif cause == 1:\n    {how}\n    print('not reached')\n"
    with running(tmp_path, text) as (board, _):
        wait_for_line(board, line)
        assert causes(board) == [PWRON_RESET, cause]
        assert [slot for _, slot in board.boots] == ["ota_0", "ota_0"]
        assert b"cause 1 0 b''\n" in board.console
        assert b"not reached" not in board.console


def test_a_watchdog_that_is_fed_does_not_bite(tmp_path: Path) -> None:
    text = """
watchdog = machine.WDT(timeout=5000)
for i in range(20):
    watchdog.feed()
    time.sleep_ms(10)
print("alive")
"""
    with running(tmp_path, text) as (board, _):
        wait_for_line(board, "alive")
        assert causes(board) == [PWRON_RESET]


def test_the_watchdog_goes_on_over_a_soft_reset(tmp_path: Path) -> None:
    text = """
cause = machine.reset_cause()
print("cause", cause)
if cause == 1:
    machine.WDT(timeout=100)
    machine.soft_reset()
if cause == 5:
    time.sleep(60)
"""
    with running(tmp_path, text) as (board, _):
        wait_for_line(board, "cause 3")
        assert causes(board) == [PWRON_RESET, SOFT_RESET, WDT_RESET]


def test_reset_and_power_cut_from_outside(tmp_path: Path) -> None:
    with running(tmp_path, f"{ONCE}\ntime.sleep(60)") as (board, _):
        wait_for(lambda: board.console.count(b"cause 1 0 b''\n") == 1, "first start")
        board.reset()
        wait_for(lambda: board.console.count(b"cause 1 0 b''\n") == 2, "start after EN")
        board.power_cut()
        assert not board.running
        board.power_on()
        wait_for(lambda: board.console.count(b"cause 1 0 b''\n") == 3, "start after the power cut")
        assert causes(board) == [PWRON_RESET] * 3


def test_a_held_pin_keeps_its_level_over_a_restart(tmp_path: Path) -> None:
    text = """
from machine import Pin
if machine.reset_cause() == 1:
    Pin(18, Pin.OUT, value=1, hold=True)
    Pin(19, Pin.OUT, value=1)
    machine.reset()
Pin(18, Pin.OUT, value=0)
print("still", Pin(18).value())
while not Pin(4).value():
    time.sleep_ms(1)
Pin(18).init(hold=False)
print("let go", Pin(18).value())
time.sleep(60)
"""
    with running(tmp_path, text) as (board, _):
        wait_for_line(board, "still 1")
        assert board.pins.hold(18)
        assert board.pins.level(19) is None
        assert [level for _, level in board.pins.trace(19)] == [None, 1, None]
        board.pins.drive(4, 1)
        wait_for_line(board, "let go 0")
        assert [level for _, level in board.pins.trace(18)] == [None, 1, 0]
        assert not board.pins.hold(18)


def test_a_power_cut_ends_a_hold(tmp_path: Path) -> None:
    text = """
machine.Pin(18, machine.Pin.OUT, value=1, hold=True)
print("held")
time.sleep(60)
"""
    with running(tmp_path, text) as (board, _):
        wait_for_line(board, "held")
        board.power_cut()
        assert board.pins.level(18) is None
        assert not board.pins.hold(18)


def test_a_write_to_the_running_slot_aborts(tmp_path: Path) -> None:
    text = """
from esp32 import Partition
print("cause", machine.reset_cause())
if machine.reset_cause() == 1:
    Partition(Partition.RUNNING).writeblocks(0, b"x", 0)
    print("not reached")
"""
    with running(tmp_path, text) as (board, _):
        wait_for_line(board, "cause 2")
        assert b"abort() was called" in board.console
        assert b"not reached" not in board.console


def test_the_power_fails_at_an_operation_of_the_flash(tmp_path: Path) -> None:
    text = """
from esp32 import Partition
while not machine.Pin(4).value():
    time.sleep_ms(1)
slot = Partition("ota_1")
for sector in range(8):
    slot.writeblocks(sector, b"x" * 4096, 0)
print("not reached")
"""
    with running(tmp_path, text) as (board, _):
        board.flash.cut_after(3)
        board.pins.drive(4, 1)
        assert board.wait(30)
        assert not board.running
        assert b"not reached" not in board.console
        slot = board.flash.partition("ota_1")
        assert board.flash.read(slot.address, 3 * 4096) == b"x" * 8192 + b"\xff" * 4096


def test_two_boards_at_once(tmp_path: Path) -> None:
    text = """
uart = UART(1, 115200)
print("up")
while not uart.any():
    time.sleep_ms(1)
uart.write(b"from " + uart.read())
"""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with running(tmp_path / "a", text) as (one, host_one), running(tmp_path / "b", text) as (two, host_two):
        assert one.port != two.port
        wait_for_line(one, "up")
        wait_for_line(two, "up")
        host_one.write(b"1")
        host_two.write(b"2")
        assert host_one.read(6) == b"from 1"
        assert host_two.read(6) == b"from 2"


def test_the_heap_is_as_large_as_asked_for(tmp_path: Path) -> None:
    """The simulator's own modules do not count, but what the port holds does."""
    script = tmp_path / "script.py"
    script.write_text("import gc\ngc.collect()\nprint('heap', gc.mem_alloc() + gc.mem_free(), gc.mem_alloc())\n")
    with Board(tmp_path / "board", script=script, heap=52 * 1024) as board:
        assert board.wait(30)
        _, total, held = board.console.split(b"heap ")[1].join([b"heap ", b""]).split()
        assert 50_000 < int(total) <= 52 * 1024
        assert 3_700 < int(held) < 5_700


def test_a_script_ends_with_its_exit_code(tmp_path: Path) -> None:
    with running(tmp_path, "1 / 0") as (board, _):
        assert board.wait(30)
        assert b"ZeroDivisionError: divide by zero" in board.console
        wait_for(lambda: board.exit_code == 1, "exit code 1")


def test_an_interpreter_that_does_not_start_is_an_error(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("")
    board = Board(tmp_path / "board", interpreter=tmp_path / "missing", script=script)
    with pytest.raises(FileNotFoundError):
        board.start()
    board.stop()
    with pytest.raises(RuntimeError, match="cannot be asked to boot"):
        board.power_on()


def test_what_goes_wrong_in_the_board_itself_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, "time.sleep(60)") as (board, _):
        monkeypatch.setattr(board.pins, "restart", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            board.reset()
        assert b"simulator: ZeroDivisionError" in board.console
        monkeypatch.undo()
        board.reset()
        assert board.running
