"""Finds MicroPython's unix port, and fetches it where it is missing (``python -m tools.interpreter``).

``MICROPYTHON=path`` in the environment takes precedence: one path, used for every word size, or two separated by a
colon, told apart by their word size. Fetched interpreters lie in ``.interpreters`` and are fetched once.
"""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools import debian

FOLDER = Path(__file__).resolve().parent.parent / ".interpreters"
OLDEST = (1, 25)
PROBE = "import sys; print(*sys.implementation.version[:2], sys.maxsize > 2 ** 32)"
START_SECONDS = 20


class InterpreterError(Exception):
    """No usable interpreter; the message is one line that says what to do."""


@dataclass(frozen=True)
class Interpreter:
    """An executable that has been seen to start."""

    path: Path
    version: tuple[int, int]
    bits: int


def probe(path: Path) -> Interpreter:
    """Start the interpreter at ``path`` and ask what it is; raises InterpreterError."""
    try:
        done = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, timeout=START_SECONDS)
        major, minor, wide = done.stdout.split()
        return Interpreter(path, (int(major), int(minor)), 64 if wide == "True" else 32)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise InterpreterError(f"{path} is not a MicroPython that starts on this machine") from error


def find(bits: int = 32) -> Path:
    """The executable for a word size of ``bits`` (32 as on the ESP32, or 64), fetched if it is missing.

    Where the kernel runs no 32-bit programs the 64-bit one is used, and a line on stderr says so. Raises
    InterpreterError.
    """
    return _find(bits, os.environ.get("MICROPYTHON", ""))


@functools.cache
def _find(bits: int, chosen: str) -> Path:
    if chosen:
        return _from_environment(bits, chosen)
    _fetch_once()
    try:
        return probe(debian.wrapper_path(FOLDER, bits)).path
    except InterpreterError:
        if bits == 64:
            raise
    print("32-bit programs do not run here: using the 64-bit MicroPython, memory figures will differ", file=sys.stderr)
    return _find(64, chosen)


def _from_environment(bits: int, chosen: str) -> Path:
    found = [probe(Path(name).resolve()) for name in chosen.split(":")]
    for interpreter in found:
        if interpreter.version < OLDEST:
            version = ".".join(map(str, interpreter.version))
            raise InterpreterError(f"MICROPYTHON={interpreter.path} is {version}, but 1.25 or later is needed")
    return next((i.path for i in found if i.bits == bits), found[0].path)


def _fetch_once() -> None:
    """Fetch both word sizes unless they are there; several processes may ask at once."""
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if all(debian.wrapper_path(FOLDER, bits).exists() for bits in debian.ARCHITECTURES):
            return
        print("fetching MicroPython's unix port (once)", file=sys.stderr)
        try:
            debian.fetch(FOLDER)
        except debian.FetchError as error:
            raise InterpreterError(str(error)) from error


def main() -> int:
    try:
        for bits in (64, 32):
            interpreter = probe(find(bits))
            version = ".".join(map(str, interpreter.version))
            print(f"MicroPython {version}, {interpreter.bits} bits: {interpreter.path}")
    except InterpreterError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
