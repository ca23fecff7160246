"""What an image must be made for: the number and revision of the chip that runs, and where it has memory.

Numbers as in the image header (ESP-IDF, ``esp_chip_id_t``); addresses as in the ESP32 Technical Reference Manual,
"System and Memory".
"""

import struct

import machine
from esp32 import Partition
from micropython import const

_ESP32 = const(0)
_ANY_REVISION = const(0xFFFF)
_EFUSE_WORD3 = const(0x3FF5A00C)
_EFUSE_WORD5 = const(0x3FF5A014)
_APB_DATE = const(0x3FF6607C)
# Begin, end, whether the flash cache maps it; in units of 4096 bytes, which makes small numbers of them.
_ESP32_MEMORY = (
    (0x3F400, 0x3F800, True),
    (0x3FF80, 0x3FF82, False),
    (0x3FFAE, 0x40000, False),
    (0x40070, 0x400A0, False),
    (0x400C0, 0x400C2, False),
    (0x400C2, 0x40C00, True),
    (0x50000, 0x50002, False),
)


def running_chip():
    """The chip that runs as (number, revision, memory), the first two as an image header has them. The number is that
    of the image that runs; the revision of other chips than the ESP32 is left to ``Partition.set_boot``, which checks
    it too.
    """
    head = bytearray(16)
    Partition(Partition.RUNNING).readblocks(0, head, 0)
    number = struct.unpack_from("<H", head, 12)[0]
    if number != _ESP32:
        from firmware.chip_memory import MEMORY

        return number, _ANY_REVISION, MEMORY.get(number)
    return number, _esp32_revision() * 100 + 99, _ESP32_MEMORY


def _esp32_revision():
    bits = machine.mem32[_EFUSE_WORD3] >> 15 & 1
    bits |= (machine.mem32[_EFUSE_WORD5] >> 20 & 1) << 1
    bits |= (machine.mem32[_APB_DATE] >> 31 & 1) << 2
    # One bit more is burnt for each revision.
    return bin(bits).count("1")
