"""What follows when a download breaks off: the pause before the next attempt, and what the host is told in the end.

Loaded when needed.
"""

import asyncio
import random

from micropython import const

from firmware import log
from firmware.at_error import FAILED, IMAGE_REFUSED, TIMED_OUT, TRANSFER_FAILED, AtError

_ETIMEDOUT = const(116)


def at_error(error):
    """What the host is told of ``error``; the log is told more."""
    if isinstance(error, (AtError, MemoryError)):
        return error
    if isinstance(error, asyncio.CancelledError):
        return AtError(FAILED)
    log("upgrade failed:", type(error).__name__, error)
    if type(error).__name__ == "ImageError":
        return AtError(IMAGE_REFUSED)
    return AtError(TIMED_OUT if error.args and error.args[0] in ("timeout", _ETIMEDOUT) else TRANSFER_FAILED)


async def pause(config, attempt):
    """Wait before a further attempt, counted from 1: longer each time, and not all boards equally long."""
    longest = min(config.ota_pause_ms << (attempt - 1), config.ota_pause_most_ms)
    await asyncio.sleep_ms(longest // 2 + random.randrange(longest // 2 + 1))
