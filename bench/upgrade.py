"""An upgrade from a real HTTP server, of as much as a slot allows: how fast it is, what it allocates, the most it
holds.

An own command (``device/upgrade_commands.py``) looks at each piece on its way into flash. The baselines download the
same file (``device/download.py``). The network takes no time; flash takes its own, as on a board, where it says so.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench import boards, figures
from bench.figures import Figure
from bench.heap import HEAP, MOST_PER_KILOBYTE
from tests.system.host import OK, PROMPT, Host
from tests.system.http_server import HttpServer
from tools.image import SLOT_SIZE, build_image
from tools.package import PACKAGE_BLOCK, filesystem

LARGE, SMALL = SLOT_SIZE - 16 * 1024, 200 * 1024
BESIDE_FILLER = 32 * 1024
SECTOR = 4096
PATIENCE = 120.0
MOST_HELD = 16 * 1024
JOIN = b'AT+CWJAP="sim-ap","sim-password"'
PEAK, HEAP_USED, TIME = range(3)


@functools.cache
def image(size: int) -> bytes:
    """An image of about so many bytes, whose package is filler: nothing of it runs."""
    blocks = size // PACKAGE_BLOCK
    filler = os.urandom(size - BESIDE_FILLER - size // 64)
    return build_image(filesystem({"filler": filler}, blocks, PACKAGE_BLOCK), "1.0.0")


def measure(folder: Path) -> Iterator[Figure]:
    """Speed, heap per kilobyte, peak."""
    with HttpServer() as server:
        server.files = {f"/{size}": image(size) for size in (SMALL, LARGE)}
        for name, timed in (("", True), (", flash takes no time", False)):
            # Side by side, so that whatever else keeps this machine busy holds up both.
            with ThreadPoolExecutor() as pool:
                told = pool.submit(_upgrade, folder / f"upgrade-{timed}", server, LARGE, TIME, "time", timed=timed)
                bare_told = pool.submit(_bare, folder / f"bare-{timed}", server, LARGE, "bare", timed=timed)
            speed, bare = _speed(told.result()), _speed(bare_told.result())
            text = f"upgrade of {len(image(LARGE)) // 1024} KB, socket to flash{name}"
            yield figures.faster(text, speed, "KB/s", bare, 0.9 if timed else None)
        heap, loop = (
            1024 * used / size
            for used, size in (
                _upgrade(folder / "heap", server, SMALL, HEAP_USED, "upgrade", heap=HEAP),
                _bare(folder / "loop", server, SMALL, "loop", heap=HEAP),
            )
        )
        yield figures.above("heap per KB above a bare loop: upgrade", heap, "bytes", loop, MOST_PER_KILOBYTE)
        for size in (SMALL, LARGE):
            (peak,) = _upgrade(folder / f"peak-{size}", server, size, PEAK, "peak")
            text = f"peak of an upgrade of {len(image(size)) // 1024} KB above idle"
            yield figures.amount(text, peak, "bytes", MOST_HELD)


def _upgrade(folder: Path, server: HttpServer, size: int, what: int, name: str, **arguments: Any) -> list[int]:
    """Upgrade a new board; what it prints as ``name`` on the way."""
    with boards.firmware(folder, own_commands="upgrade_commands.py", **arguments) as (board, host):
        join(host)
        host.command(b"AT+WATCH=%d" % what)
        upgrade(host, server.url(f"/{size}").encode())
        return boards.printed(board, name)


def _bare(folder: Path, server: HttpServer, size: int, what: str, **arguments: Any) -> list[int]:
    """Download the same to a board with the plainest code; what it prints as ``what``."""
    settings = {
        "what": what,
        "host": server.address,
        "port": server.port,
        "path": f"/{size}",
        "blocks": len(image(size)) // SECTOR,
        "ssid": "sim-ap",
        "password": "sim-password",
    }
    with boards.script(folder, "download.py", settings, **arguments) as (board, _):
        return boards.printed(board, what, PATIENCE)


def join(host: Host) -> None:
    """Join the simulated access point."""
    host.command(b"AT+CWMODE=1")
    answer = host.answer(JOIN, PATIENCE)
    if not answer.endswith(OK):
        raise RuntimeError(f"the access point was not joined: {answer!r}")


def upgrade(host: Host, url: bytes) -> None:
    """Upgrade from ``url``; the board restarts."""
    host.command(b"AT+USEROTA=%d" % len(url), PROMPT)
    host.write(url)
    host.expect(b"\r\nRecv %d bytes\r\n" % len(url) + OK, PATIENCE)


def _speed(size_and_microseconds: list[int]) -> float:
    """Kilobytes in a second."""
    size, microseconds = size_and_microseconds
    return size / 1024 / (microseconds / 1e6)
