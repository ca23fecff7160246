"""Files installed for development: when they run, when the slot's package does, and how AT+GMR tells."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sim.board import Board
from sim.images import firmware_flash
from tests.system import upgrades
from tests.system.conftest import MakeBoard
from tests.system.feeding import feed
from tests.system.host import OK, READY, Host
from tests.system.upgrades import image, image_with, version
from tools import package
from tools.app_image import parse
from tools.flash_layout import BOARD
from tools.image import build_flash

INSTALLED = "9.9.9-dev"
PACKAGE = "0.0.0-dev"
GMR_LINE = b"Development files:/user/development/firmware\r\n"
# What main.py waits before it starts a broken firmware again, and the start itself.
BROKEN_PATIENCE = 30.0
HANG = "import machine\nmachine.WDT(timeout=300)\nwhile True:\n    pass\n"


@functools.cache
def running_image() -> bytes:
    """The image in a new board's first slot."""
    slot = BOARD.partition("ota_0")
    content = firmware_flash()[slot.address : slot.end]
    return content[: parse(content).size]


@functools.cache
def installed_firmware() -> dict[str, bytes]:
    return package.bytecode(version=INSTALLED)


def files(replaced: Mapping[str, str] = {}, digest: str = "") -> dict[str, bytes]:
    """What ``make install`` puts into ``user``: this tree's firmware, with sources (module: text) replaced."""
    firmware = dict(installed_firmware())
    for name, text in replaced.items():
        firmware[f"firmware/{name}.mpy"] = package.compile_module(f"firmware/{name}.py", text)
    found = {f"development/{name}": content for name, content in firmware.items()}
    found["development/image"] = (digest or running_image()[-32:].hex()).encode()
    return found


@contextmanager
def running(board: Board, patience: float = 20) -> Iterator[Host]:
    """A host of a board that starts, echo off."""
    with board:
        host = Host(board.port)
        host.expect(READY, patience)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        yield host
        host.close()


def runs(host: Host) -> str:
    """The version that AT+GMR tells; of files installed for development it must say so, and only of them."""
    told = version(host)
    assert host.answer(b"AT+GMR").endswith(GMR_LINE + b"\r\nOK\r\n") == (told == INSTALLED)
    return told


def restarted(host: Host, patience: float = 20) -> str:
    """What runs after the restart that is under way."""
    host.expect(READY, patience)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    return runs(host)


def test_they_run_over_their_image_and_only_there(make_board: MakeBoard) -> None:
    board = make_board(user_files=files())
    with running(board) as host:
        assert runs(host) == INSTALLED
        host.command(b"AT+RST")
        assert restarted(host) == INSTALLED
        feed(host, image("2.0.0"))
        host.command(b"AT+USEROTAEND")
        assert restarted(host) == "2.0.0"
        assert board.wait_for_console(b"at: development files are for another image")
        host.command(b"AT+SYSROLLBACK")
        assert restarted(host) == INSTALLED


def test_they_run_again_after_an_image_that_hangs(make_board: MakeBoard) -> None:
    board = make_board(user_files=files())
    with running(board) as host:
        feed(host, image_with("2.0.0", {"firmware/assembly.py": HANG}))
        host.command(b"AT+USEROTAEND")
        assert restarted(host) == INSTALLED
        assert upgrades.running(board).label == "ota_0"
        assert host.answer(b"AT+USEROTA?").startswith(b"+USEROTA:4,")


def test_files_that_raise_leave_the_package_to_run(make_board: MakeBoard) -> None:
    board = make_board(user_files=files({"assembly": "import no_such_module\n"}))
    with running(board, BROKEN_PATIENCE) as host:
        assert runs(host) == PACKAGE
        assert board.wait_for_console(
            b"at: development files are off until the next make install: they ended with an exception"
        )
        host.command(b"AT+RST")
        assert restarted(host) == PACKAGE
        assert board.wait_for_console(b"at: development files have failed: off until the next make install")


def test_files_that_hang_leave_the_package_to_run(make_board: MakeBoard) -> None:
    board = make_board(user_files=files({"app": HANG}))
    with running(board) as host:
        assert runs(host) == PACKAGE
        assert board.wait_for_console(b"make install: the watchdog bit while they started")


def test_files_that_crash_leave_the_package_to_run(make_board: MakeBoard) -> None:
    crash = "import machine\nmachine.reset()\n"
    board = make_board(user_files=files({"assembly": crash}))
    with running(board, BROKEN_PATIENCE) as host:
        assert runs(host) == PACKAGE
        assert board.wait_for_console(b"make install: they crashed while they started")
        assert len(board.boots) == 4


def test_hosts_that_restart_the_module_at_once_do_not_switch_them_off(make_board: MakeBoard) -> None:
    board = make_board(user_files=files())
    with running(board) as host:
        host.command(b"AT+RST", OK, READY, patience=20)
        for _ in range(4):
            host.command(b"AT+RST", b"AT+RST\r\n", OK, READY, patience=20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        assert runs(host) == INSTALLED


def test_an_exception_after_they_have_proven_healthy_restarts_them(make_board: MakeBoard) -> None:
    spoil = b"""\
from firmware.command import command


def spoil(at):
    at.line = None


COMMANDS = (command("+SPOIL", execute=spoil),)
"""
    board = make_board(user_files={**files(), "commands.py": spoil})
    with running(board) as host:
        host.command(b"AT+SPOIL")
        host.send(b"AT")
        assert restarted(host, BROKEN_PATIENCE) == INSTALLED


def test_a_power_cut_is_not_their_failure(make_board: MakeBoard) -> None:
    board = make_board(user_files=files())
    with running(board) as host:
        for _ in range(4):
            board.power_cut()
            board.power_on()
            host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        assert runs(host) == INSTALLED


def test_damage_leaves_the_package_to_run(make_board: MakeBoard) -> None:
    damaged = {name: content for name, content in files().items() if name != "development/image"}
    board = make_board(user_files={**damaged, "development/image/directory": b""})
    with running(board) as host:
        assert runs(host) == PACKAGE
        assert board.wait_for_console(b"at: development files not looked at: OSError(21,)")


def test_an_older_boot_py_is_told_in_the_log(make_board: MakeBoard) -> None:
    without_version = (package.ROOT / "boot.py").read_bytes().partition(b"\n")[2]
    vfs = {"boot.py": without_version, "main.py": (package.ROOT / "main.py").read_bytes()}
    board = make_board(flash_image=build_flash(running_image(), vfs_files=vfs))
    with running(board) as host:
        assert runs(host) == PACKAGE
        assert board.wait_for_console(b"at: boot.py is version 0, not 1: make flash or make install renews it")


def test_nothing_is_said_of_a_current_boot_py(make_board: MakeBoard) -> None:
    board = make_board()
    with running(board):
        assert b"boot.py" not in board.console
