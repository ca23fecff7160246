"""Simulated boards under test: what their flash holds, and waiting for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from sim.board import Board
from sim.images import firmware_flash
from tools.flash_layout import BOARD
from tools.package import SECTOR, filesystem

PATIENCE = 20.0
LOOK_SECONDS = 0.002


def flash_with(user_files: Mapping[str, bytes]) -> bytes:
    """The flash of a new board with this tree's firmware, and ``user_files`` (path: content) in ``user``."""
    flash = bytearray(firmware_flash())
    user = BOARD.partition("user")
    flash[user.address : user.end] = filesystem(user_files, user.size // SECTOR)
    return bytes(flash)


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Wait until the condition holds; whether it does in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def wait_for_level(board: Board, number: int, level: int) -> None:
    """Wait until a GPIO has this level."""
    assert wait_until(lambda: board.pins.level(number) == level), f"GPIO{number} is {board.pins.level(number)}"
