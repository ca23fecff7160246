"""Memory back from modules that have done their work: bytecode from a filesystem lies in RAM."""

import gc
import sys

import firmware


def unload(*names):
    """Forget modules of the package; a later import loads them again."""
    for name in names:
        sys.modules.pop("firmware." + name, None)
        if hasattr(firmware, name):
            delattr(firmware, name)
    gc.collect()
