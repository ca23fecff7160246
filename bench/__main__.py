"""``python -m bench``: measure, print a line for each figure, and write ``build/bench.json``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench import connections, driver, feed, figures, heap, links, round_trip, small_heap, transfers, upgrade

RESULT = Path(__file__).resolve().parent.parent / "build" / "bench.json"
GROUPS = {
    "transfers": transfers.measure,
    "round_trip": round_trip.measure,
    "ticks": round_trip.measure_ticks,
    "heap": heap.measure,
    "upgrade": upgrade.measure,
    "feed": feed.measure,
    "links": links.measure,
    "connections": connections.measure,
    "ram": heap.measure_idle,
    "driver": driver.measure,
    "small_heap": small_heap.measure,
    "start": round_trip.measure_start,
}


def main(chosen: list[str]) -> int:
    """Measure the groups ``chosen``, by default all of them, which alone writes the file."""
    found: list[figures.Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen or GROUPS:
            for figure in GROUPS[name](Path(folder) / name):
                print(figure.line(), flush=True)
                found.append(figure)
    if not chosen:
        figures.write(found, RESULT)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
