"""An upgrade from a real HTTP server: what it allocates, the most it holds, and how fast it is.

An own command (``device/upgrade_commands.py``) looks at each block on its way into flash. The baselines download the
same file (``device/download.py``). Flash takes its time, as on a board; the network takes none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bench import boards, figures
from bench.figures import Figure
from bench.heap import HEAP, MOST_PER_KILOBYTE
from tests.system.host import OK, PROMPT, Host
from tests.system.http_server import HttpServer
from tools.image import build_image
from tools.package import PACKAGE_BLOCK, filesystem

FILLER = 150_000
BLOCKS = 170
PATH = "/image.bin"
BLOCK = 4096
PATIENCE = 30.0
MOST_HELD = 16 * 1024


def measure(folder: Path) -> Iterator[Figure]:
    """The image's package is filler: nothing of it runs."""
    image = build_image(filesystem({"filler": os.urandom(FILLER)}, BLOCKS, PACKAGE_BLOCK), "1.0.0")
    with HttpServer() as server:
        server.files[PATH] = image
        heap, blocks, microseconds = _upgrade(folder / "counting", server, b"1", "upgrade", timed=True)
        (peak,) = _upgrade(folder / "peak", server, b"0", "peak", timed=False)
        settings = {
            "host": server.address,
            "port": server.port,
            "path": PATH,
            "blocks": len(image) // BLOCK,
            "ssid": "sim-ap",
            "password": "sim-password",
        }
        with boards.script(folder / "bare", "download.py", settings, timed=True, heap=HEAP) as (board, _):
            bare_blocks, bare_microseconds = boards.printed(board, "bare")
            loop_heap, loop_blocks = boards.printed(board, "loop")
    per_kilobyte, loop = heap * 1024 / BLOCK / blocks, loop_heap * 1024 / BLOCK / loop_blocks
    yield figures.above("heap per KB above a bare loop: upgrade", per_kilobyte, "bytes", loop, MOST_PER_KILOBYTE)
    yield figures.amount("peak of an upgrade above idle", peak, "bytes", MOST_HELD)
    speed, bare = _speed(blocks, microseconds), _speed(bare_blocks, bare_microseconds)
    yield figures.faster("upgrade from socket to flash", speed, "KB/s", bare, 0.9)


def _upgrade(folder: Path, server: HttpServer, watch: bytes, name: str, *, timed: bool) -> list[int]:
    """Upgrade a new board; what it prints as ``name`` on the way."""
    with boards.firmware(folder, own_commands="upgrade_commands.py", timed=timed, heap=HEAP) as (board, host):
        join(host)
        host.command(b"AT+WATCH=" + watch)
        upgrade(host, server.url(PATH).encode())
        return boards.printed(board, name)


def join(host: Host) -> None:
    """Join the simulated access point."""
    host.command(b"AT+CWMODE=1")
    answer = host.answer(b'AT+CWJAP="sim-ap","sim-password"', PATIENCE)
    if not answer.endswith(OK):
        raise RuntimeError(f"the access point was not joined: {answer!r}")


def upgrade(host: Host, url: bytes) -> None:
    """Upgrade from ``url``; the board restarts."""
    host.command(b"AT+USEROTA=%d" % len(url), PROMPT)
    host.write(url)
    host.expect(b"\r\nRecv %d bytes\r\n" % len(url) + OK, PATIENCE)


def _speed(blocks: int, microseconds: int) -> float:
    """Kilobytes in a second."""
    return blocks * BLOCK / 1024 / (microseconds / 1e6)
