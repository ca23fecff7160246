# Runs in MicroPython with the project's folder and a file of cases: prints for each whether the image counts as
# signed and how long that took (us), then in how much heap the first one is possible.
import gc
import json
import sys
import time
from binascii import unhexlify

sys.path.insert(0, sys.argv[1])
from firmware.image_signature import is_signed

_STEP = 256
_MOST = 64 * 1024


def reading(sector):
    """What reads from the sector."""

    def read(at, buffer):
        buffer[:] = sector[at : at + len(buffer)]

    return read


def heap_needed(check):
    """The least heap, in steps, in which ``check`` does not run out of memory."""
    for size in range(_STEP, _MOST, _STEP):
        gc.collect()
        held = None
        ballast = []
        piece = gc.mem_free()
        while piece >= _STEP:
            # All but ``size`` bytes, in pieces as large as there are.
            piece = min(piece, gc.mem_free() - size)
            try:
                ballast.append(bytearray(piece))
            except (MemoryError, ValueError):
                piece //= 2
        try:
            check()
            held = size
        except MemoryError:
            pass
        ballast = None
        if held:
            return held
    return -1


with open(sys.argv[2]) as file:
    cases = json.load(file)
for name, sector, digest, key in cases:
    sector, digest = unhexlify(sector), unhexlify(digest)
    begin = time.ticks_us()
    print(name, is_signed(reading(sector), digest, key), time.ticks_diff(time.ticks_us(), begin))
name, sector, digest, key = cases[0]
sector, digest = unhexlify(sector), unhexlify(digest)
cases = None
print("heap", heap_needed(lambda: is_signed(reading(sector), digest, key)))
