"""The ``AT`` round trip against a bare asyncio loop that echoes what it reads, measured in turn on two boards."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from bench import boards, figures
from bench.figures import Figure
from sim.board import VERSIONS
from tests.system.host import OK, READY, Host

TRIPS = 400
TURN = 20
TIMED_TRIPS = 50
PAUSE = 0.03
RESETS = 5
LINE = b"AT\r\n"


def measure(folder: Path) -> Iterator[Figure]:
    """Without a baud rate: the wire's time would hide the code's."""
    with (
        boards.firmware(folder / "firmware") as (_, host),
        boards.script(folder / "bare", "echo.py", {}) as (_, bare),
    ):
        times: list[float] = []
        bare_times: list[float] = []
        for _ in range(TRIPS // TURN):
            times += [_trip(host, OK) for _ in range(TURN)]
            bare_times += [_trip(bare, LINE) for _ in range(TURN)]
        milliseconds, bare_milliseconds = 1000 * statistics.median(times), 1000 * statistics.median(bare_times)
        yield figures.slower("AT round trip, median", milliseconds, "ms", bare_milliseconds, 1.5)


def measure_ticks(folder: Path) -> Iterator[Figure]:
    """With the ticks of a board: on MicroPython 1.25 the first line after a pause waits for one, on 1.26 the UART's
    interrupt wakes the loop. A line close behind another waits on neither.
    """
    for version in VERSIONS:
        with boards.firmware(folder / version, timed=True, micropython=version) as (_, host):
            for name, pause in (("after a pause", PAUSE), ("in a dialogue", 0)):
                times = []
                for _ in range(TIMED_TRIPS):
                    # Pauses of no particular length: a tick is as far away as chance has it.
                    time.sleep(pause * (1 + random.random()))
                    times.append(_trip(host, OK))
                value = 1000 * statistics.median(times)
                yield figures.amount(f"AT round trip {name}, 115200 baud, MicroPython {version}, median", value, "ms")


def measure_start(folder: Path) -> Iterator[Figure]:
    """From pressing EN to ``ready``."""
    with boards.firmware(folder) as (board, host):
        times = []
        for _ in range(RESETS):
            begin = time.perf_counter()
            board.reset()
            host.expect(READY, boards.START_SECONDS)
            times.append(time.perf_counter() - begin)
        yield figures.amount("reset to ready in the simulator, median", statistics.median(times), "s")


def _trip(host: Host, answer: bytes) -> float:
    begin = time.perf_counter()
    host.write(LINE)
    host.expect(answer)
    return time.perf_counter() - begin
