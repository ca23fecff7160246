"""ESP-IDF's partition table: 32-byte entries at 0x8000 of the flash.

An entry is ``<2sBBII16sI``: magic AA 50, type, subtype, address, size, label, flags (bit 0: encrypted). An entry that
begins with EB EB carries in its last 16 bytes the MD5 of all entries before it; an entry of 0xff ends the table.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass

TABLE_ADDRESS = 0x8000
TABLE_SIZE = 0xC00
TYPE_APP = 0
TYPE_DATA = 1
TYPE_ANY = 0xFF
SUBTYPE_ANY = 0xFF
SUBTYPE_FACTORY = 0x00
SUBTYPE_OTA_0 = 0x10
OTA_SLOTS = 16
SUBTYPE_OTADATA = 0x00
SUBTYPE_NVS = 0x02

_ENTRY = struct.Struct("<2sBBII16sI")
_MAGIC = b"\xaa\x50"
_MD5_MAGIC = b"\xeb\xeb" + b"\xff" * 14


class TableError(ValueError):
    """The flash holds no partition table that ESP-IDF would accept."""


@dataclass(frozen=True)
class Partition:
    """One entry of the table; addresses and sizes in bytes."""

    type: int
    subtype: int
    address: int
    size: int
    label: str
    encrypted: bool = False

    @property
    def end(self) -> int:
        return self.address + self.size

    @property
    def is_ota(self) -> bool:
        return self.type == TYPE_APP and SUBTYPE_OTA_0 <= self.subtype < SUBTYPE_OTA_0 + OTA_SLOTS


def parse_table(table: bytes) -> list[Partition]:
    """The partitions in ``table`` (what the flash holds from 0x8000 on), in its order."""
    partitions = []
    for offset in range(0, min(len(table), TABLE_SIZE) - _ENTRY.size + 1, _ENTRY.size):
        entry = table[offset : offset + _ENTRY.size]
        if entry[:16] == _MD5_MAGIC:
            if hashlib.md5(table[:offset]).digest() != entry[16:]:
                raise TableError("the partition table's MD5 does not match")
        elif entry == b"\xff" * _ENTRY.size:
            break
        else:
            partitions.append(_parse_entry(entry))
    if not partitions:
        raise TableError("the partition table is empty")
    return partitions


def _parse_entry(entry: bytes) -> Partition:
    magic, kind, subtype, address, size, label, flags = _ENTRY.unpack(entry)
    if magic != _MAGIC:
        raise TableError(f"a partition entry begins with {magic.hex()}")
    return Partition(kind, subtype, address, size, label.split(b"\0")[0].decode(), bool(flags & 1))


def build_table(partitions: Iterable[Partition]) -> bytes:
    """The table's bytes, ``TABLE_SIZE`` of them, with the MD5 entry."""
    entries = b"".join(
        _ENTRY.pack(_MAGIC, p.type, p.subtype, p.address, p.size, p.label.encode(), int(p.encrypted))
        for p in partitions
    )
    return (entries + _MD5_MAGIC + hashlib.md5(entries).digest()).ljust(TABLE_SIZE, b"\xff")
