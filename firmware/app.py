"""Where the firmware starts: ``main.py`` on the board calls ``main``."""

import asyncio
import gc
import sys

from esp32 import NVS
from micropython import const

from firmware.unload import unload

_LOADING = const(2048)
_LOOK_MS = const(1000)


def _look_back(memory):
    from firmware.ota_trial import look_back
    from firmware.settings import Settings
    from firmware.user_partition import mount_user_partition

    mount_user_partition()
    return look_back(Settings(memory))


def _assemble():
    """The firmware's coroutines. A frame of its own: what it has used is not held for ever."""
    # Loading leaves litter; collected often, it does not end up between what stays.
    gc.threshold(_LOADING)
    memory = (NVS("at"), {})
    ota_state = _look_back(memory)
    unload("ota_trial", "settings", "user_partition")
    from firmware.assembly import assemble

    # What boot.py keeps of the package would be missing for what comes now.
    device = sys.modules.pop("slot_device", None)
    if device:
        device.read_ahead(False)
    gc.collect()
    tasks = assemble(memory, ota_state)
    gc.threshold(-1)
    return tasks


async def _run():
    tasks = _assemble()
    # Its code is needed no more.
    unload("assembly", "config", "own_commands", "settings", "uart_line", "user_partition", "wifi_control")
    tasks = [asyncio.create_task(task) for task in tasks]
    # A part that fails ends the whole, for main.py to start it again.
    while True:
        for task in tasks:
            if task.done():
                await task
        await asyncio.sleep_ms(_LOOK_MS)


def main():
    """Run the firmware, or the files installed for development in its place. Returns only by an exception."""
    from firmware.development import run_instead

    run_instead()
    del run_instead
    unload("development")
    asyncio.run(_run())
