"""UART0: Ctrl-C, the prompt, raw mode and soft resets, as on the ESP32 port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sim.board import Board
from sim.chip import PWRON_RESET, SOFT_RESET
from tests.sim.ports import Host
from tests.sim.scripts import wait_for
from tools import flash_layout, image, package

CTRL_A, CTRL_B, CTRL_C, CTRL_D, CTRL_E = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"
BANNER = (
    b'MicroPython v1.25.0 on 2025-04-15; Generic ESP32 module with ESP32\r\nType "help()" for more information.\r\n'
)
RAW = b"raw REPL; CTRL-B to exit\r\n>"
SOFT_REBOOT = b"MPY: soft reboot\r\n"
INTERRUPTED = b"KeyboardInterrupt: \r\n"


class Console(Host):
    """A person, or mpremote, at UART0."""

    def expect(self, expected: bytes) -> None:
        assert self.read(len(expected)) == expected

    def read_until(self, end: bytes) -> bytes:
        data = b""
        while not data.endswith(end):
            piece = self.read(1)
            assert piece, data
            data += piece
        return data

    def begin(self) -> None:
        """Leave what has been printed up to the first prompt."""
        self.read_until(BANNER + b">>> ")

    def type(self, text: bytes) -> None:
        self.write(text)
        self.expect(text.replace(b"\r", b"\r\n"))


@contextmanager
def console(folder: Path, boot: str = "", main: str = "") -> Iterator[tuple[Board, Console]]:
    """A board with these scripts in its filesystem, and somebody at its console."""
    flash = image.build_flash(
        image.build_image(package.smallest_filesystem({}), "0.0.0"),
        partitions=flash_layout.official_ota_partitions(),
        vfs_files={"boot.py": boot.encode(), "main.py": main.encode()},
    )
    board = Board(folder, flash_image=flash)
    person = Console(board.console_port)
    try:
        with board:
            yield board, person
    finally:
        person.close()


def test_the_prompt_comes_when_main_has_ended(tmp_path: Path) -> None:
    with console(tmp_path, main="answer = 6 * 7") as (_, person):
        person.begin()
        person.type(b"answer\r")
        person.expect(b"42\r\n>>> ")
        person.type(b"1 / 0\r")
        assert b"ZeroDivisionError: divide by zero\r\n" in person.read_until(b">>> ")


def test_a_statement_of_several_lines(tmp_path: Path) -> None:
    with console(tmp_path) as (_, person):
        person.begin()
        person.type(b"for i in range(2):\r")
        person.expect(b"... ")
        person.type(b" print(i)\r")
        person.expect(b"... ")
        person.type(b"\r")
        person.expect(b"0\r\n1\r\n>>> ")
        person.write(CTRL_E + b"a = 1\rprint(a)\r" + CTRL_D)
        assert person.read_until(b">>> ").endswith(b"=== \r\n1\r\n>>> ")


@pytest.mark.parametrize(
    "main",
    [
        "import time\nprint('on')\ntime.sleep(100)",
        "print('on')\nwhile True:\n    pass",
        "import machine\nprint('on')\nwhile True:\n    machine.Pin(4).value()",
        "import asyncio\nasync def wait():\n    await asyncio.sleep(100)\nprint('on')\nasyncio.run(wait())",
        "import machine\nuart = machine.UART(1, 115200, timeout=60000)\nprint('on')\nuart.read(1)",
    ],
)
def test_ctrl_c_interrupts(tmp_path: Path, main: str) -> None:
    with console(tmp_path, main=main + "\nprint('not reached')") as (board, person):
        person.read_until(b"on\r\n")
        person.write(CTRL_C)
        printed = person.read_until(BANNER + b">>> ")
        assert INTERRUPTED in printed
        assert b"not reached" not in printed
        # The peripherals answer as before.
        person.type(b"import machine; machine.reset_cause()\r")
        person.expect(b"1\r\n>>> ")
        assert [cause for cause, _ in board.boots] == [PWRON_RESET]


def test_ctrl_c_many_times(tmp_path: Path) -> None:
    main = """
import machine
pin = machine.Pin(5, machine.Pin.OUT)
memory = machine.RTC().memory
for count in range(20):
    try:
        while True:
            pin.toggle()
            memory(bytes(500))
    except KeyboardInterrupt:
        print(count)
