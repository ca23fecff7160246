"""Where everything lies in a board's flash, by the flash's size.

Two OTA slots, then ``vfs`` (boot.py and main.py, mounted by MicroPython, which says a warning for ever if it cannot)
and ``user``, mounted by the firmware, to the end. The first 0x10000 bytes are as in MicroPython's own OTA builds. The
slots of 4 MB are those of the official OTA build; larger ones, for larger builds, leave less to ``user``.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.partitions import SUBTYPE_NVS, SUBTYPE_OTA_0, SUBTYPE_OTADATA, TYPE_APP, TYPE_DATA, Partition

MEBIBYTE = 1 << 20
SUBTYPE_PHY = 0x01
SUBTYPE_VFS = 0x81
SUBTYPE_USER = 0x83
FIRST_SLOT = 0x10000
VFS_SIZE = 0x10000
# Sizes of a slot for each size of flash, the best first.
SLOT_SIZES = {
    4 * MEBIBYTE: (0x180000, 0x1C0000, 0x1E0000),
    8 * MEBIBYTE: (0x270000, 0x340000),
    16 * MEBIBYTE: (0x300000, 0x400000),
}
# Room for the images of later versions: a board's slots stay as they are.
HEADROOM = 0x10000
LARGEST_SLOT = max(size for sizes in SLOT_SIZES.values() for size in sizes)

_COMMON = (
    Partition(TYPE_DATA, SUBTYPE_NVS, 0x9000, 0x4000, "nvs"),
    Partition(TYPE_DATA, SUBTYPE_OTADATA, 0xD000, 0x2000, "otadata"),
    Partition(TYPE_DATA, SUBTYPE_PHY, 0xF000, 0x1000, "phy_init"),
)


class LayoutError(Exception):
    """There is no such flash, or the image does not fit; the message says which do."""


@dataclass(frozen=True)
class Layout:
    """A flash and its partitions; sizes in bytes."""

    flash_size: int
    slot_size: int
    partitions: tuple[Partition, ...]

    def partition(self, label: str) -> Partition:
        """The partition with this label."""
        return next(partition for partition in self.partitions if partition.label == label)


def make(flash_size: int, slot_size: int) -> Layout:
    """The layout with two slots of ``slot_size``."""
    second = FIRST_SLOT + slot_size
    vfs = second + slot_size
    user = vfs + VFS_SIZE
    partitions = (
        *_COMMON,
        Partition(TYPE_APP, SUBTYPE_OTA_0, FIRST_SLOT, slot_size, "ota_0"),
        Partition(TYPE_APP, SUBTYPE_OTA_0 + 1, second, slot_size, "ota_1"),
        Partition(TYPE_DATA, SUBTYPE_VFS, vfs, VFS_SIZE, "vfs"),
        Partition(TYPE_DATA, SUBTYPE_USER, user, flash_size - user, "user"),
    )
    return Layout(flash_size, slot_size, partitions)


def choose(flash_size: int, image_size: int) -> Layout:
    """The layout for an image of ``image_size`` bytes on a flash of ``flash_size`` bytes; raises LayoutError."""
    if flash_size not in SLOT_SIZES:
        known = ", ".join(megabytes(size) for size in SLOT_SIZES)
        raise LayoutError(f"two slots are made for {known} of flash, not for {megabytes(flash_size)}")
    sizes = SLOT_SIZES[flash_size]
    if image_size > sizes[-1]:
        raise LayoutError(
            f"the image has {image_size} bytes; the largest slots on {megabytes(flash_size)} of flash have "
            f"{sizes[-1]}: take a smaller build (the OTA variant) or FLASH_SIZE={larger(flash_size)}"
        )
    return make(flash_size, next((size for size in sizes if image_size + HEADROOM <= size), sizes[-1]))


def larger(flash_size: int) -> str:
    """The sizes above ``flash_size``, to be read by people."""
    return " or ".join(megabytes(size) for size in SLOT_SIZES if size > flash_size) or "none larger"


def megabytes(size: int) -> str:
    """``4MB``, as esptool writes it; sizes below in KB."""
    return f"{size // MEBIBYTE}MB" if size >= MEBIBYTE else f"{size // 1024}KB"


def parse_size(text: str) -> int:
    """The bytes of ``8MB``, ``8M`` or ``8``; raises LayoutError."""
    number = text.upper().removesuffix("B").removesuffix("M")
    if not number.isdecimal():
        raise LayoutError(f"{text!r} is no size of flash: say 4MB, 8MB or 16MB")
    return int(number) * MEBIBYTE


BOARD = make(4 * MEBIBYTE, SLOT_SIZES[4 * MEBIBYTE][0])


def official_ota_partitions() -> tuple[Partition, ...]:
    """The partitions of MicroPython's own OTA builds for 4 MB of flash."""
    vfs = BOARD.partition("vfs")
    slots = tuple(partition for partition in BOARD.partitions if partition.type == TYPE_APP)
    return (*_COMMON, *slots, Partition(TYPE_DATA, SUBTYPE_VFS, vfs.address, BOARD.flash_size - vfs.address, "vfs"))
