"""``sys`` of the ESP32 port. What changes while a program runs (path, modules, streams) is the interpreter's own."""

import sys as _host
from collections import namedtuple

import _board

_Implementation = namedtuple("", ("name", "version", "_machine", "_mpy", "_build"))
_MPY_VERSION = 6 | 3 << 8 | _board.model[3] << 10  # bytecode version 6.3 and the architecture

platform = "esp32"
implementation = _Implementation(
    "micropython", _board.version + (0, ""), _board.model[0], _MPY_VERSION, "ESP32_GENERIC-OTA"
)
version = "3.4.0; MicroPython " + _board.build()
version_info = (3, 4, 0)
maxsize = 0x7FFFFFFF
byteorder = "little"

path, modules, argv = _host.path, _host.modules, _host.argv
stdin, stdout, stderr = _host.stdin, _host.stdout, _host.stderr
exit, print_exception = _host.exit, _host.print_exception
