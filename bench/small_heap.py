"""Do all commands, an upgrade from a real HTTP server included, work in the first area of a board's heap?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import boards, figures
from bench.figures import Figure
from sim.board import FIRST_AREA
from tests.system.all_commands import Walk
from tests.system.http_server import HttpServer

HEAP = FIRST_AREA
BLOCK = 64 * 1024
# A further area of the heap, with MicroPython's tables: 3 bits for each 16 bytes. On a board it is one of its own; here
# it lies behind what the start has left of the first, in one piece, so it is larger.
BLOCK_AREA = BLOCK + BLOCK * 3 // 128 + 12288
SMALL_BLOCK = 32 * 1024
# What a smaller block adds: the heap is doubled at least.
SMALL_AREA = HEAP
# Of an error, its end.
SHOWN = 400
# The walk waits for what the station reports.
CONFIG = {"wifi_poll_ms": 100}


def measure(folder: Path) -> Iterator[Figure]:
    """The walk that ``tests/system/test_memory.py`` takes too."""
    yield figures.passes("all commands in the first area of a board's heap", _walk(folder / "small", HEAP, 0))
    yield figures.passes(
        "the same with 64 KB more, and a USERRAM block of 64 KB", _walk(folder / "block", HEAP + BLOCK_AREA, BLOCK)
    )
    yield figures.passes(
        "HTTP and MQTT at once, beside a USERRAM block of 32 KB",
        _walk(folder / "clients", HEAP + SMALL_AREA, SMALL_BLOCK, clients=True),
    )


def _walk(folder: Path, heap: int, block: int, clients: bool = False) -> bool:
    try:
        with HttpServer() as server, boards.firmware(folder, heap=heap, config=CONFIG) as (board, host):
            walk = Walk(host, server)
            if clients:
                walk.run_clients(block)
            else:
                walk.run(block)
            return b"MemoryError" not in board.console
    except AssertionError as error:
        print(f"heap of {heap} bytes:", *str(error)[-SHOWN:].split())
        return False
