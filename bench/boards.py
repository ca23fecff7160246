"""Boards to measure: one with the firmware, and one with the plainest script that does the same work."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sim.board import Board
from tests.system.boards import flash_with
from tests.system.host import OK, READY, Host

DEVICE = Path(__file__).with_name("device")
START_SECONDS = 20.0
# Polling the Wi-Fi station takes memory by time, not by command: it must not happen while commands are counted.
CONFIG = {"wifi_poll_ms": 60_000}


@contextmanager
def firmware(
    folder: Path, *, own_commands: str = "", config: Mapping[str, Any] | None = None, **arguments: Any
) -> Iterator[tuple[Board, Host]]:
    """A board with this tree's firmware, echo off; ``own_commands`` is a file of ``bench/device``, the rest goes to
    ``config.json`` and to ``Board``."""
    files = {"config.json": json.dumps({**CONFIG, **(config or {})}).encode()}
    if own_commands:
        files["commands.py"] = (DEVICE / own_commands).read_bytes()
    board = Board(folder, flash_image=flash_with(files), **arguments)
    board.uart(1).host_honours_rts = True
    with board:
        host = Host(board.port)
        try:
            host.expect(READY, START_SECONDS)
            host.command(b"ATE0", b"ATE0\r\n", OK)
            yield board, host
        finally:
            host.close()


@contextmanager
def script(folder: Path, name: str, settings: Mapping[str, Any], **arguments: Any) -> Iterator[tuple[Board, Host]]:
    """A board that runs a script of ``bench/device``, which finds ``settings`` beside it; it has said that it runs."""
    place = folder / "script"
    place.mkdir(parents=True)
    shutil.copy(DEVICE / name, place / "main.py")
    (place / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    board = Board(folder, script=place, **arguments)
    board.uart(1).host_honours_rts = True
    with board:
        host = Host(board.port)
        try:
            if not board.wait_for_console(b"running", START_SECONDS):
                raise RuntimeError(f"{name} does not run: {board.console.decode()}")
            yield board, host
        finally:
            host.close()


def printed(board: Board, name: str, seconds: float = START_SECONDS) -> list[int]:
    """Wait until the board has printed a line ``name: number ...`` on its console; the numbers."""
    line = re.compile(rf"^{name}:((?: -?\d+)+)\r?$", re.MULTILINE)
    end = time.monotonic() + seconds
    while not (found := line.search(board.console.decode(errors="replace"))):
        if time.monotonic() > end:
            raise RuntimeError(f"no {name} on the console: {board.console.decode(errors='replace')}")
        time.sleep(0.02)
    return [int(word) for word in found[1].split()]
