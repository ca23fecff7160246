"""The otadata partition: which OTA slot boots, and whether its image has proved itself.

Two sectors, an entry of 32 bytes ``<I20sII`` at the beginning of each: sequence number, label (unused), state, and the
CRC-32 of the sequence number alone. The valid entry with the highest number decides: slot ``(number - 1) % slots``.
Writing an entry is two operations of the flash, the erase of its sector and the write. The functions do what
ESP-IDF's ``esp_ota_ops.c`` does with roll-back enabled, and raise ``EspError`` where it returns an error.
"""

from __future__ import annotations

import enum
import struct
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sim.app_image import ImageError, verify
from sim.esp_errors import EspError
from sim.partitions import (
    OTA_SLOTS,
    SUBTYPE_ANY,
    SUBTYPE_FACTORY,
    SUBTYPE_OTA_0,
    SUBTYPE_OTADATA,
    TYPE_APP,
    TYPE_DATA,
    Partition,
)

if TYPE_CHECKING:
    from sim.flash import Flash

SECTOR = 4096
NO_SEQUENCE = 0xFFFFFFFF
_ENTRY = struct.Struct("<I20sII")


class State(enum.IntEnum):
    """What an entry says of its image."""

    NEW = 0
    PENDING = 1
    VALID = 2
    INVALID = 3
    ABORTED = 4
    UNDEFINED = 0xFFFFFFFF


_STATE_NAMES = {int(state): state.name.lower() for state in State}


@dataclass(frozen=True)
class Entry:
    """One entry; ``state`` may be a number that is no ``State`` when the sector holds garbage."""

    sequence: int = NO_SEQUENCE
    label: bytes = b"\xff" * 20
    state: int = State.UNDEFINED
    crc: int = 0xFFFFFFFF

    @property
    def state_name(self) -> str:
        return _STATE_NAMES.get(self.state, f"0x{self.state:08x}")

    @property
    def crc_fits(self) -> bool:
        return self.crc == sequence_crc(self.sequence)

    @property
    def ruled_out(self) -> bool:
        """Erased, or its image has been given up. The CRC has no say in this."""
        return self.sequence == NO_SEQUENCE or self.state in (State.INVALID, State.ABORTED)

    @property
    def bootable(self) -> bool:
        return not self.ruled_out and self.crc_fits

    @property
    def blank(self) -> bool:
        """Says nothing of any slot: erased or broken."""
        return self.sequence == NO_SEQUENCE or not self.crc_fits


def sequence_crc(sequence: int) -> int:
    return zlib.crc32(struct.pack("<I", sequence), 0xFFFFFFFF)


def location(flash: Flash) -> Partition | None:
    found = flash.find(TYPE_DATA, SUBTYPE_OTADATA)
    return found[0] if found else None


def ota_slots(flash: Flash) -> list[Partition]:
    """The slots ota_0, ota_1 ... without a gap, as the boot loader counts them."""
    slots = []
    for subtype in range(SUBTYPE_OTA_0, SUBTYPE_OTA_0 + OTA_SLOTS):
        found = flash.find(TYPE_APP, subtype)
        if not found:
            break
        slots.append(found[0])
    return slots


def read_entries(flash: Flash) -> list[Entry]:
    where = _required_location(flash)
    return [Entry(*_ENTRY.unpack(flash.read(where.address + n * SECTOR, _ENTRY.size))) for n in (0, 1)]


def write_entry(flash: Flash, sector: int, entry: Entry) -> None:
    address = _required_location(flash).address + sector * SECTOR
    flash.erase(address, SECTOR)
    flash.write(address, _ENTRY.pack(entry.sequence, entry.label, entry.state, entry.crc))


def active_sector(entries: list[Entry]) -> int | None:
    """The sector whose entry decides, or None."""
    sectors = [n for n in (0, 1) if entries[n].bootable]
    return max(sectors, key=lambda n: entries[n].sequence, default=None)


def slot_number(entry: Entry, slots: int) -> int:
    return (entry.sequence - 1) % slots


def boot_slot(flash: Flash) -> Partition | None:
    """The slot that the entries choose, as a running program is told: no image is looked at."""
    slots = ota_slots(flash)
    entries = read_entries(flash)
    active = active_sector(entries)
    if active is not None and slots:
        return slots[slot_number(entries[active], len(slots))]
    return next(iter(flash.find(TYPE_APP, SUBTYPE_FACTORY) + slots), None)


def next_update(flash: Flash, start: Partition) -> Partition | None:
    """The OTA slot after ``start``; the first one when ``start`` is the last, or no OTA slot."""
    slots = [p for p in flash.find(TYPE_APP, SUBTYPE_ANY) if p.is_ota]
    slots.sort(key=lambda p: p.subtype)
    if not slots:
        return None
    return slots[(slots.index(start) + 1) % len(slots)] if start in slots else slots[0]


def set_boot(flash: Flash, partition: Partition) -> None:
    """Choose ``partition`` for the next start, on trial, if its image is valid."""
    try:
        verify(flash.read(partition.address, partition.size), flash.target)
    except ImageError as error:
        raise EspError("ESP_ERR_OTA_VALIDATE_FAILED") from error
    if partition.type != TYPE_APP:
        raise EspError("ESP_ERR_INVALID_ARG")
    if partition.subtype == SUBTYPE_FACTORY:
        where = _required_location(flash)
        flash.erase(where.address, where.size)
    else:
        _choose(flash, partition.subtype & 0x0F)


def _choose(flash: Flash, slot: int) -> None:
    slots = len(ota_slots(flash))
    if slot >= slots:
        raise EspError("ESP_ERR_INVALID_ARG")
    entries = read_entries(flash)
    active = active_sector(entries)
    if active is None:
        sector, sequence = 0, slot + 1
    else:
        # The other sector gets the lowest number that is not below the active one and stands for the slot.
        sector = 1 - active
        current = entries[active].sequence
        sequence = current + (slot + 1 - current) % slots
    write_entry(flash, sector, replace(entries[sector], sequence=sequence, state=State.NEW, crc=sequence_crc(sequence)))


def mark_valid(flash: Flash) -> None:
    """End the trial of the image that the active entry stands for."""
    entries = read_entries(flash)
    active = active_sector(entries)
    if active is None or not ota_slots(flash):
        raise EspError("ESP_FAIL")
    if entries[active].state != State.VALID:
        write_entry(flash, active, replace(entries[active], state=State.VALID))


def _required_location(flash: Flash) -> Partition:
    where = location(flash)
    if where is None:
        raise EspError("ESP_ERR_NOT_FOUND")
    return where
