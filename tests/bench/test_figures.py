"""What counts as a target met, and what the benchmarks' file holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import figures
from bench.figures import Figure


@pytest.mark.parametrize(("speed", "met"), [(90.0, True), (89.0, False)])
def test_a_throughput_reaches_its_part_of_the_baseline(speed: float, met: bool) -> None:
    assert figures.faster("read", speed, "KB/s", 100.0, 0.9) == Figure(
        "read", speed, "KB/s", 100.0, speed / 100, 0.9, met
    )


@pytest.mark.parametrize(("milliseconds", "met"), [(3.0, True), (3.1, False)])
def test_a_time_stays_below_its_multiple_of_the_baseline(milliseconds: float, met: bool) -> None:
    assert figures.slower("AT", milliseconds, "ms", 2.0, 1.5) == Figure(
        "AT", milliseconds, "ms", 2.0, milliseconds / 2, 1.5, met
    )


@pytest.mark.parametrize(("value", "met"), [(500, True), (501, False)])
def test_an_amount_is_counted_above_the_baseline(value: int, met: bool) -> None:
    assert figures.above("heap", value, "bytes", 300, 200) == Figure("heap", value - 300, "bytes", 300, None, 200, met)


@pytest.mark.parametrize(("value", "met"), [(36864, True), (36865, False)])
def test_an_amount_alone(value: int, met: bool) -> None:
    assert figures.amount("RAM", value, "bytes", 36864) == Figure("RAM", value, "bytes", None, None, 36864, met)


def test_without_a_target_nothing_is_met_or_missed() -> None:
    figure = figures.faster("read", 50.0, "KB/s", 100.0)
    assert (figure.target, figure.met) == (None, None)
    assert "MISSED" not in figure.line()


def test_a_missed_target_shows_in_the_line() -> None:
    assert figures.passes("all commands", False).line().endswith("target 1      MISSED")
    assert figures.passes("all commands", True).line().endswith("target 1      met")


def test_the_file(tmp_path: Path) -> None:
    figures.write([figures.amount("start", 0.5, "s")], tmp_path / "build" / "bench.json")
    assert json.loads((tmp_path / "build" / "bench.json").read_text()) == [
        {"name": "start", "value": 0.5, "unit": "s", "baseline": None, "ratio": None, "target": None, "met": None}
    ]
