"""``micropython`` of the ESP32 port: the interpreter's own, and what that lacks."""

from micropython import *  # noqa: F403


def alloc_emergency_exception_buf(size):
    """The host's stack has room for an exception raised without heap."""
