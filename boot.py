# boot.py, version 1
# MicroPython runs this first after each reset. It mounts the package of the running slot read-only at /slot and puts it
# first on sys.path. The package is a littlefs inside the application image: the data of a segment with load address 0,
# which the boot loader verifies and never loads (tools/app_image.py). So an upgrade replaces MicroPython and this
# project's code together. This file lies in the vfs partition, which no upgrade touches: it must never raise, and takes
# the filesystem's geometry from its superblock, so that later images may have another.
import struct
import sys

import vfs
from esp32 import Partition

_SECTOR = 4096
_IMAGE_MAGIC = 0xE9
_READ_SIZE = 64  # littlefs caches four times that, twice, and once more for each open file; less makes the start slower
_EROFS = 30
_PIECE = 512
_PIECES = 9  # an odd number serves best, as littlefs goes back and forth between blocks in pairs


class ReadAhead:
    """Reads a partition in whole pieces and keeps those read last, for the start, when modules follow one another:
    littlefs reads the same directory for each, some bytes at a time, and each read of the flash stops both cores. The
    firmware puts ``partition`` in its place afterwards.
    """

    def __init__(self, partition):
        self.partition = partition
        self.kept = [[-1, memoryview(bytearray(_PIECE))] for _ in range(_PIECES)]

    def readblocks(self, sector, buffer, offset):
        number = (sector * _SECTOR + offset) // _PIECE
        within = offset % _PIECE
        end = within + len(buffer)
        if end > _PIECE:
            self.partition.readblocks(sector, buffer, offset)
            return
        kept = self.kept[number % _PIECES]
        if kept[0] != number:
            kept[0] = -1
            self.partition.readblocks(sector, kept[1], offset - within)
            kept[0] = number
        buffer[:] = kept[1][within:end]


class SlotDevice:
    """A block device that reads from a place within a partition."""

    def __init__(self, partition, start, block_size, blocks):
        self.partition = partition
        self.start = start
        self.block_size = block_size
        self.blocks = blocks

    def readblocks(self, block, buffer, offset=0):
        position = self.start + block * self.block_size + offset
        self.partition.readblocks(position // _SECTOR, buffer, position % _SECTOR)

    def ioctl(self, operation, argument):
        return (None, 0, 0, 0, self.blocks, self.block_size, -_EROFS)[operation]


def find_package(partition):
    """The package in the image at the start of ``partition`` as (offset, block size, blocks), or None."""
    head = bytearray(32)
    partition.readblocks(0, head, 0)
    if head[0] != _IMAGE_MAGIC:
        return None
    end = 24
    for _ in range(head[1]):
        partition.readblocks(end // _SECTOR, head, end % _SECTOR)
        address, size = struct.unpack_from("<II", head)
        start = (end + 8 + _SECTOR - 1) // _SECTOR * _SECTOR
        end += 8 + size
        if address == 0 and start + len(head) <= end:
            partition.readblocks(start // _SECTOR, head, 0)
            # A littlefs begins with: revision, tag, its name, tag, version, block size, number of blocks.
            block_size, blocks = struct.unpack_from("<II", head, 24)
            if head[8:16] == b"littlefs" and start + block_size * blocks == end:
                return start, block_size, blocks
    return None


def mount_package():
    """Mount the running slot's package, if it has one. The firmware imports its device as ``slot_device``."""
    slot = Partition(Partition.RUNNING)
    found = find_package(slot)
    if found is None:
        print("boot: no package in", slot.info()[4])
        return
    device = SlotDevice(ReadAhead(slot), *found)
    vfs.mount(vfs.VfsLfs2(device, readsize=_READ_SIZE), "/slot", readonly=True)
    sys.path.insert(0, "/slot")
    sys.modules["slot_device"] = device


try:
    mount_package()
except Exception as error:
    print("boot: the package cannot be mounted:", repr(error))
del find_package, mount_package, ReadAhead, SlotDevice