"""
    with console(tmp_path, main=main) as (board, person):
        person.read_until(b"otadata[0]\r\n")
        for count in range(20):
            toggled = len(board.pins.trace(5))
            wait_for(lambda toggled=toggled: len(board.pins.trace(5)) > toggled + 2, "running loop")  # type: ignore[misc]
            person.write(CTRL_C)
            person.expect(b"%d\r\n" % count)
        person.begin()


def test_at_the_prompt_ctrl_c_drops_the_line(tmp_path: Path) -> None:
    with console(tmp_path) as (_, person):
        person.begin()
        person.write(b"1 +" + CTRL_C)
        person.expect(b"1 +\r\n>>> ")


def test_a_program_can_do_without_ctrl_c(tmp_path: Path) -> None:
    main = """
import micropython, sys
micropython.kbd_intr(-1)
print("on")
print(sys.stdin.read(2) == "x\\x03")
micropython.kbd_intr(3)
"""
    with console(tmp_path, main=main) as (_, person):
        person.read_until(b"on\r\n")
        person.write(b"x" + CTRL_C)
        person.expect(b"True\r\n")


def test_after_a_boot_py_that_fails_main_is_not_run(tmp_path: Path) -> None:
    with console(tmp_path, boot="1 / 0", main="print('main')") as (_, person):
        person.read_until(b"\r\nTraceback")
        person.expect(
            b" (most recent call last):\r\n"
            b'  File "boot.py", line 1, in <module>\r\n'
            b"ZeroDivisionError: divide by zero\r\n" + BANNER + b">>> "
        )


def test_ctrl_d_at_the_prompt_is_a_soft_reset(tmp_path: Path) -> None:
    with console(tmp_path, boot="print('boot')", main="print('main')") as (board, person):
        person.begin()
        person.write(CTRL_D)
        person.expect(b"\r\n" + SOFT_REBOOT + b"boot\r\nmain\r\n" + BANNER + b">>> ")
        assert [cause for cause, _ in board.boots] == [PWRON_RESET, SOFT_RESET]


def test_a_soft_reset_in_raw_mode_runs_boot_py_alone(tmp_path: Path) -> None:
    with console(tmp_path, boot="print('boot')", main="print('main')") as (_, person):
        person.begin()
        person.write(CTRL_A)
        person.expect(b"\r\n" + RAW)
        person.write(CTRL_D)
        person.expect(b"OK\r\n" + SOFT_REBOOT + b"boot\r\n" + RAW)
        person.write(CTRL_B)
        person.expect(b"\r\n" + BANNER + b">>> ")


def test_raw_mode_runs_programs(tmp_path: Path) -> None:
    with console(tmp_path) as (_, person):
        person.begin()
        person.write(CTRL_A)
        person.expect(b"\r\n" + RAW)
        person.write(b"a = 1\nprint(a)" + CTRL_D)
        person.expect(b"OK1\r\n\x04\x04>")
        person.write(b"1 / 0" + CTRL_D)
        assert person.read_until(b"\x04>").startswith(b"OK\x04Traceback")
        # What was defined stays, and a program that does not end is interrupted.
        person.write(b"print(a)\nwhile True: pass" + CTRL_D)
        person.expect(b"OK1\r\n")
        person.write(CTRL_C)
        assert person.read_until(b"\x04>").endswith(INTERRUPTED + b"\x04>")
        person.write(b"raise SystemExit" + CTRL_D)
        person.expect(b"OK\x04\x04" + SOFT_REBOOT + RAW)


def test_raw_paste_gives_room_in_windows_of_128(tmp_path: Path) -> None:
    with console(tmp_path) as (_, person):
        person.begin()
        person.write(CTRL_A)
        person.expect(b"\r\n" + RAW)
        person.write(CTRL_E + b"A" + CTRL_A)
        person.expect(b"R\x01\x80\x00\x01")
        program = b"print('pasted')".ljust(200)
        person.write(program[:128])
        person.expect(b"\x01")
        person.write(program[128:] + CTRL_D)
        person.expect(b"\x04pasted\r\n\x04\x04>")


def test_a_soft_reset_leaves_pins_and_wifi_alone(tmp_path: Path) -> None:
    main = """
import machine, network, time
wlan = network.WLAN(0)
if machine.reset_cause() == 1:
    machine.Pin(5, machine.Pin.OUT, value=1)
    wlan.active(True)
    wlan.connect("sim-ap", "sim-password")
    while not wlan.isconnected():
        time.sleep_ms(10)
    machine.soft_reset()
print(wlan.active(), wlan.isconnected(), machine.Pin(5).value())
"""
    with console(tmp_path, main=main) as (board, person):
        person.read_until(SOFT_REBOOT)
        person.expect(b"True True 1\r\n")
        board.reset()
        wait_for(lambda: board.boots[-1][0] == PWRON_RESET, "the restart")
        person.read_until(SOFT_REBOOT)
