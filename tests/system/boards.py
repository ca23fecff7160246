"""What the flash of a simulated board under test holds."""

from __future__ import annotations

from collections.abc import Mapping

from sim.images import firmware_flash
from tools.flash_layout import BOARD
from tools.package import SECTOR, filesystem


def flash_with(user_files: Mapping[str, bytes]) -> bytes:
    """The flash of a new board with this tree's firmware, and ``user_files`` (path: content) in ``user``."""
    flash = bytearray(firmware_flash())
    user = BOARD.partition("user")
    flash[user.address : user.end] = filesystem(user_files, user.size // SECTOR)
    return bytes(flash)
