# boot.py, version 1
# MicroPython runs this first after each reset. It mounts the package of the running slot read-only at /slot and puts it
# first on sys.path. The package is a littlefs inside the application image: the data of a segment with load address 0,
# which the boot loader verifies and never loads (tools/app_image.py). So an upgrade replaces MicroPython and this
# project's code together. This file lies in the vfs partition, which no upgrade touches: it must never raise, and takes
# the filesystem's geometry from its superblock, so that later images may have another.
import sys

# Entered here, these are not looked for in all of sys.path, file by file, by each import of them.
path = sys.path[:]
sys.path[:] = ()
for name in "binascii collections errno hashlib io json machine os random re select socket struct time".split():
    if name not in sys.modules:
        sys.modules[name] = __import__(name)
sys.path[:] = path
del name, path

import struct  # noqa: E402

import vfs  # noqa: E402
from esp32 import Partition  # noqa: E402

_SECTOR = 4096
_IMAGE_MAGIC = 0xE9
_READ_SIZE = 64  # littlefs caches four times that, twice, and once more for each open file; less makes the start slower
_EROFS = 30
_PIECE = 512
_PIECES = 26  # the directory and what is read of the file


class SlotDevice:
    """A block device that reads from a place within a partition.

    littlefs reads the same directory again for each import, some bytes at a time, and each read of the flash stops both
    cores. So while modules are being loaded the pieces read last are kept.
    """

    def __init__(self, partition, start, block_size, blocks):
        self.partition = partition
        self.start = start
        self.block_size = block_size
        self.blocks = blocks
        self.pieces = None

    def read_ahead(self, on):
        """Begin or end to keep pieces."""
        self.pieces = None
        if on:
            self.pieces = [[-1, memoryview(bytearray(_PIECE))] for _ in range(_PIECES)]

    def readblocks(self, block, buffer, offset=0):
        position = self.start + block * self.block_size + offset
        within = position % _PIECE
        end = within + len(buffer)
        if self.pieces and end <= _PIECE:
            buffer[:] = self._piece(position - within)[within:end]
        else:
            self.partition.readblocks(position // _SECTOR, buffer, position % _SECTOR)

    def _piece(self, position):
        index = 0
        for entry in self.pieces:
            if entry[0] == position:
                break
            index += 1
        else:
            index -= 1
            entry[0] = -1
            self.partition.readblocks(position // _SECTOR, entry[1], position % _SECTOR)
            entry[0] = position
        # The one used last comes first.
        self.pieces.insert(0, self.pieces.pop(index))
        return entry[1]

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
    device = SlotDevice(slot, *found)
    device.read_ahead(True)
    vfs.mount(vfs.VfsLfs2(device, readsize=_READ_SIZE), "/slot", readonly=True)
    # What MicroPython brings itself goes before files on the board, too.
    sys.path[:0] = "/slot", ".frozen"
    sys.modules["slot_device"] = device  # type: ignore[assignment]


try:
    mount_package()
except Exception as error:
    print("boot: the package cannot be mounted:", repr(error))
del find_package, mount_package, SlotDevice
