"""The simulated board's flash: a file with the semantics of NOR flash, that can lose power in the middle.

Writing only clears bits; erasing sets a sector of 4096 bytes to 0xff. The erase of one sector is one operation, and so
is a write inside one sector; what is larger is carried out, and counted, sector by sector.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sim import otadata
from sim.app_image import ImageError, verify
from sim.esp32 import Esp32
from sim.models import ESP32, Target
from sim.partitions import (
    SUBTYPE_ANY,
    TABLE_ADDRESS,
    TABLE_SIZE,
    TYPE_ANY,
    TYPE_APP,
    Partition,
    TableError,
    parse_table,
)
from sim.rpc import Gone, Server

SECTOR = 4096
DEFAULT_SIZE = 4 << 20
ERASE_SECONDS = 0.045
WRITE_SECONDS_PER_SECTOR = 0.012


class PowerCut(Gone):
    """The power went away at the operation that ``cut_after`` had named."""


@dataclass(frozen=True)
class Slot:
    """What one application slot holds; ``sequence`` and ``state`` are of its otadata entry, None without one."""

    label: str
    valid: bool
    problem: str
    version: str
    project: str
    sequence: int | None
    state: str | None
    running: bool
    boot: bool


class Flash:
    """NOR flash over the file ``path``, made and erased if it does not exist.

    The board sets the callables: ``on_power_cut()`` when ``cut_after`` strikes, ``on_abort()`` when the program touches
    what it runs from, ``on_busy(seconds)`` for each operation in timed mode. ``running`` is the slot that the boot
    loader started, ``target`` the chip whose images start.
    """

    def __init__(self, path: Path, size: int = DEFAULT_SIZE, target: Target = ESP32) -> None:
        self.path = path
        self.target = target
        self.operations = 0
        self.running: Partition | None = None
        self.on_power_cut: Callable[[], None] | None = None
        self.on_abort: Callable[[], None] | None = None
        self.on_busy: Callable[[float], None] | None = None
        self._cut_at: int | None = None
        self._torn = False
        if not path.exists():
            path.write_bytes(b"\xff" * size)
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self._file = path.open("rb")
        self.size = len(self._memory)

    @property
    def descriptor(self) -> int:
        """Of the file, to read from: it always has what the flash has."""
        return self._file.fileno()

    def close(self) -> None:
        self._memory.close()
        self._file.close()

    def read(self, address: int, size: int) -> bytes:
        self._check(address, size)
        return self._memory[address : address + size]

    def erase(self, address: int, size: int) -> None:
        """Erase whole sectors."""
        self._check(address, size)
        if address % SECTOR or size % SECTOR:
            raise ValueError(f"erase of {size} bytes at 0x{address:x}: not whole sectors")
        for start in range(address, address + size, SECTOR):
            self._begin_operation(partial(self._fill, start, SECTOR // 2), ERASE_SECONDS)
            self._fill(start, SECTOR)

    def write(self, address: int, data: bytes) -> None:
        """Clear bits; what is written over keeps the bits that are clear already."""
        self._check(address, len(data))
        done = 0
        while done < len(data):
            start = address + done
            piece = data[done : done + SECTOR - start % SECTOR]
            seconds = WRITE_SECONDS_PER_SECTOR * len(piece) / SECTOR
            half = piece[: len(piece) // 2]
            self._begin_operation(partial(self._program, start, half), seconds)
            self._program(start, piece)
            done += len(piece)

    def cut_after(self, operations: int | None, torn: bool = False) -> None:
        """Let the power fail at the ``operations``-th operation from now, 1 being the next; None takes it back.

        That operation is not carried out; with ``torn`` its first half is: half of the sector erased, or half of the
        bytes programmed.
        """
        if operations is not None and operations < 1:
            raise ValueError("operations count from 1")
        self._cut_at = None if operations is None else self.operations + operations
        self._torn = torn

    def _check(self, address: int, size: int) -> None:
        if address < 0 or size < 0 or address + size > self.size:
            raise ValueError(f"{size} bytes at 0x{address:x} lie outside of the flash")

    def _begin_operation(self, half: Callable[[], None], seconds: float) -> None:
        self.operations += 1
        if self._cut_at is not None and self.operations >= self._cut_at:
            self._cut_at = None
            if self._torn:
                half()
            if self.on_power_cut is not None:
                self.on_power_cut()
            raise PowerCut
        if self.on_busy is not None:
            self.on_busy(seconds)

    def _fill(self, start: int, size: int) -> None:
        self._memory[start : start + size] = b"\xff" * size

    def _program(self, start: int, data: bytes) -> None:
        end = start + len(data)
        cleared = int.from_bytes(self._memory[start:end], "little") & int.from_bytes(data, "little")
        self._memory[start:end] = cleared.to_bytes(len(data), "little")

    @property
    def partitions(self) -> list[Partition]:
        """What the partition table says; raises ``TableError``."""
        return parse_table(self.read(TABLE_ADDRESS, TABLE_SIZE))

    def find(self, kind: int = TYPE_ANY, subtype: int = SUBTYPE_ANY, label: str | None = None) -> list[Partition]:
        return [
            p
            for p in self.partitions
            if kind in (TYPE_ANY, p.type) and subtype in (SUBTYPE_ANY, p.subtype) and label in (None, p.label)
        ]

    def partition(self, label: str) -> Partition:
        """The partition with this label; raises ``KeyError``."""
        found = self.find(label=label)
        if not found:
            raise KeyError(label)
        return found[0]

    def register(self, server: Server) -> None:
        """Let the program on the board reach the flash (the ``esp32`` module)."""
        Esp32(self).register(server)

    def slots(self) -> list[Slot]:
        """One summary per application slot; empty without a partition table."""
        try:
            slots = self.find(TYPE_APP)
            ota = otadata.ota_slots(self)
        except TableError:
            return []
        if otadata.location(self) is None:
            return [self._summary(slot, [], None) for slot in slots]
        entries = [entry for entry in otadata.read_entries(self) if ota and not entry.blank]
        boot = otadata.boot_slot(self)
        return [
            self._summary(slot, [e for e in entries if ota[otadata.slot_number(e, len(ota))] == slot], boot)
            for slot in slots
        ]

    def _summary(self, slot: Partition, entries: list[otadata.Entry], boot: Partition | None) -> Slot:
        entry = max(entries, key=lambda e: e.sequence, default=None)
        try:
            info = verify(self.read(slot.address, slot.size), self.target)
            problem, version, project = "", info.version, info.project
        except ImageError as error:
            problem, version, project = str(error), "", ""
        return Slot(
            label=slot.label,
            valid=not problem,
            problem=problem,
            version=version,
            project=project,
            sequence=entry.sequence if entry else None,
            state=entry.state_name if entry else None,
            running=slot == self.running,
            boot=slot == boot,
        )
