"""An upgrade that the host feeds over the UART, against what wire and flash allow, and against the plainest code that
carries on the same dialogue.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from bench import boards, figures, upgrade
from bench.figures import Figure
from sim.flash import ERASE_SECONDS, WRITE_SECONDS_PER_SECTOR
from tests.system.host import OK, PROMPT, Host

BAUDRATE = 921600
BITS = 10  # of a byte on the wire
PIECE = 4096
SIZE = 400 * 1024
LINE = b"AT+USEROTADATA=%d" % PIECE


def measure(folder: Path) -> Iterator[Figure]:
    """Whole pieces of 4096 bytes, each with its line and its answer."""
    data = upgrade.image(SIZE)
    pieces = len(data) // PIECE
    with boards.firmware(folder / "firmware", config={"baudrate": BAUDRATE}, timed=True) as (_, host):
        host.command(b"AT+USEROTASTART=%d" % len(data))
        seconds = _feed(host, data, pieces)
    settings = {"baudrate": BAUDRATE, "line": len(LINE) + 2, "piece": PIECE, "pieces": pieces}
    with boards.script(folder / "bare", "feed.py", settings, timed=True) as (_, bare_host):
        bare_seconds = _feed(bare_host, data, pieces)
    kilobytes = PIECE / 1024
    allowed = PIECE * BITS / BAUDRATE + ERASE_SECONDS + WRITE_SECONDS_PER_SECTOR
    name = f"host-fed upgrade, {BAUDRATE} baud, median piece"
    yield figures.faster(f"{name}, of wire and flash", kilobytes / seconds, "KB/s", kilobytes / allowed, 0.9)
    yield figures.faster(f"{name}, of a bare loop", kilobytes / seconds, "KB/s", kilobytes / bare_seconds, 0.9)


def _feed(host: Host, data: bytes, pieces: int) -> float:
    """Seconds for a piece, from its line to its answer. The median: what else this machine does is not the board's."""
    answer = b"\r\nRecv %d bytes\r\n" % PIECE + OK
    times = []
    for number in range(pieces):
        begin = time.perf_counter()
        host.send(LINE)
        host.expect(PROMPT)
        host.write(data[number * PIECE : (number + 1) * PIECE])
        host.expect(answer)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)
