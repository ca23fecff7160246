"""``micropython`` of the ESP32 port: the interpreter's own, and what that lacks."""

import _board
from micropython import *  # noqa: F403

_INTERRUPT = 7


def alloc_emergency_exception_buf(size):
    """The host's stack has room for an exception raised without heap."""


def kbd_intr(character):
    """Which character on the console interrupts the program; -1 for none."""
    _board.op(_INTERRUPT, character)
