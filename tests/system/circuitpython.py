"""What a CircuitPython driver needs of its hardware: ``digitalio`` for a host without pins, ``busio`` over pyserial."""

from __future__ import annotations

import sys
import types
from enum import Enum

import serial


class Direction(Enum):
    """Of a pin."""

    INPUT = 0
    OUTPUT = 1


class DigitalInOut:
    """A pin that leads nowhere."""

    direction = Direction.INPUT
    value = False


def install() -> None:
    """Make ``import digitalio`` and ``import busio`` work."""
    contents = {
        "digitalio": {"Direction": Direction, "DigitalInOut": DigitalInOut},
        # What the driver calls of a UART, a pyserial port has too.
        "busio": {"UART": serial.Serial},
    }
    for name, content in contents.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        sys.modules[name] = module
