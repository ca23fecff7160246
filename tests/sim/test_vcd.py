"""Value change dumps, read back."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from sim import vcd
from tests.sim.ports import running, wait_for_line


def read(path: Path) -> dict[str, list[tuple[int, str]]]:
    """The changes of each signal by name: (nanoseconds, value)."""
    names: dict[str, str] = {}
    changes: dict[str, list[tuple[int, str]]] = {}
    now = -1
    for line in path.read_text(encoding="ascii").splitlines():
        words = line.split()
        if words[0] == "$var":
            names[words[3]] = words[4]
            changes[words[4]] = []
        elif line.startswith("#"):
            assert int(line[1:]) > now
            now = int(line[1:])
        elif line.startswith("b"):
            changes[names[words[1]]].append((now, words[0][1:]))
        elif not line.startswith("$"):
            changes[names[line[1:]]].append((now, line[0]))
    return changes


def test_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.vcd"
    signals = [
        vcd.Signal("GPIO18", [(0.0, None), (1e-6, 1), (2e-6, 1), (3e-6, 0)]),
        vcd.Signal("byte", [(0.0, None), (1e-6, 65)], 8),
    ]
    vcd.write(path, signals)
    assert path.read_text(encoding="ascii").splitlines() == [
        "$timescale 1 ns $end",
        "$scope module esp32 $end",
        "$var wire 1 a GPIO18 $end",
        "$var wire 8 b byte $end",
        "$upscope $end",
        "$enddefinitions $end",
        "#0",
        "za",
        "bz b",
        "#1000",
        "1a",
        "b1000001 b",
        "#3000",
        "0a",
    ]


def test_more_signals_than_letters(tmp_path: Path) -> None:
    path = tmp_path / "x.vcd"
    vcd.write(path, [vcd.Signal(f"s{number}", [(0.0, number & 1)]) for number in range(300)])
    assert read(path) == {f"s{number}": [(0, str(number & 1))] for number in range(300)}


@pytest.mark.parametrize(
    ("parity", "stop", "levels"),
    [
        (None, 1, "1" + "0" + "10000010" + "1"),
        (0, 1, "1" + "0" + "10000010" + "0" + "1"),
        (1, 2, "1" + "0" + "10000010" + "1" + "1"),
    ],
)
def test_a_byte_bit_by_bit(parity: int | None, stop: int, levels: str) -> None:
    """0x41, lowest bit first, behind a start bit."""
    trace = vcd.LineTrace()
    trace.add(vcd.Frames(1.0, b"A", 0.5, 8, parity, stop))
    changes = trace.levels()
    assert "".join(str(level) for _, level in changes) == levels
    assert [when for when, _ in changes[1:]] == [1.0 + index * 0.5 for index in range(len(levels) - 1)]


def test_bytes_that_took_no_time_show_as_numbers_only() -> None:
    trace = vcd.LineTrace()
    trace.add(vcd.Frames(1.0, b"AB", 0.0))
    assert trace.levels() == [(0.0, 1)]
    assert trace.values() == [(0.0, None), (1.0, 65), (1.000001, 66), (1.000002, None)]


def test_a_long_trace_forgets_its_beginning() -> None:
    trace = vcd.LineTrace()
    for number in range(10):
        trace.add(vcd.Frames(float(number), bytes([number]) * 500_000, 0.0))
    assert trace.frames[0].data[0] > 0
    assert trace.frames[-1].data[0] == 9
    assert trace.size <= vcd.MOST_TRACED


def test_what_a_board_did(tmp_path: Path) -> None:
    text = """
from machine import Pin
uart = UART(1, 9600)
Pin(18, Pin.OUT, value=0)
Pin(18).value(1)
uart.write(b"A")
uart.flush()
print("done")
time.sleep(60)
"""
    with running(tmp_path, text, timed=True) as (board, host):
        wait_for_line(board, "done")
        assert host.read(1) == b"A"
        board.write_vcd(tmp_path / "x.vcd")
    changes = read(tmp_path / "x.vcd")
    assert [value for _, value in changes["GPIO18"]] == ["z", "0", "1"]
    line = changes["UART1_TX"]
    assert [value for _, value in line] == ["1", "0", "1", "0", "1", "0", "1"]
    bits = [round((after - before) * 9600 / 1e9) for (before, _), (after, _) in pairwise(line[1:])]
    assert bits == [1, 1, 5, 1, 1]
    assert [value for _, value in changes["UART1_TX_byte"]] == ["z", "1000001", "z"]
