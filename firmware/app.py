"""Where the firmware starts: ``main.py`` on the board calls ``main``."""

import asyncio

from firmware.unload import unload


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
    asyncio.run(_run())
