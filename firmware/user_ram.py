"""AT+USERRAM: one block of the module's RAM that belongs to the host (SPEC, section 2).

Costs the block itself while there is one.
"""

import gc

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


class UserRam:
    """The block. ``may_take(size)`` tells whether the module can spare that many bytes."""

    def __init__(self, may_take):
        self._may_take = may_take
        self._block = None
        self._full_head = b"+USERRAM:%d," % PIECE

    def commands(self):
        """The family's command table."""
        parameters = (integer(0, 4), integer(1, optional=True), integer(0, optional=True))
        return (command("+USERRAM", parameters, set=self._set, query=self._query, ordered=True),)

    def _query(self, at):
        at.info(b"+USERRAM:%d" % (len(self._block) if self._block else 0))

    def _set(self, at, arguments):
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
        if self._block is None:
            raise AtError(NOT_THERE)
        if size is not None and offset + size > len(self._block):
            raise AtError(PAST_END)
        if operation == _RELEASE:
            self._block = None
            gc.collect()
        elif operation == _CLEAR:
            self._clear(offset, len(self._block) if size is None else size)
        else:
            piece = memoryview(self._block)[offset : offset + size]
            return self._write(at, piece) if operation == _WRITE else self._read(at, piece)

    def _allocate(self, size):
        if self._block is not None:
            raise AtError(ALREADY_THERE)
        if not self._may_take(size):
            raise AtError(NO_MEMORY)
        self._block = bytearray(size)

    def _clear(self, offset, size):
        view = memoryview(self._block)[offset : offset + size]
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
