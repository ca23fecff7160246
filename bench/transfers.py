"""Throughput of AT+USERRAM's data in both directions, against a bare loop that carries on the same dialogue.

Both boards run side by side and are measured in turn; the times include the command line and the final result.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import boards, figures
from bench.figures import Figure
from tests.system.host import OK, PROMPT, WRITE_OK, Host

BLOCK = 64 * 1024
PIECE = 1024
PATIENCE = 30.0

Transfer = Callable[[Host, bytes], float]


def write(host: Host, data: bytes) -> float:
    """Seconds that AT+USERRAM takes to write ``data`` to the block."""
    begin = time.perf_counter()
    host.send(b"AT+USERRAM=2,%d" % len(data))
    host.expect(PROMPT)
    host.write(data)
    host.expect(WRITE_OK, PATIENCE)
    return time.perf_counter() - begin


def read(host: Host, data: bytes) -> float:
    """Seconds that AT+USERRAM takes to read the block, which must hold ``data``."""
    pieces = (data[begin : begin + PIECE] for begin in range(0, len(data), PIECE))
    answer = b"".join(b"+USERRAM:%d," % len(piece) + piece for piece in pieces)
    begin = time.perf_counter()
    host.send(b"AT+USERRAM=3,%d" % len(data))
    host.expect(answer + OK, PATIENCE)
    return time.perf_counter() - begin


def measure(folder: Path) -> Iterator[Figure]:
    """The fast mode shows what the code costs, with a wire that takes no time: for information."""
    yield from _measure(folder / "slow", 115200, 8192, timed=True, rounds=3, target=0.9)
    yield from _measure(folder / "quick", 921600, BLOCK, timed=True, rounds=3, target=0.9)
    yield from _measure(folder / "fast", 921600, BLOCK, timed=False, rounds=20)


def _measure(
    folder: Path, baudrate: int, size: int, *, timed: bool, rounds: int, target: float | None = None
) -> Iterator[Figure]:
    data = os.urandom(size)
    settings = {"baudrate": baudrate, "size": size, "line": len(b"AT+USERRAM=2,%d\r\n" % size)}
    with (
        boards.firmware(folder / "firmware", config={"baudrate": baudrate}, timed=timed) as (_, host),
        boards.script(folder / "bare", "transfer.py", settings, timed=timed) as (_, bare),
    ):
        host.command(b"AT+USERRAM=1,%d" % size)
        wire = f"{baudrate} baud" if timed else "no baud rate"
        for name, transfer in (("write", write), ("read", read)):
            times = [(transfer(host, data), transfer(bare, data)) for _ in range(rounds)]
            speed, bare_speed = (size / 1024 / statistics.median(column) for column in zip(*times, strict=True))
            yield figures.faster(f"USERRAM {name} {size // 1024} KB, {wire}", speed, "KB/s", bare_speed, target)
