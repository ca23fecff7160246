"""What the benchmarks find: figures beside their baselines, as lines to read and as ``build/bench.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One figure. ``baseline`` is what the plainest code reached in the same run, ``ratio`` the value by it; ``met``
    is None without a ``target``."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    target: float | None = None
    met: bool | None = None

    def line(self) -> str:
        """The figure for people."""
        text = f"{self.name:<58}{self.value:>9g} {self.unit:<8}"
        text += f" baseline {self.baseline:<8g}" if self.baseline is not None else " " * 18
        text += f" ratio {self.ratio:<6g}" if self.ratio is not None else " " * 13
        if self.target is None:
            return text.rstrip()
        return f"{text} target {self.target:<6g} {'met' if self.met else 'MISSED'}"


def faster(name: str, value: float, unit: str, baseline: float, target: float | None = None) -> Figure:
    """A throughput, whose ratio to the baseline must be at least ``target``."""
    ratio = round(value / baseline, 3)
    return Figure(name, round(value, 1), unit, round(baseline, 1), ratio, target, _met(target, ratio, at_least=True))


def slower(name: str, value: float, unit: str, baseline: float, target: float | None = None) -> Figure:
    """A time, whose ratio to the baseline must be at most ``target``."""
    ratio = round(value / baseline, 3)
    return Figure(name, round(value, 3), unit, round(baseline, 3), ratio, target, _met(target, ratio))


def above(name: str, value: float, unit: str, baseline: float, target: float) -> Figure:
    """An amount; what it has more than the baseline, which is the figure, must be at most ``target``."""
    more = round(value - baseline, 1)
    return Figure(name, more, unit, round(baseline, 1), None, target, _met(target, more))


def amount(name: str, value: float, unit: str, target: float | None = None) -> Figure:
    """An amount that must be at most ``target``."""
    return Figure(name, round(value, 3), unit, target=target, met=_met(target, value))


def passes(name: str, passed: bool) -> Figure:
    """Something that works, or does not."""
    return Figure(name, int(passed), "passes", target=1, met=passed)


def _met(target: float | None, value: float, *, at_least: bool = False) -> bool | None:
    if target is None:
        return None
    return value >= target if at_least else value <= target


def write(figures: Sequence[Figure], path: Path) -> None:
    """Write all figures as JSON."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n", encoding="utf-8")
