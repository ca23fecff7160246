"""``esp32.Partition`` over the simulated flash. Reading and writing blocks allocates nothing.

To read into is a ``bytearray`` or a memoryview of bytes, to write from also anything else with the buffer protocol.
"""

import _board
from micropython import const

_ERASE = const(40)
_WRITE = const(41)
_REPLACE = const(42)
_REPLACE_IN_SECTORS = const(43)
_READ = const(44)
_SECTOR = const(4096)
_EINVAL = const(22)
_WRITABLE = (bytearray, memoryview)


def _check(answer):
    if answer < 0:
        _board.call("esp_error", answer)


def _is_writable(buffer):
    """Whether it can be read into: not so a memoryview of bytes."""
    try:
        if buffer:
            buffer[0] = 0
    except TypeError:
        return False
    return True


def _make(info, block_size):
    partition = object.__new__(Partition)
    partition._info = info
    partition._block_size = block_size
    return partition


class Partition:
    BOOT = 0
    RUNNING = 1
    TYPE_APP = 0
    TYPE_DATA = 1

    def __init__(self, which, block_size=_SECTOR):
        self._info = _board.call("partition.get", which if type(which) is int else which + "")
        self._block_size = block_size

    def __repr__(self):
        return "<Partition type=%d, subtype=%d, address=%d, size=%d, label=%s, encrypted=%d>" % tuple(self._info[1:])

    @staticmethod
    def find(type=0, subtype=0xFF, label=None, block_size=_SECTOR):
        return [_make(info, block_size) for info in _board.call("partition.find", type, subtype, label and label + "")]

    def info(self):
        return tuple(self._info[1:])

    def readblocks(self, block, buffer, offset=0):
        if type(buffer) not in _WRITABLE:
            raise TypeError("object with buffer protocol required")
        offset += block * self._block_size
        inside = 0 <= offset <= self._info[4] - len(buffer)
        if not (inside and _is_writable(buffer) and _board.read_flash(self._info[3] + offset, buffer)):
            # The errors come from there.
            _check(_board.pull(_READ, self._info[0], offset, buffer))

    def writeblocks(self, block, data, offset=None):
        start = block * self._block_size
        code = _WRITE
        if offset is not None:
            start += offset
        elif self._block_size >= _SECTOR:
            code = _REPLACE
        else:
            code = _REPLACE_IN_SECTORS
        _check(_board.push(code, self._info[0], start, _board.readable(data)))

    def ioctl(self, command, argument):
        if 1 <= command <= 3:
            return 0
        if command == 4:
            return self._info[4] // self._block_size
        if command == 5:
            return self._block_size
        if command == 6:
            if self._block_size != _SECTOR:
                return -_EINVAL
            _check(_board.op(_ERASE, self._info[0], argument))
            return 0

    def set_boot(self):
        _board.call("partition.set_boot", self._info[0])

    def get_next_update(self):
        return _make(_board.call("partition.next_update", self._info[0]), _SECTOR)

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        _board.call("partition.mark_valid")
