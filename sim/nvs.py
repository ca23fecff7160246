"""NVS: named values in the nvs partition, in a log format of this simulator that survives a power cut at any operation.

The partition is two banks of equal size. A bank is a header of 12 bytes (``NVS1``, generation, CRC-32 of both), then
records without gaps, then erased flash. A record is ``<HBBBxHI``: length in all, kind, length of the namespace, length
of the key, 0, length of the value, CRC-32 of the rest; then namespace, key and value, filled up with zero bytes to a
multiple of 4.

A change appends a record: one write, two where it crosses into the next sector. A bank that is full, or ends in a
record that was cut off, is left alone; what is valid and the change go to the other bank: erased, the records written,
the header last. The valid bank with the highest generation counts. A partition that is not blank and has no valid bank
is erased and starts empty, as MicroPython's start-up does with one that ESP-IDF refuses.

Names longer than 15 bytes behave as in ESP-IDF: the search sees their first 15 bytes, and only creating one is an
error. A key can hold an integer and a blob at once.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from sim.esp_errors import EspError

if TYPE_CHECKING:
    from sim.flash import Flash
    from sim.partitions import Partition

SECTOR = 4096
MAX_NAME = 15
MAX_BLOB = 12_000
NAMESPACE, I32, BLOB, ERASED = range(4)

_BANK = struct.Struct("<4sII")
_RECORD = struct.Struct("<HBBBxHI")
_MAGIC = b"NVS1"
_INT = struct.Struct("<i")

Name = tuple[bytes, int, bytes]


class Nvs:
    """The values in ``partition`` of ``flash``."""

    def __init__(self, flash: Flash, partition: Partition) -> None:
        self._flash = flash
        self._partition = partition
        self._bank_size = partition.size // (2 * SECTOR) * SECTOR
        self._values: dict[Name, bytes] = {}
        self._bank = 1
        self._generation = 0
        self._position = self._bank_size
        self._load()

    def open(self, namespace: bytes) -> None:
        """Make a namespace if it does not exist."""
        self._set((b"", NAMESPACE, namespace), b"")

    def get_i32(self, namespace: bytes, key: bytes) -> int:
        return int(_INT.unpack(self._get((namespace, I32, key)))[0])

    def set_i32(self, namespace: bytes, key: bytes, value: int) -> None:
        self._set((namespace, I32, key), _INT.pack(value))

    def get_blob(self, namespace: bytes, key: bytes, room: int) -> bytes:
        """The value; an error if it is longer than ``room``."""
        value = self._get((namespace, BLOB, key))
        if len(value) > room:
            raise EspError("ESP_ERR_NVS_INVALID_LENGTH")
        return value

    def set_blob(self, namespace: bytes, key: bytes, value: bytes) -> None:
        if len(value) > MAX_BLOB:
            raise EspError("ESP_ERR_NVS_VALUE_TOO_LONG")
        self._set((namespace, BLOB, key), value)

    def erase_key(self, namespace: bytes, key: bytes) -> None:
        name = _shorten((namespace, ERASED, key))
        if not any((name[0], kind, name[2]) in self._values for kind in (I32, BLOB)):
            raise EspError("ESP_ERR_NVS_NOT_FOUND")
        self._store(name, b"")

    def _get(self, name: Name) -> bytes:
        try:
            return self._values[_shorten(name)]
        except KeyError:
            raise EspError("ESP_ERR_NVS_NOT_FOUND") from None

    def _set(self, name: Name, value: bytes) -> None:
        if self._values.get(_shorten(name)) == value:
            return
        if len(name[2]) > MAX_NAME:
            raise EspError("ESP_ERR_NVS_KEY_TOO_LONG")
        self._store(_shorten(name), value)

    def _store(self, name: Name, value: bytes) -> None:
        record = _pack(name, value)
        if self._position + len(record) <= self._bank_size:
            self._flash.write(self._start(self._bank) + self._position, record)
            self._position += len(record)
            _apply(self._values, name, value)
        else:
            self._move(name, value)

    def _move(self, name: Name, value: bytes) -> None:
        """Write the other bank with what is valid after the change."""
        values = dict(self._values)
        _apply(values, name, value)
        records = b"".join(_pack(*item) for item in values.items())
        if _BANK.size + len(records) > self._bank_size:
            raise EspError("ESP_ERR_NVS_NOT_ENOUGH_SPACE")
        bank = 1 - self._bank
        start = self._start(bank)
        self._flash.erase(start, self._bank_size)
        self._flash.write(start + _BANK.size, records)
        self._flash.write(start, _pack_header(self._generation + 1))
        self._generation += 1
        self._values, self._bank, self._position = values, bank, _BANK.size + len(records)

    def _start(self, bank: int) -> int:
        return self._partition.address + bank * self._bank_size

    def _load(self) -> None:
        content = self._flash.read(self._partition.address, self._partition.size)
        banks = [content[n * self._bank_size :][: self._bank_size] for n in (0, 1)]
        generations = [_generation(bank) for bank in banks]
        if any(generations):
            self._bank = generations.index(max(generations))
            self._generation = generations[self._bank]
            self._position = self._replay(banks[self._bank])
        elif content.strip(b"\xff"):
            self._flash.erase(self._partition.address, self._partition.size)

    def _replay(self, bank: bytes) -> int:
        """Take over the records; returns where the next one goes, the bank's end after a broken one."""
        position = _BANK.size
        while position + _RECORD.size <= len(bank) and bank[position : position + 2] != b"\xff\xff":
            length = _record_length(bank, position)
            if not length:
                return len(bank)
            _, kind, namespace, key, value, _ = _RECORD.unpack_from(bank, position)
            start = position + _RECORD.size
            middle = start + namespace
            end = middle + key
            _apply(self._values, (bank[start:middle], kind, bank[middle:end]), bank[end : end + value])
            position += length
        return position


def _shorten(name: Name) -> Name:
    return name[0][:MAX_NAME], name[1], name[2][:MAX_NAME]


def _apply(values: dict[Name, bytes], name: Name, value: bytes) -> None:
    namespace, kind, key = name
    if kind == ERASED:
        values.pop((namespace, I32, key), None)
        values.pop((namespace, BLOB, key), None)
    else:
        values[name] = value


def _pack_header(generation: int) -> bytes:
    return _BANK.pack(_MAGIC, generation, zlib.crc32(struct.pack("<4sI", _MAGIC, generation)))


def _generation(bank: bytes) -> int:
    """The generation in a bank's header, 0 if the header is not valid."""
    generation = int(_BANK.unpack_from(bank)[1])
    return generation if bank[: _BANK.size] == _pack_header(generation) else 0


def _pack(name: Name, value: bytes) -> bytes:
    namespace, kind, key = name
    body = namespace + key + value
    body += b"\0" * (-len(body) % 4)
    head = (_RECORD.size + len(body), kind, len(namespace), len(key), len(value))
    crc = zlib.crc32(_RECORD.pack(*head, 0) + body)
    return _RECORD.pack(*head, crc) + body


def _record_length(bank: bytes, position: int) -> int:
    """The length of the record at ``position``, 0 if it is broken."""
    *head, crc = _RECORD.unpack_from(bank, position)
    record = bank[position : position + head[0]]
    if head[0] < _RECORD.size or len(record) != head[0]:
        return 0
    return head[0] if zlib.crc32(_RECORD.pack(*head, 0) + record[_RECORD.size :]) == crc else 0
