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
    """Whole pieces of 4096 bytes, each with its line and its answer, on both boards in turn."""
    data = upgrade.image(SIZE)
    pieces = len(data) // PIECE
    settings = {"baudrate": BAUDRATE, "line": len(LINE) + 2, "piece": PIECE, "pieces": pieces}
    with (
        boards.firmware(folder / "firmware", config={"baudrate": BAUDRATE}, timed=True) as (_, host),
        boards.script(folder / "bare", "feed.py", settings, timed=True) as (_, bare),
    ):
        host.command(b"AT+USEROTASTART=%d" % len(data))
        blocks = [data[number * PIECE : (number + 1) * PIECE] for number in range(pieces)]
        times = [(_feed(host, block), _feed(bare, block)) for block in blocks]
    # What else this machine does is not the board's.
    seconds, bare_seconds = (statistics.median(column) for column in zip(*times, strict=True))
    kilobytes = PIECE / 1024
    allowed = PIECE * BITS / BAUDRATE + ERASE_SECONDS + WRITE_SECONDS_PER_SECTOR
    name = f"host-fed upgrade, {BAUDRATE} baud, median piece"
    yield figures.faster(f"{name}, of wire and flash", kilobytes / seconds, "KB/s", kilobytes / allowed, 0.9)
    yield figures.faster(f"{name}, of a bare loop", kilobytes / seconds, "KB/s", kilobytes / bare_seconds, 0.9)


def _feed(host: Host, block: bytes) -> float:
    """Seconds for a piece, from its line to its answer."""
    begin = time.perf_counter()
    host.send(LINE)
    host.expect(PROMPT)
    host.write(block)
    host.expect(b"\r\nRecv %d bytes\r\n" % PIECE + OK)
    return time.perf_counter() - begin
