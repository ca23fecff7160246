"""AT+SYSFLASH: partitions of the flash that belong to the host (ESP-AT user guide, "Basic AT Commands"). Loaded when
called.

Nothing else can be reached. What blocks: one sector's erase, or the write of one sector (``slot_writer``).
"""

import asyncio

from esp32 import Partition
from micropython import const

from firmware.at_error import NOT_THERE, PARSE, PAST_END, VALUE, AtError
from firmware.command import command, integer, string
from firmware.host_data import HostData

_ERASE = const(0)
_WRITE = const(1)
_SECTOR = const(4096)
_PIECE = const(1024)
_ERASE_BLOCK = const(6)
_ANY = const(0xFF)
_DATA = const(1)
# ESP-IDF gives applications the types from here on; those between are its own.
_FIRST_CUSTOM = const(0x40)
# Subtypes of data: what ESP-IDF itself lives on, otadata, phy, core dumps, NVS keys, eFuses.
_SYSTEM = (0, 1, 3, 4, 5)
# MicroPython's and this firmware's.
_NAMES = ("nvs", "vfs", "ffat", "romfs", "user")


def commands(_):
    """The family's command table."""
    parameters = (integer(0, 2), string(1, 16), integer(0, optional=True), integer(1, optional=True))
    return (command(b"+SYSFLASH", parameters, set=_operate, query=_list, ordered=True),)


def _host_partitions():
    """The partitions that the module does not live on; none that overlaps with one of the others."""
    free, others = [], []
    for partition in Partition.find(_ANY):
        kind, subtype, _, _, name, _ = partition.info()
        mine = kind >= _FIRST_CUSTOM or (kind == _DATA and subtype not in _SYSTEM and name not in _NAMES)
        (free if mine else others).append(partition)
    return [partition for partition in free if not any(_overlap(partition, other) for other in others)]


def _overlap(one, other):
    _, _, begin, size, _, _ = one.info()
    _, _, other_begin, other_size, _, _ = other.info()
    return begin < other_begin + other_size and other_begin < begin + size


def _list(at):
    """AT+SYSFLASH?"""
    for partition in _host_partitions():
        kind, subtype, begin, size, name, _ = partition.info()
        at.info('+SYSFLASH:"%s",%d,%d,0x%x,0x%x' % (name, kind, subtype, begin, size))


def _operate(at, arguments):
    """AT+SYSFLASH=<operation>,<"partition">[,<offset>,<length>]: both left out erase all of it."""
    operation, name, offset, length = arguments.values()
    given = len(arguments)
    if given != 4 and (given != 2 or operation != _ERASE):
        raise arguments.wrong_count(4)
    if given == 4 and (offset is None or length is None):
        raise AtError(PARSE | (2 if offset is None else 3))
    for partition in _host_partitions():
        if partition.info()[4].encode() == name:
            break
    else:
        raise AtError(NOT_THERE)
    size = partition.info()[3]
    if given == 2:
        offset, length = 0, size
    if offset + length > size:
        raise AtError(PAST_END)
    if operation == _ERASE:
        if offset % _SECTOR or length % _SECTOR:
            raise AtError(VALUE | (2 if offset % _SECTOR else 3))
        return _erase(partition, offset // _SECTOR, length // _SECTOR)
    return (_write if operation == _WRITE else _read)(at, partition, offset, length)


async def _erase(partition, first, count):
    for number in range(first, first + count):
        partition.ioctl(_ERASE_BLOCK, number)
        # The UART is looked after in between.
        await asyncio.sleep_ms(0)


async def _write(at, partition, offset, length):
    """Clears bits only, as flash does: erased before. The host's data is taken a sector's size at a time, and while
    that is written it must wait: RTS tells it to.
    """
    data = HostData(at, length, memoryview(bytearray(min(length, _SECTOR))))
    try:
        while True:
            view = await data.next()
            if not view:
                break
            partition.writeblocks(offset // _SECTOR, view, offset % _SECTOR)
            offset += len(view)
    except OSError:
        await data.drop_rest()
        raise


async def _read(at, partition, offset, length):
    at.port.answering = True
    head = b"+SYSFLASH:%d," % length
    buffer = memoryview(bytearray(min(length, _PIECE)))
    while length:
        piece = buffer[: min(length, _PIECE)]
        partition.readblocks(offset // _SECTOR, piece, offset % _SECTOR)
        await at.port.write(head, piece)
        head = b""
        offset += len(piece)
        length -= len(piece)
