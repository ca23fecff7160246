"""AT+USERRAM: one block of the module's RAM that belongs to the host (SPEC, section 2).

Costs the block itself while there is one.
"""

import gc

import esp32
from micropython import const

from firmware.at_error import ALREADY_THERE, NO_MEMORY, NOT_THERE, PARSE, PAST_END, AtError
from firmware.at_port import PIECE
from firmware.command import command, integer

_RELEASE = const(0)
_ALLOCATE = const(1)
_WRITE = const(2)
_READ = const(3)
_CLEAR = const(4)
# Least and most parameters of each operation, itself included.
_COUNTS = ((1, 1), (2, 2), (2, 3), (2, 3), (1, 3))
_ZEROS = bytes(64)


def commands(system):
    """The family's command table."""
    family = UserRam(system)
    parameters = (integer(0, 4), integer(1, optional=True), integer(0, optional=True))
    return (command(b"+USERRAM", parameters, set=family.set, query=family.query, ordered=True),)


class UserRam:
    """The handlers; the block is in ``system`` (``firmware.system.System``)."""

    def __init__(self, system):
        self._system = system
        self._full_head = b"+USERRAM:%d," % PIECE

    def query(self, at):
        """AT+USERRAM?"""
        block = self._system.user_block
        at.info(b"+USERRAM:%d" % (len(block) if block else 0))

    def set(self, at, arguments):
        """AT+USERRAM=<operation>[,<size>[,<offset>]]"""
        operation = arguments.get(0)
        least, most = _COUNTS[operation]
        if not least <= len(arguments) <= most:
            raise arguments.wrong_count(least if len(arguments) < least else most)
        size = arguments.get(1) if len(arguments) > 1 else None
        if size is None and len(arguments) > 1:
            raise AtError(PARSE | 1)
        offset = (arguments.get(2) if len(arguments) > 2 else None) or 0
        if operation == _ALLOCATE:
            return self._allocate(size)
        if self._system.user_block is None:
            raise AtError(NOT_THERE)
        if size is not None and offset + size > len(self._system.user_block):
            raise AtError(PAST_END)
        if operation == _RELEASE:
            self._system.user_block = None
            gc.collect()
        elif operation == _CLEAR:
            self._clear(offset, len(self._system.user_block) if size is None else size)
        else:
            piece = memoryview(self._system.user_block)[offset : offset + size]
            return self._write(at, piece) if operation == _WRITE else self._read(at, piece)

    def _allocate(self, size):
        if self._system.user_block is not None:
            raise AtError(ALREADY_THERE)
        self._system.user_block = _take(self._system.config, size)

    def _clear(self, offset, size):
        view = memoryview(self._system.user_block)[offset : offset + size]
        done = min(size, len(_ZEROS))
        view[:done] = _ZEROS[:done]
        while done < size:
            count = min(done, size - done)
            view[done : done + count] = view[:count]
            done += count

    async def _write(self, at, piece):
        await at.data(piece)
        return b"\r\nWRITE OK\r\n"

    async def _read(self, at, piece):
        at.port.answering = True
        for begin in range(0, len(piece), PIECE):
            part = piece[begin : begin + PIECE]
            head = self._full_head if len(part) == PIECE else b"+USERRAM:%d," % len(part)
            if not at.port.try_write(head, part):
                await at.port.write(head, part)


def _take(config, size):
    """A block of ``size`` bytes that leaves the reserve; AtError if there is none.

    What does not fit into the heap's first area makes the port add an area at least as large, taken from what TCP and
    TLS live on. Whether it fits into the areas there are is known only afterwards, so a small block is tried.
    """
    gc.collect()
    area = config.heap_area
    fits = gc.mem_alloc() + size < area - area // 16 or _largest() - max(size, area) >= config.reserve
    if not fits and size > config.reserve:
        raise AtError(NO_MEMORY)
    block = bytearray(size)
    if not fits and _largest() < config.reserve:
        block = None
        gc.collect()
        raise AtError(NO_MEMORY)
    return block


def _largest():
    """The largest piece of memory that ESP-IDF has left."""
    return max(region[2] for region in esp32.idf_heap_info(esp32.HEAP_DATA))
