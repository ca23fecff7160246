"""The console: Ctrl-C and mpremote stop the firmware at any time, and nothing locks a person out."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sim.board import Board
from sim.chip import HARD_RESET, PWRON_RESET, SOFT_RESET, WDT_RESET
from tests.sim.ports import Host as Console
from tests.system.conftest import MakeBoard
from tests.system.host import OK, READY, Host
from tools.image import build_flash, build_image
from tools.package import ROOT, smallest_filesystem

CTRL_C, CTRL_D = b"\x03", b"\x04"
PROMPT = b'Type "help()" for more information.\r\n>>> '
START = 30
DAYS = 86_400

pytestmark = pytest.mark.simulator("uses the console")


def vfs_flash(files: dict[str, bytes]) -> bytes:
    """A flash without the firmware, with these files in its filesystem."""
    return build_flash(build_image(smallest_filesystem({}), "0.0.0"), vfs_files=files)


def mpremote(board: Board, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", board.console_port, *arguments],
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def console(board: Board) -> Iterator[Console]:
    person = Console(board.console_port)
    try:
        yield person
    finally:
        person.close()


def read_until(person: Console, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        byte = person.read(1)
        assert byte, data
        data += byte
    return data


def causes(board: Board) -> list[int]:
    return [cause for cause, _ in board.boots]


def rests(board: Board) -> bool:
    """Does the watchdog leave a person in peace?"""
    bites_at = board._chip.bites_at
    return bites_at is None or bites_at - time.monotonic() > DAYS


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_ctrl_c_stops_the_firmware_and_ctrl_d_starts_it(host: Host, board: Board) -> None:
    with console(board) as person:
        # As impatient people and tools type it.
        person.write(CTRL_C)
        person.write(CTRL_C + CTRL_C)
        assert b"KeyboardInterrupt" in read_until(person, PROMPT)
        wait_for(lambda: rests(board))
        host.send(b"AT")
        host.expect_nothing()
        person.write(CTRL_D)
        host.read_until(READY, START)
        assert not rests(board)
        assert board.boots[-1][0] == SOFT_RESET
        host.send(b"ATE0")
        host.expect(b"ATE0\r\n" + OK)


def test_mpremote_connects_while_the_firmware_runs(host: Host, board: Board) -> None:
    """It resets softly, then boot.py alone runs: the package can be imported, the firmware does not run."""
    assert mpremote(board, "exec", "import firmware.version; print(firmware.version.VERSION)") == "0.0.0-dev\n"
    assert rests(board)
    host.expect_nothing()
    assert mpremote(board, "resume", "exec", "print(1 + 1)") == "2\n"
    assert "config.json" not in mpremote(board, "fs", "ls", ":/")
    mpremote(board, "reset")
    host.read_until(READY, START)
    host.send(b"ATE0")
    host.expect(b"ATE0\r\n" + OK)


def test_mpremote_connects_in_the_middle_of_a_command(host: Host, board: Board) -> None:
    host.command(b"AT+USERRAM=1,1000")
    host.command(b"AT+USERRAM=2,1000", b"\r\nOK\r\n\r\n>")
    assert mpremote(board, "exec", "print('here')") == "here\n"
    assert rests(board)
    mpremote(board, "reset")
    host.read_until(READY, START)
    host.send(b"ATE0")
    host.expect(b"ATE0\r\n" + OK)


def test_nothing_of_all_that_is_seen_at_the_at_port(host: Host, board: Board) -> None:
    with console(board) as person:
        person.write(CTRL_C)
        read_until(person, PROMPT)
        person.write(b"print('x' * 500)\r\x01\x04")
        read_until(person, b"raw REPL; CTRL-B to exit\r\n>")
        host.expect_nothing(0.1)
        board.reset()
        host.expect(READY, START)
        host.send(b"ATE0")
        host.expect(b"ATE0\r\n" + OK)


def test_with_the_repl_off_ctrl_c_does_nothing(make_board: MakeBoard) -> None:
    with make_board(config={"repl": 0}) as board, console(board) as person:
        host = Host(board.port)
        host.expect(READY, START)
        host.send(b"ATE0")
        host.expect(b"ATE0\r\n" + OK)
        for _ in range(5):
            person.write(CTRL_C)
        host.command(b"AT")
        assert b"KeyboardInterrupt" not in board.console
        assert causes(board) == [PWRON_RESET]
        host.close()


BROKEN_MAIN = {
    "syntax": b"def (",
    "exception": b"1 / 0",
    "endless": b"while True:\n    pass",
    "empty": b"",
}


@pytest.mark.parametrize("main", BROKEN_MAIN.values(), ids=BROKEN_MAIN)
def test_a_broken_main_locks_nobody_out(make_board: MakeBoard, main: bytes) -> None:
    with make_board(flash_image=vfs_flash({"main.py": main})) as board:
        assert board.wait_for_console(b"I boot: Set actual", START)
        assert mpremote(board, "exec", "print('in')") == "in\n"


def test_a_package_that_is_broken_locks_nobody_out(make_board: MakeBoard) -> None:
    main = (ROOT / "main.py").read_bytes()
    flash = vfs_flash({"main.py": main, "firmware.py": b"1 / 0"})
    with make_board(flash_image=flash) as board:
        assert board.wait_for_console(b"Ctrl-C for the REPL", START)
        assert mpremote(board, "exec", "print('in')") == "in\n"
        assert rests(board)


def test_own_commands_that_hang_are_left_out_after_two_bites(make_board: MakeBoard) -> None:
    """And are tried again after a restart of another kind."""
    hanging = (
        b"import machine\nmachine.WDT(timeout=300)\nwhile True:\n    try:\n        pass\n    except:\n        pass\n"
    )
    with make_board(user_files={"commands.py": hanging}) as board:
        host = Host(board.port)
        host.expect(READY, START)
        assert causes(board) == [PWRON_RESET, WDT_RESET, WDT_RESET]
        assert b"own commands left out until the next restart" in board.console
        host.command(b"AT+RST", b"AT+RST\r\n", OK)
        host.expect(READY, START)
        assert causes(board)[3:] == [HARD_RESET, WDT_RESET, WDT_RESET]
        # The person takes the file away.
        mount = "from firmware.user_partition import mount_user_partition; mount_user_partition()"
        mpremote(board, "exec", mount, "exec", "import os; os.remove('/user/commands.py')")
        mpremote(board, "reset")
        host.expect(READY, START)
        assert causes(board)[-1] == HARD_RESET
        host.close()
