# Looks into a running upgrade through what the firmware calls: each block written, and then the change of the boot
# slot. AT+WATCH=1: nothing is collected, and the end prints "upgrade: bytes of heap allocated from one block of 4096 to
# a later one, number of blocks from there, microseconds". AT+WATCH=0: it prints "peak: bytes above those now in use".
import gc
from time import ticks_diff, ticks_us

from esp32 import Partition

from firmware.command import command, integer

FIRST = 4
BLOCK = 4096

write_blocks = Partition.writeblocks
set_boot = Partition.set_boot


class Watch:
    counting = False
    idle = peak = 0
    first = last = 0
    begin = end = 0
    blocks = 0


def look():
    gc.collect()
    Watch.peak = max(Watch.peak, gc.mem_alloc())


def watched_write(self, block, data, offset=None):
    if not Watch.counting:
        look()
    if offset is not None:  # the header, in the end
        write_blocks(self, block, data, offset)
        return
    write_blocks(self, block, data)
    if block == FIRST:
        Watch.first, Watch.begin = gc.mem_alloc(), ticks_us()
    elif block > FIRST:
        Watch.last, Watch.end, Watch.blocks = gc.mem_alloc(), ticks_us(), block - FIRST


def watched_set_boot(self):
    if not Watch.counting:
        look()
        print("peak:", Watch.peak - Watch.idle)
    else:
        print("upgrade:", Watch.last - Watch.first, Watch.blocks, ticks_diff(Watch.end, Watch.begin))
    set_boot(self)


def watch(at, counting):
    Watch.counting = bool(counting)
    gc.collect()
    Watch.idle = gc.mem_alloc()
    if counting:
        gc.disable()


Partition.writeblocks = watched_write
Partition.set_boot = watched_set_boot
COMMANDS = (command("+WATCH", (integer(0, 1),), set=watch),)
