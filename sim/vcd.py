"""Value change dumps (IEEE 1364, section 18) of pins and UART lines, for GTKWave, PulseView and the like.

A signal is a list of ``(seconds, value)``; the value None is drawn as z. Times are written in nanoseconds.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

IDENTIFIERS = string.ascii_letters + string.digits + "!#%&()*+,-./:;<=>?@"
NANOSECONDS = 1_000_000_000
MOST_TRACED = 4_000_000

Change = tuple[float, int | None]


@dataclass
class Signal:
    """One wire or, with ``width`` above 1, one number; ``changes`` in order of time."""

    name: str
    changes: Sequence[Change]
    width: int = 1


@dataclass
class Frames:
    """Bytes that followed each other on a line without a gap; times in seconds, ``bit`` is 0 for at once."""

    start: float
    data: bytes
    bit: float
    bits: int = 8
    parity: int | None = None
    stop: int = 1


@dataclass
class LineTrace:
    """What went over one direction of a UART; the oldest is forgotten when it gets too much."""

    frames: list[Frames] = field(default_factory=list)
    size: int = 0

    def add(self, frames: Frames) -> None:
        self.frames.append(frames)
        self.size += len(frames.data) + 64
        if self.size > MOST_TRACED:
            half = len(self.frames) // 2
            self.size -= sum(len(old.data) + 64 for old in self.frames[:half])
            del self.frames[:half]

    @property
    def data(self) -> bytes:
        """All bytes, in order."""
        return b"".join(frames.data for frames in self.frames)

    def levels(self) -> list[Change]:
        """The line bit by bit; bytes that took no time are not drawn."""
        changes: list[Change] = [(0.0, 1)]
        for frames in self.frames:
            if frames.bit:
                changes.extend(_bits(frames))
        return changes

    def values(self) -> list[Change]:
        """The bytes as numbers, z while the line is idle; bytes that took no time follow a microsecond apart."""
        changes: list[Change] = [(0.0, None)]
        for frames in self.frames:
            period = frames.bit * frame_bits(frames.bits, frames.parity, frames.stop) or 1e-6
            start = max(frames.start, changes[-1][0])
            changes.extend((start + index * period, byte) for index, byte in enumerate(frames.data))
            changes.append((start + len(frames.data) * period, None))
        return changes


def frame_bits(bits: int, parity: int | None, stop: int) -> int:
    """How many bit times one character takes."""
    return 1 + bits + (parity is not None) + stop


def _bits(frames: Frames) -> Iterator[Change]:
    """Start bit, data from the lowest bit on, parity, stop bits."""
    length = frame_bits(frames.bits, frames.parity, frames.stop)
    for index, byte in enumerate(frames.data):
        levels = [0] + [byte >> bit & 1 for bit in range(frames.bits)]
        if frames.parity is not None:
            levels.append(sum(levels) + frames.parity & 1)
        levels.append(1)
        for position, level in enumerate(levels):
            yield frames.start + (index * length + position) * frames.bit, level


def _value(value: int | None, width: int, identifier: str) -> str:
    if width == 1:
        return f"{'z' if value is None else value}{identifier}"
    return f"b{'z' if value is None else format(value, 'b')} {identifier}"


def write(path: Path, signals: Sequence[Signal], *, module: str = "esp32") -> None:
    """Write ``signals`` to ``path``; 1,000 of them at most."""
    head = ["$timescale 1 ns $end", f"$scope module {module} $end"]
    changes: list[tuple[int, int, str]] = []
    for order, signal in enumerate(signals):
        high, low = divmod(order, len(IDENTIFIERS))
        identifier = (IDENTIFIERS[high - 1] if high else "") + IDENTIFIERS[low]
        head.append(f"$var wire {signal.width} {identifier} {signal.name} $end")
        last: tuple[int | None] | None = None
        for seconds, value in signal.changes:
            if last == (value,):
                continue
            last = (value,)
            changes.append((round(seconds * NANOSECONDS), len(changes), _value(value, signal.width, identifier)))
    head += ["$upscope $end", "$enddefinitions $end"]
    changes.sort()
    with path.open("w", encoding="ascii") as file:
        file.write("\n".join(head) + "\n")
        now = -1
        for when, _, text in changes:
            if when != now:
                file.write(f"#{when}\n")
                now = when
            file.write(text + "\n")
