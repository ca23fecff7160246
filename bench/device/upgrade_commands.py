# Looks into a running upgrade through what the firmware calls. AT+WATCH=<what>:
# 0  "peak: bytes above those in use now": looked at each import, each write, and every few milliseconds
# 1  "upgrade: bytes of heap allocated from the first write that counts to the last, bytes of the image between them":
#    nothing is collected
# 2  "time: bytes of the image from the first write that counts to the last, microseconds"
import asyncio
import builtins
import gc
from time import ticks_diff, ticks_us

from esp32 import Partition

from firmware.command import command, integer

FIRST = 16 * 1024
SECTOR = 4096
PEAK, HEAP, TIME = range(3)
LOOK_MS = 3

write_blocks = Partition.writeblocks
set_boot = Partition.set_boot
import_module = builtins.__import__


class Watch:
    what = None
    idle = peak = 0
    first = last = 0
    begin = end = 0
    before = after = 0


def look():
    gc.collect()
    Watch.peak = max(Watch.peak, gc.mem_alloc())


def watched_import(*arguments):
    module = import_module(*arguments)
    if Watch.what == PEAK:
        look()
    return module


def watched_write(self, block, data, offset=0):
    if Watch.what == PEAK:
        look()
    write_blocks(self, block, data, offset)
    end = block * SECTOR + offset + len(data)
    if end == FIRST:
        Watch.first, Watch.before, Watch.begin = end, gc.mem_alloc(), ticks_us()
    elif end > Watch.last:
        Watch.last, Watch.after, Watch.end = end, gc.mem_alloc(), ticks_us()


def watched_set_boot(self):
    if Watch.what == PEAK:
        look()
        print("peak:", Watch.peak - Watch.idle)
    elif Watch.what == HEAP:
        print("upgrade:", Watch.after - Watch.before, Watch.last - Watch.first)
    else:
        print("time:", Watch.last - Watch.first, ticks_diff(Watch.end, Watch.begin))
    set_boot(self)


def watch(at, what):
    Watch.what = what
    at.release()
    gc.collect()
    Watch.idle = gc.mem_alloc()
    if what == HEAP:
        gc.disable()


async def look_often(at):
    while True:
        if Watch.what == PEAK:
            look()
        await asyncio.sleep_ms(LOOK_MS)


Partition.writeblocks = watched_write
Partition.set_boot = watched_set_boot
builtins.__import__ = watched_import
COMMANDS = (command("+WATCH", (integer(0, 2),), set=watch),)
TASKS = (look_often,)
