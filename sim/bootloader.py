"""The boot loader's choice of a slot, as ESP-IDF's second stage makes it with roll-back enabled.

What it reads and writes of otadata, and in which order, is that of ESP-IDF's ``bootloader_utility.c``; every write
counts as operations of the flash, so power cuts strike here too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sim import otadata
from sim.app_image import ImageError, ImageInfo, verify
from sim.flash import Flash
from sim.otadata import State
from sim.partitions import SUBTYPE_FACTORY, TYPE_APP, Partition, TableError

_FACTORY = -1


@dataclass(frozen=True)
class Selection:
    """What starts: ``slot`` and ``image`` are None if nothing does. ``log`` is what the boot loader prints."""

    slot: Partition | None
    image: ImageInfo | None
    log: str

    @property
    def label(self) -> str:
        return self.slot.label if self.slot else ""


def select(flash: Flash) -> Selection:
    """Choose the slot that starts, keep otadata's books, and set ``flash.running``."""
    flash.running = None
    log: list[str] = []
    try:
        factory = flash.find(TYPE_APP, SUBTYPE_FACTORY)
        slots = otadata.ota_slots(flash)
        index, first_start = _read_choice(flash, bool(factory), len(slots), log)
    except TableError as error:
        return Selection(None, None, f"E boot: {error}\r\nE boot: load partition table error!\r\n")
    candidates = {_FACTORY: factory[0]} if factory else {}
    candidates.update(enumerate(slots))
    image = None
    for number in [*range(index, _FACTORY - 1, -1), *range(index + 1, len(slots))]:
        if number not in candidates:
            continue
        image = _load(flash, candidates[number], number, log)
        if image is not None:
            flash.running = candidates[number]
            if first_start and number != _FACTORY:
                _write_first_entry(flash, number + 1, log)
            break
    else:
        log.append("E boot: No bootable app partitions in the partition table")
    return Selection(flash.running, image, "".join(line + "\r\n" for line in log))


def _read_choice(flash: Flash, factory: bool, slots: int, log: list[str]) -> tuple[int, bool]:
    """The slot to try first, and whether otadata is new and gets its first entry."""
    if otadata.location(flash) is None:
        return _FACTORY, False
    entries = otadata.read_entries(flash)
    for sector, entry in enumerate(entries):
        if entry.state == State.PENDING:
            # On trial and not marked valid before this start: it failed.
            entries[sector] = replace(entry, state=State.ABORTED)
            otadata.write_entry(flash, sector, entries[sector])
    if not slots or all(entry.ruled_out for entry in entries):
        if factory:
            log.append("I boot: Defaulting to factory image")
            return _FACTORY, False
        log.append("I boot: No factory image, trying OTA 0")
        return 0, all(entry.blank for entry in entries)
    active = otadata.active_sector(entries)
    if active is None:
        instead = "falling back to factory" if factory else "and no factory, will try all partitions"
        log.append(f"E boot: ota data partition invalid{',' if factory else ''} {instead}")
        return _FACTORY, False
    if entries[active].state == State.NEW:
        otadata.write_entry(flash, active, replace(entries[active], state=State.PENDING))
    return otadata.slot_number(entries[active], slots), False


def _load(flash: Flash, slot: Partition, number: int, log: list[str]) -> ImageInfo | None:
    try:
        image = verify(flash.read(slot.address, slot.size), flash.target)
    except ImageError as error:
        log.append(f"E esp_image: image at 0x{slot.address:x}: {error}")
        name = "Factory app partition" if number == _FACTORY else f"OTA app partition slot {number}"
        log.append(f"E boot: {name} is not bootable")
        return None
    log.append(f"I boot: Loaded app from partition at offset 0x{slot.address:x}")
    return image


def _write_first_entry(flash: Flash, sequence: int, log: list[str]) -> None:
    crc = otadata.sequence_crc(sequence)
    otadata.write_entry(flash, 0, otadata.Entry(sequence=sequence, state=State.VALID, crc=crc))
    log.append(f"I boot: Set actual ota_seq={sequence} in otadata[0]")
