"""Runs MicroPython scripts on a simulated board, for the tests of its peripherals."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from sim.board import Board
from tools import interpreter

PATIENCE = 30.0  # seconds: for a machine under load


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until ``condition`` holds; fails after ``PATIENCE`` seconds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"no {what} in {PATIENCE:g} s"
        time.sleep(0.005)


class Script:
    """A script on a board, until it prints ``end``: ``with Script(folder, text) as script``.

    ``prepare`` gets the board before it is switched on; ``bits`` chooses the interpreter.
    """

    def __init__(self, folder: Path, text: str, prepare: Callable[[Board], None] | None = None, bits: int = 32) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "script.py"
        path.write_text(f"print('begin')\n{text}\nprint('end')\n", encoding="utf-8")
        self.board = Board(folder, interpreter=interpreter.find(bits), script=path)
        if prepare:
            prepare(self.board)

    def __enter__(self) -> Script:
        self.board.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.board.stop()

    def lines(self) -> list[str]:
        """What the script has printed so far, without the lines that are not complete."""
        lines = self.board.console.decode().replace("\r\n", "\n").split("\n")[:-1]
        return lines[lines.index("begin") + 1 :] if "begin" in lines else []

    def wait(self, line: str) -> None:
        """Wait until the script has printed ``line``."""
        wait_for(lambda: line in self.lines(), f"line {line!r} in {self.lines()}")

    def finish(self) -> list[str]:
        """All lines that the script printed, when it has come to its end."""
        wait_for(lambda: bool({"end", "Traceback (most recent call last):"} & set(self.lines())), "end")
        lines = self.lines()
        assert "end" in lines, "\n".join(lines)
        return lines[: lines.index("end")]


def run(folder: Path, text: str, prepare: Callable[[Board], None] | None = None, bits: int = 32) -> list[str]:
    """The lines that the script ``text`` prints on a board of its own."""
    with Script(folder, text, prepare, bits) as script:
        return script.finish()
