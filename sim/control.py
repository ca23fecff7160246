"""The command line's way to a running board: a unix socket in the board's folder, one JSON line each way.

The request is a list of words; the answer is ``{"ok": bool, "text": str}``. Whoever holds the lock on the file ``lock``
is the one who runs the board.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

SOCKET = "control"
LOCK = "lock"
MOST_BYTES = 65536
TIMEOUT_SECONDS = 30

Answer = Callable[[list[str]], str]


class ControlError(Exception):
    """The message is one line for the person at the command line."""


class FolderLock:
    """Makes sure that one process at a time uses a board's folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / LOCK).open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise ControlError(f"a board runs in {folder} already") from error

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@contextlib.contextmanager
def _address(folder: Path) -> Iterator[str]:
    """A path of the socket that is short enough, however long the folder's is."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ControlError(f"no board runs in {folder}") from error
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)


def ask(folder: Path, words: list[str]) -> str:
    """Have the board in ``folder`` carry out a command; raises ``ControlError``."""
    with _address(folder) as address, socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT_SECONDS)
        try:
            connection.connect(address)
        except OSError as error:
            raise ControlError(f"no board runs in {folder}") from error
        try:
            connection.sendall(json.dumps(words).encode() + b"\n")
            answer = json.loads(_line(connection))
        except (OSError, ValueError) as error:
            raise ControlError(f"the board in {folder} does not answer") from error
    if not answer["ok"]:
        raise ControlError(answer["text"])
    return str(answer["text"])


def _line(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as file:
        return file.readline(MOST_BYTES)


class Control:
    """Answers the command line; ``answer`` may raise ``ControlError``. The folder's lock must be held."""

    def __init__(self, folder: Path, answer: Answer) -> None:
        self._path = folder / SOCKET
        self._answer = answer
        self._socket = socket.socket(socket.AF_UNIX)
        self._path.unlink(missing_ok=True)
        with _address(folder) as address:
            self._socket.bind(address)
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, name="board-control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(TIMEOUT_SECONDS)
                with contextlib.suppress(OSError, ValueError):
                    words = json.loads(_line(connection))
                    connection.sendall(json.dumps(self._reply(words)).encode() + b"\n")

    def _reply(self, words: list[str]) -> dict[str, object]:
        try:
            return {"ok": True, "text": self._answer(words)}
        except ControlError as error:
            return {"ok": False, "text": str(error)}
