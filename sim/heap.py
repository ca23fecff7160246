"""How much memory ESP-IDF has left beside Python's heap, as ``esp32.idf_heap_info`` tells.

Measured on MicroPython 1.25 with the station joined: Python's first heap area is 56,000 bytes; while it suffices, the
largest free block is 94 KB. What does not fit makes the port add an area taken from that block, at least as large as
the heap already is, if that much is there. The model knows only the sum of what Python holds, not its largest object.
"""

from __future__ import annotations

FIRST_AREA = 56_000
LARGEST_BLOCK = 94 * 1024
LARGEST_REGION = 113_840
OTHER_REGION = 65_456
OTHER_FREE = 51 * 1024
OTHER_BLOCK = 15 * 1024
EXEC_REGION = 72_000
EXEC_FREE = 40 * 1024

# ESP-IDF's capabilities of memory, and what the chip's two kinds have.
HEAP_EXEC = 1
HEAP_DATA = 4
DATA_HAS = 0x180E
EXEC_HAS = 0x803

Region = tuple[int, int, int, int]


def largest_block(held: int) -> int:
    """The largest block that ESP-IDF can allocate while Python holds ``held`` bytes."""
    beyond = held - FIRST_AREA
    if beyond <= 0:
        return LARGEST_BLOCK
    return max(0, LARGEST_BLOCK - max(FIRST_AREA, beyond))


class Heap:
    """The regions that have all of some capabilities, as ``idf_heap_info`` lists them: (size, free, largest free block,
    least ever free).
    """

    def __init__(self) -> None:
        self._least = LARGEST_BLOCK

    def regions(self, capability: int, held: int) -> list[Region]:
        largest = largest_block(held)
        self._least = min(self._least, largest)
        listed: list[Region] = []
        if not capability & ~DATA_HAS:
            listed.append((LARGEST_REGION, largest, largest, self._least))
            listed.append((OTHER_REGION, OTHER_FREE, OTHER_BLOCK, OTHER_FREE))
        if not capability & ~EXEC_HAS:
            listed.append((EXEC_REGION, EXEC_FREE, EXEC_FREE, EXEC_FREE))
        return listed
