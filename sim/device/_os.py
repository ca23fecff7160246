"""``os`` of the ESP32 port: the filesystem and the board's name; nothing of the host."""

from collections import namedtuple

import _board
from uos import (
    VfsFat,
    VfsLfs2,
    chdir,
    getcwd,
    ilistdir,
    listdir,
    mkdir,
    mount,
    remove,
    rename,
    rmdir,
    stat,
    statvfs,
    umount,
    unlink,
    urandom,
)

_Uname = namedtuple("", ("sysname", "nodename", "release", "version", "machine"))


def uname():
    build = _board.build()
    return _Uname("esp32", "esp32", build.split()[0][1:], build, _board.model[0])


def sync():
    """Files are written through."""


def dupterm(stream, index=0):
    """The simulated board's REPL stays on its console; nothing was there before."""


def dupterm_notify(_):
    """Nothing is attached that could have input."""
