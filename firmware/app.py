"""Where the firmware starts: ``main.py`` on the board calls ``main``."""

import asyncio

import machine
from micropython import const

from firmware.unload import unload

_DAYS_MS = const(0x3FFFFFFF)
_LOOK_MS = const(1000)


async def _run():
    from firmware.assembly import assemble

    tasks = assemble()
    # Its code is needed no more.
    del assemble
    unload("assembly", "own_commands")
    tasks = [asyncio.create_task(task) for task in tasks]
    # A part that fails ends the whole, for main.py to start it again.
    while True:
        for task in tasks:
            if task.done():
                await task
        await asyncio.sleep_ms(_LOOK_MS)


def main():
    """Run the firmware. Returns only by an exception."""
    try:
        asyncio.run(_run())
    except KeyboardInterrupt:
        # The watchdog cannot be stopped: leave the person at the REPL in peace.
        machine.WDT(timeout=_DAYS_MS)
        raise
