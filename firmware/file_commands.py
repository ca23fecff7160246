"""AT+FS and AT+FSMOUNT: the host's files (ESP-AT user guide, "FileSystem AT Commands"). Loaded when called.

They lie in one folder of the partition ``user``, without folders of their own; nothing else can be reached.
"""

import hashlib
import os
from binascii import hexlify

from micropython import const

from firmware.at_error import NOT_THERE, PAST_END, VALUE, AtError
from firmware.command import command, integer, string

_FOLDER = "/user/fs"
_LITTLEFS = const(1)
_DELETE = const(0)
_WRITE = const(1)
_READ = const(2)
_SIZE = const(3)
_LIST = const(4)
_DIGEST = const(5)
_SPACE = const(6)
_MOST = const(4096)
_PIECE = const(1024)


def commands(_):
    """The family's command table."""
    parameters = (
        integer(0, 1),
        integer(0, 6),
        string(1, 64, optional=True),
        integer(0, optional=True),
        integer(1, optional=True),
    )
    return (
        command(b"+FS", parameters, set=_operate),
        command(b"+FSMOUNT", (integer(0, 1),), set=lambda at, on: _make_folder()),
    )


def _make_folder():
    """The folder; AtError if the partition is not mounted. It stays mounted: own commands are there, too."""
    try:
        os.stat(_FOLDER)
    except OSError:
        try:
            os.statvfs("/user")
            os.mkdir(_FOLDER)
        except OSError:
            raise AtError(NOT_THERE)


async def _operate(at, kind, operation, name, offset, length):
    """AT+FS=<type>,<operation>[,<"name">,<offset>,<length>]"""
    if kind != _LITTLEFS:
        raise AtError(VALUE)
    _make_folder()
    if operation == _SPACE:
        block, _, blocks, free, *_ = os.statvfs("/user")
        at.info(b"+FS:%d,%d" % (free * block, blocks * block))
        return
    if operation == _LIST:
        at.info("+FS:" + "".join(entry + " " for entry in sorted(os.listdir(_FOLDER))))
        return
    path = _path(name)
    if operation == _WRITE:
        await _write(at, path, offset, length)
        return
    try:
        size = os.stat(path)[6]
    except OSError:
        raise AtError(NOT_THERE)
    if operation == _DELETE:
        os.remove(path)
    elif operation == _SIZE:
        at.info(b"+FS:%d" % size)
    elif operation == _READ:
        await _read(at, path, size, offset, length)
    else:
        await _digest(at, path)


def _path(name):
    if name is None or b"/" in name or name in (b".", b".."):
        raise AtError(VALUE | 2)
    try:
        return _FOLDER + "/" + name.decode()
    except UnicodeError:
        raise AtError(VALUE | 2)


async def _write(at, path, offset, length):
    """At most 4096 bytes at a place up to the file's end; a block of memory holds them."""
    if offset is None:
        raise AtError(VALUE | 3)
    if length is None or length > _MOST:
        raise AtError(VALUE | 4)
    try:
        size = os.stat(path)[6]
    except OSError:
        size = 0
    if offset > size:
        raise AtError(PAST_END)
    data = bytearray(length)
    await at.data(memoryview(data))
    with open(path, "r+b" if size else "wb") as file:
        file.seek(offset)
        file.write(data)


async def _read(at, path, size, offset, length):
    if offset is None:
        raise AtError(VALUE | 3)
    if length is None:
        raise AtError(VALUE | 4)
    if offset > size:
        raise AtError(PAST_END)
    left = min(length, size - offset)
    at.port.answering = True
    head = b"+FS:%d," % left
    buffer = memoryview(bytearray(min(left, _PIECE)))
    with open(path, "rb") as file:
        file.seek(offset)
        while left:
            piece = buffer[: file.readinto(buffer[: min(left, _PIECE)])]
            await at.port.write(head, piece)
            head = b""
            left -= len(piece)
    if head:
        at.port.put(head)


async def _digest(at, path):
    digest = hashlib.md5()
    buffer = memoryview(bytearray(_PIECE))
    with open(path, "rb") as file:
        while True:
            count = file.readinto(buffer)
            if not count:
                break
            digest.update(buffer[:count])
    at.info(b"+FS:" + hexlify(digest.digest()))
