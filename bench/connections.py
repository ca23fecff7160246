"""Heap that connections leave in use when they are gone; ``tests/system/test_links_heap.py`` opens 10,000 of a kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import boards, figures
from bench.figures import Figure
from bench.upgrade import join
from tests.system import cycles
from tests.system.servers import TcpServer

OPENED, TAKEN = 300, 700


def measure(folder: Path) -> Iterator[Figure]:
    """Links that the host opens, and links that a server takes."""
    with boards.firmware(folder, own_commands="used.py") as (_, host):
        join(host)
        with TcpServer() as server:
            growth = cycles.growth(host, lambda number: cycles.open_and_close(host, server, number), OPENED)
        yield figures.amount(f"heap growth over {OPENED} connections opened", growth, "bytes", 0)
        port = cycles.serve(host)
        growth = cycles.growth(host, lambda number: cycles.take_and_close(host, port, number), TAKEN)
        yield figures.amount(f"heap growth over {TAKEN} connections taken", growth, "bytes", 0)
