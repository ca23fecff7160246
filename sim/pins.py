"""The pads of the simulated chip: modes, levels, pulls, hold, and a trace with times.

A held pad keeps its level whatever happens behind it, also over a restart of the chip, until it is let go; only
switching off (and EN, which does the same) ends it otherwise. Everything else becomes a floating input at a restart.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sim import vcd
from sim.models import DEFAULT, MODELS, Model
from sim.rpc import Server

PIN_GET = 20
PIN_SET = 21
PIN_TOGGLE = 22
PIN_MODE = 23
PIN_PULL = 24
PIN_HOLD = 25

# Those of an ESP32 that work while everything else sleeps.
RTC_PINS = (0, 2, 4, *range(12, 16), *range(25, 28), *range(32, 40))

INPUT, OUTPUT, OPEN_DRAIN = "input", "output", "open-drain"
OUTPUT_BIT, OPEN_DRAIN_BIT = 2, 4
PULL_DOWN_BIT, PULL_UP_BIT = 1, 2


@dataclass
class Pad:
    """One pad: what the program has set, and what can be measured."""

    number: int
    input_only: bool = False
    mode: str = INPUT
    latch: int = 0
    pull: int = 0
    hold: bool = False
    outside: int | None = None
    level: int | None = None
    trace: list[vcd.Change] = field(default_factory=list)
    joined: list[Pad] = field(default_factory=list)

    def drives(self) -> bool:
        """Does the pad itself drive a level?"""
        return self.mode == OUTPUT or (self.mode == OPEN_DRAIN and not self.latch)

    def driven(self) -> int | None:
        """The level that mode, pull and the outside make, None for a floating pad."""
        if self.drives():
            return self.latch
        for pad in self.joined:
            if pad.drives():
                return pad.level
        if self.outside is not None:
            return self.outside
        if self.pull and not self.input_only:
            return int(bool(self.pull & PULL_UP_BIT))
        return None


class Pins:
    """All pads of a board, those of ``model``. Numbers are GPIO numbers; times are seconds since ``clock`` began."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, model: Model = MODELS[DEFAULT]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        # Called when the outside has put a level on a pad.
        self.on_drive: Callable[[], None] = lambda: None
        self._pads = {
            number: Pad(number, number >= model.first_input_only, trace=[(0.0, None)]) for number in model.pins
        }

    def level(self, number: int) -> int | None:
        """0 or 1, or None for a pad that nobody drives."""
        return self._pads[number].level

    def mode(self, number: int) -> str:
        """``input``, ``output`` or ``open-drain``."""
        return self._pads[number].mode

    def pull(self, number: int) -> str | None:
        """``up``, ``down`` or None."""
        pull = self._pads[number].pull
        return "up" if pull & PULL_UP_BIT else "down" if pull else None

    def hold(self, number: int) -> bool:
        return self._pads[number].hold

    def trace(self, number: int) -> list[vcd.Change]:
        """All levels so far as ``(seconds, level)``, each from its time on."""
        with self._lock:
            return list(self._pads[number].trace)

    def drive(self, number: int, level: int | None) -> None:
        """Put a level on a pad from outside; None lets go."""
        with self._lock:
            self._pads[number].outside = level
            self._update(self._pads[number])
        self.on_drive()

    def join(self, one: int, other: int) -> None:
        """Put a wire between two pads."""
        with self._lock:
            self._pads[one].joined.append(self._pads[other])
            self._pads[other].joined.append(self._pads[one])
            self._update(self._pads[one])

    def part(self, one: int, other: int) -> None:
        """Take the wire between two pads away."""
        with self._lock:
            self._pads[one].joined.remove(self._pads[other])
            self._pads[other].joined.remove(self._pads[one])
            self._update(self._pads[one])
            self._update(self._pads[other])

    def used(self) -> list[int]:
        """The pins that had a level at some time."""
        return [number for number, pad in self._pads.items() if len(pad.trace) > 1]

    def signals(self) -> list[vcd.Signal]:
        return [vcd.Signal(f"GPIO{number}", self.trace(number)) for number in self.used()]

    def write_vcd(self, path: Path) -> None:
        """Write the traces of the pins that were used."""
        vcd.write(path, self.signals())

    def restart(self, *, power_lost: bool) -> None:
        """The chip restarts: everything that is not held becomes an input."""
        with self._lock:
            for pad in self._pads.values():
                pad.mode, pad.latch, pad.pull = INPUT, 0, 0
                pad.hold = pad.hold and not power_lost
                self._update(pad)

    def sleep(self, *, hold_digital: bool) -> None:
        """Deep sleep: a pad of the RTC domain that is held keeps its level, any other only with
        ``esp32.gpio_deep_sleep_hold``, and then held or not.
        """
        with self._lock:
            for pad in self._pads.values():
                pad.mode, pad.latch, pad.pull = INPUT, 0, 0
                if pad.number in RTC_PINS:
                    self._update(pad)
                elif not hold_digital:
                    pad.hold = False
                    self._update(pad)

    def register(self, server: Server) -> None:
        server.ops |= {
            PIN_GET: lambda a, b: self._pads[a].level or 0,
            PIN_SET: self._set,
            PIN_TOGGLE: lambda a, b: self._set(a, 1 - self._pads[a].latch),
            PIN_MODE: self._set_mode,
            PIN_PULL: self._set_pull,
            PIN_HOLD: self._set_hold,
        }

    def _update(self, pad: Pad) -> None:
        if pad.hold:
            return
        for each in (pad, *pad.joined):
            level = each.level if each.hold else each.driven()
            if level != each.level:
                each.level = level
                each.trace.append((self._clock(), level))

    def _set(self, number: int, level: int) -> int:
        with self._lock:
            self._pads[number].latch = level
            self._update(self._pads[number])
        return 0

    def _set_mode(self, number: int, mode: int) -> int:
        with self._lock:
            pad = self._pads[number]
            pad.mode = INPUT if not mode & OUTPUT_BIT else OPEN_DRAIN if mode & OPEN_DRAIN_BIT else OUTPUT
            self._update(pad)
        return 0

    def _set_pull(self, number: int, pull: int) -> int:
        with self._lock:
            self._pads[number].pull = pull
            self._update(self._pads[number])
        return 0

    def _set_hold(self, number: int, hold: int) -> int:
        with self._lock:
            self._pads[number].hold = bool(hold)
            self._update(self._pads[number])
        return 0
