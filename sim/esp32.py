"""What the ``esp32`` module on the device asks of the board: partitions, NVS, memory.

Flash blocks travel as ``push`` and ``pull`` frames that carry a partition's index and an offset in it; errors are
ESP-IDF's numbers, whose names the device asks for with ``esp_error``. Codes 40-59 are this module's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sim import otadata
from sim.esp_errors import NAMES, EspError
from sim.heap import Heap
from sim.nvs import Nvs
from sim.partitions import SUBTYPE_NVS, TYPE_APP, TYPE_DATA, Partition
from sim.rpc import DeviceError, Gone, Server

if TYPE_CHECKING:
    from sim.flash import Flash

ERASE = 40
WRITE = 41
REPLACE = 42
REPLACE_IN_SECTORS = 43
READ = 44

SECTOR = 4096
ENOENT = 2
BOOT = 0
RUNNING = 1


class Esp32:
    """The peripheral behind the ``esp32`` module of one run of the interpreter."""

    def __init__(self, flash: Flash) -> None:
        self._flash = flash
        self._partitions = flash.partitions
        self._heap = Heap()
        self._nvs: Nvs | None = None

    def register(self, server: Server) -> None:
        server.ops[ERASE] = _numbered(self._erase_block)
        server.pushes[WRITE] = _numbered(self._write)
        server.pushes[REPLACE] = _numbered(self._replace)
        server.pushes[REPLACE_IN_SECTORS] = _numbered(self._replace_in_sectors)
        server.pulls[READ] = _numbered(self._read)
        server.calls.update(
            {
                "esp_error": self._error,
                "heap.info": lambda _, capability, held: self._heap.regions(capability, held),
                "partition.get": self._get,
                "partition.find": self._find,
                "partition.next_update": self._next_update,
                "partition.set_boot": lambda _, index: otadata.set_boot(self._flash, self._partitions[index]),
                "partition.mark_valid": lambda _: otadata.mark_valid(self._flash),
                "nvs.open": lambda _, namespace: self._store.open(namespace.encode()),
                "nvs.get_i32": lambda _, *name: self._store.get_i32(*_encode(name)),
                "nvs.set_i32": self._set_i32,
                "nvs.get_blob": self._get_blob,
                "nvs.set_blob": self._set_blob,
                "nvs.erase_key": lambda _, *name: self._store.erase_key(*_encode(name)),
            }
        )

    # Blocks of the flash

    def _erase_block(self, index: int, block: int) -> int:
        self._erase(self._partitions[index], block * SECTOR & 0xFFFFFFFF, SECTOR)
        return 0

    def _write(self, index: int, offset: int, data: bytes) -> int:
        partition = self._partitions[index]
        offset &= 0xFFFFFFFF
        _check_range(partition, offset, len(data))
        self._guard_running(partition, offset, len(data))
        self._flash.write(partition.address + offset, data)
        return 0

    def _replace(self, index: int, offset: int, data: bytes) -> int:
        self._erase(self._partitions[index], offset & 0xFFFFFFFF, len(data))
        return self._write(index, offset, data)

    def _replace_in_sectors(self, index: int, offset: int, data: bytes) -> int:
        """What the port does for blocks smaller than a sector: keep the rest of the sector."""
        partition = self._partitions[index]
        offset &= 0xFFFFFFFF
        end = offset + len(data)
        for start in range(offset - offset % SECTOR, end, SECTOR):
            _check_range(partition, start, SECTOR)
            before = self._flash.read(partition.address + start, max(0, offset - start))
            after = self._flash.read(partition.address + end, max(0, start + SECTOR - end))
            self._erase(partition, start, SECTOR)
            self._flash.write(partition.address + start, before)
            self._flash.write(partition.address + end, after)
        return self._write(index, offset, data)

    def _read(self, index: int, offset: int, size: int) -> bytes:
        partition = self._partitions[index]
        offset &= 0xFFFFFFFF
        _check_range(partition, offset, size)
        return self._flash.read(partition.address + offset, size)

    def _erase(self, partition: Partition, offset: int, size: int) -> None:
        _check_range(partition, offset, size)
        if size % SECTOR:
            raise EspError("ESP_ERR_INVALID_SIZE")
        if offset % SECTOR:
            raise EspError("ESP_ERR_INVALID_ARG")
        self._guard_running(partition, offset, size)
        self._flash.erase(partition.address + offset, size)

    def _guard_running(self, partition: Partition, offset: int, size: int) -> None:
        """ESP-IDF aborts, and the board restarts, when a program changes the slot it runs from."""
        running = self._flash.running
        if running is None:
            return
        start = partition.address + offset
        if start < running.end and start + max(size, 1) > running.address:
            if self._flash.on_abort is not None:
                self._flash.on_abort()
            raise Gone

    # Partitions; on the wire one is [index, type, subtype, address, size, label, encrypted]

    def _as_list(self, partition: Partition | None) -> list[Any]:
        if partition is None:
            raise DeviceError("OSError", ENOENT)
        p = partition
        return [self._partitions.index(p), p.type, p.subtype, p.address, p.size, p.label, p.encrypted]

    def _get(self, _: bytes, which: int | str) -> list[Any]:
        if which == BOOT:
            return self._as_list(otadata.boot_slot(self._flash))
        if which == RUNNING:
            return self._as_list(self._flash.running)
        if isinstance(which, int):
            raise DeviceError("ValueError")
        found = self._flash.find(TYPE_APP, label=which) + self._flash.find(TYPE_DATA, label=which)
        return self._as_list(found[0] if found else None)

    def _find(self, _: bytes, kind: int, subtype: int, label: str | None) -> list[list[Any]]:
        return [self._as_list(p) for p in self._flash.find(kind, subtype, label)]

    def _next_update(self, _: bytes, index: int) -> list[Any]:
        return self._as_list(otadata.next_update(self._flash, self._partitions[index]))

    def _error(self, _: bytes, number: int) -> None:
        raise EspError(NAMES[number])

    # NVS

    @property
    def _store(self) -> Nvs:
        if self._nvs is None:
            self._nvs = Nvs(self._flash, self._flash.find(TYPE_DATA, SUBTYPE_NVS)[0])
        return self._nvs

    def _set_i32(self, _: bytes, namespace: str, key: str, value: int) -> None:
        if not -(1 << 31) <= value < 1 << 31:
            raise DeviceError("OverflowError", "overflow converting long int to machine word")
        self._store.set_i32(namespace.encode(), key.encode(), value)

    def _set_blob(self, value: bytes, namespace: str, key: str) -> None:
        self._store.set_blob(namespace.encode(), key.encode(), value)

    def _get_blob(self, _: bytes, namespace: str, key: str, room: int) -> tuple[int, bytes]:
        value = self._store.get_blob(namespace.encode(), key.encode(), room)
        return len(value), value


def _check_range(partition: Partition, offset: int, size: int) -> None:
    if offset > partition.size:
        raise EspError("ESP_ERR_INVALID_ARG")
    if offset + size > partition.size:
        raise EspError("ESP_ERR_INVALID_SIZE")


def _numbered(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Errors of ``handler`` become negative numbers: these frames carry no names."""

    def answer(*arguments: Any) -> Any:
        try:
            return handler(*arguments)
        except EspError as error:
            return error.number

    return answer


def _encode(names: tuple[str, ...]) -> list[bytes]:
    return [name.encode() for name in names]
