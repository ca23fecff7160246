"""Where the firmware starts: ``main.py`` on the board calls ``main``."""

import asyncio

import machine
from micropython import const

from firmware.unload import unload

_DAYS_MS = const(0x3FFFFFFF)


async def _run():
    from firmware.assembly import assemble

    tasks = assemble()
    # Its code is needed no more.
    del assemble
    unload("assembly", "own_commands")
    for task in tasks[1:]:
        asyncio.create_task(task)
    await tasks[0]


def main():
    """Run the firmware. Returns only by an exception."""
    try:
        asyncio.run(_run())
    except KeyboardInterrupt:
        # The watchdog cannot be stopped: leave the person at the REPL in peace.
        machine.WDT(timeout=_DAYS_MS)
        raise
