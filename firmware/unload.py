"""Modules come from the package in the slot, and go when they have done their work: bytecode from a filesystem lies in
RAM.
"""

import gc
import sys

from micropython import const

import firmware

# Of the 56,000 bytes of the heap's first area.
_ROOMY = const(40_000)

_kept = []


def keep(*names):
    """From now on ``unload`` leaves these modules alone; none, if no names are given."""
    _kept[:] = names


def read_ahead(on):
    """Begin or end to keep what is read of the package (``boot.py``): 7 KB, which make loading quicker. Off where that
    would make Python's heap grow.
    """
    device = sys.modules.get("slot_device")
    if device:
        try:
            device.read_ahead(on and gc.mem_alloc() < _ROOMY)
        except MemoryError:
            device.read_ahead(False)


def unload(*names):
    """Forget modules of the package; a later import loads them again."""
    for name in names:
        if name and name not in _kept:
            sys.modules.pop("firmware." + name, None)
            if hasattr(firmware, name):
                delattr(firmware, name)
    gc.collect()
