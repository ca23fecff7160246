"""Makes the modules of the Unix interpreter look like those of the ESP32 port, where they differ.

``install`` is called once by ``_start.py``, when the board is connected and before anything imports asyncio. Modules
are replaced through sys.modules, so every later ``import`` gets these.
"""

import sys

import _board

# Modules that the port has and that no firmware here uses: they can be imported, and hold nothing.
_STAND_INS = (
    "_boot apa106 bluetooth btree dht ds18x20 esp espnow flashbdev inisetup neopixel onewire ssl "
    "umqtt umqtt.robust umqtt.simple upysh urequests webrepl"
)


class module:
    """An empty module."""

    def __init__(self, name):
        self.__name__ = name

    def __repr__(self):
        return "<module '%s'>" % self.__name__


def install():
    """Replace what differs and add what is missing."""
    if _board.timed:
        import _select

        sys.modules["select"] = _select
    if sys.maxsize > 0x7FFFFFFF:
        # The 64-bit interpreter's asyncio must keep the clock that its compiled half uses.
        import asyncio.core
    import socket

    import _errno
    import _lwip_socket
    import _micropython
    import _os
    import _sys
    import _time
    import network

    modules = sys.modules
    for name, replacement in (
        ("errno", _errno),
        ("micropython", _micropython),
        ("os", _os),
        ("socket", socket),
        ("sys", _sys),
        ("time", _time),
    ):
        replacement.__name__ = name
        modules[name] = modules["u" + name] = replacement
    # Frozen into the port: it must be there when the simulator's folder is gone.
    import ntptime

    for hidden in ("_errno", "_micropython", "_os", "_sys", "_lwip_socket"):
        modules.pop(hidden, None)
    for name in _STAND_INS.split():
        if name not in modules:
            modules[name] = module(name)
            package, _, part = name.rpartition(".")
            if package:
                setattr(modules[package], part, modules[name])
