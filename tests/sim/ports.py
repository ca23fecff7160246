"""A host's end of a simulated UART, and boards that run a script with one."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sim.board import Board
from tests.sim.scripts import PATIENCE, wait_for

SETUP = """
import machine, select, time
from machine import UART
"""


class Host:
    """Raw bytes over the tty at ``path``."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def close(self) -> None:
        os.close(self._fd)

    def write(self, data: bytes) -> None:
        """Write all, as far as the board takes it."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]

    def write_in_background(self, data: bytes) -> threading.Thread:
        thread = threading.Thread(target=self.write, args=(data,), daemon=True)
        thread.start()
        return thread

    def read(self, size: int) -> bytes:
        """Read ``size`` bytes, or what came in time."""
        data = b""
        end = time.monotonic() + PATIENCE
        while len(data) < size and select.select([self._fd], [], [], max(0, end - time.monotonic()))[0]:
            data += os.read(self._fd, size - len(data))
        return data

    def is_silent(self, seconds: float) -> bool:
        """Does nothing come for so long?"""
        return not select.select([self._fd], [], [], seconds)[0]


@contextmanager
def running(folder: Path, text: str, **arguments: Any) -> Iterator[tuple[Board, Host]]:
    """A board that runs the script ``text``, and a host at its AT port; ``arguments`` are for ``Board``."""
    folder.mkdir(exist_ok=True)
    script = folder / "script.py"
    script.write_text(SETUP + text, encoding="utf-8")
    with Board(folder / "board", script=script, **arguments) as board:
        host = Host(board.port)
        try:
            yield board, host
        finally:
            host.close()


def wait_for_line(board: Board, line: str) -> None:
    """Wait until the board has printed ``line``."""
    wait_for(lambda: line in board.console.decode().split("\n"), f"line {line!r} in {board.console!r}")
