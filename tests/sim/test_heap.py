"""The model of ESP-IDF's memory, against the figures measured on a board."""

from __future__ import annotations

import pytest

from sim.heap import HEAP_DATA, HEAP_EXEC, Heap, largest_block

KB = 1024


@pytest.mark.parametrize(
    ("held", "largest"),
    [(0, 94 * KB), (56_000, 94 * KB), (56_001, 94 * KB - 56_000), (112_000, 94 * KB - 56_000), (124_000, 28_256)],
)
def test_the_largest_free_block(held: int, largest: int) -> None:
    assert largest_block(held) == largest


def test_no_block_is_smaller_than_nothing() -> None:
    assert largest_block(10_000_000) == 0


def test_the_regions() -> None:
    heap = Heap()
    assert sum(free for _, free, _, _ in heap.regions(HEAP_DATA, 0)) == 145 * KB
    assert max(block for _, _, block, _ in heap.regions(HEAP_DATA, 60_000)) == 94 * KB - 56_000
    assert heap.regions(HEAP_DATA, 0)[0][3] == 94 * KB - 56_000
    assert len(heap.regions(HEAP_EXEC, 0)) == 1
