"""Do all commands, an upgrade from a real HTTP server included, work in the first area of a board's heap?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import boards, figures
from bench.figures import Figure
from tests.system.all_commands import Walk
from tests.system.http_server import HttpServer

HEAP = 54 * 1024
BLOCK = 64 * 1024
# A further area of the heap, with MicroPython's tables: 3 bits for each 16 bytes.
BLOCK_AREA = BLOCK + BLOCK * 3 // 128
# The walk waits for what the station reports.
CONFIG = {"wifi_poll_ms": 100}


def measure(folder: Path) -> Iterator[Figure]:
    """The walk that ``tests/system/test_memory.py`` takes too."""
    yield figures.passes("all commands in a heap of 54 KB", _walk(folder / "small", HEAP, 0))
    yield figures.passes(
        "with 64 KB more, and a USERRAM block of 64 KB", _walk(folder / "block", HEAP + BLOCK_AREA, BLOCK)
    )


def _walk(folder: Path, heap: int, block: int) -> bool:
    try:
        with HttpServer() as server, boards.firmware(folder, heap=heap, config=CONFIG) as (board, host):
            Walk(host, server).run(block)
            return b"MemoryError" not in board.console
    except AssertionError as error:
        print(f"heap of {heap} bytes:", *str(error).split())
        return False
