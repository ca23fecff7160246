"""Modules come from the package in the slot, and go when they have done their work: bytecode from a filesystem lies in
RAM.
"""

import gc
import sys

import firmware

_kept = []


def keep(*names):
    """From now on ``unload`` leaves these modules alone; none, if no names are given."""
    _kept[:] = names


def unload(*names):
    """Forget modules of the package; a later import loads them again."""
    for name in names:
        if name and name not in _kept:
            sys.modules.pop("firmware." + name, None)
            if hasattr(firmware, name):
                delattr(firmware, name)
    gc.collect()
