"""The bytes of AT+USERRAM's long answers, and a filled block."""

from __future__ import annotations

from tests.system.host import PROMPT, WRITE_OK, Host

CHUNK = 1024
PATIENCE = 30.0


def chunks(data: bytes) -> bytes:
    """``data`` as AT+USERRAM=3 sends it: at most 1024 bytes behind each header."""
    pieces = [data[begin : begin + CHUNK] for begin in range(0, len(data), CHUNK)]
    return b"".join(b"+USERRAM:%d," % len(piece) + piece for piece in pieces)


def pattern(size: int) -> bytes:
    """Bytes of all values that do not repeat at any power of two."""
    return bytes((index * 7 + index // 251) % 256 for index in range(size))


def write(host: Host, data: bytes, offset: int | None = None) -> None:
    """Write ``data`` into the block."""
    host.command(b"AT+USERRAM=2,%d" % len(data) + (b"" if offset is None else b",%d" % offset), PROMPT)
    host.write(data)
    host.expect(WRITE_OK, PATIENCE)


def fill(host: Host, size: int) -> bytes:
    """Allocate a block of ``size`` bytes and write a pattern into it; returns that."""
    data = pattern(size)
    host.command(b"AT+USERRAM=1,%d" % size)
    write(host, data)
    return data
