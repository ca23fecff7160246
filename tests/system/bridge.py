"""A tty at the end of a TCP connection, for ``socket://`` URLs: what a terminal server does."""

from __future__ import annotations

import os
import select
import socket
import threading
from types import TracebackType

PIECE = 4096
LOOK_SECONDS = 0.1


class Bridge:
    """Serves the tty at ``path``, one connection after the other, at ``url``. A context manager."""

    def __init__(self, path: str) -> None:
        self._tty = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        self._ending = threading.Event()
        self._hanging_up = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Bridge:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        self._server.close()
        os.close(self._tty)

    def hang_up(self) -> None:
        """End the connection there is; there are others after it."""
        self._hanging_up.set()

    def _serve(self) -> None:
        while not self._ending.is_set():
            if select.select([self._server], [], [], LOOK_SECONDS)[0]:
                connection, _ = self._server.accept()
                with connection:
                    self._hanging_up.clear()
                    self._carry(connection)

    def _carry(self, connection: socket.socket) -> None:
        while not self._over():
            ready = select.select([connection, self._tty], [], [], LOOK_SECONDS)[0]
            if self._tty in ready:
                connection.sendall(os.read(self._tty, PIECE))
            if connection in ready:
                data = memoryview(connection.recv(PIECE))
                if not data:
                    return
                while data and not self._over():
                    if select.select([], [self._tty], [], LOOK_SECONDS)[1]:
                        data = data[os.write(self._tty, data) :]

    def _over(self) -> bool:
        return self._ending.is_set() or self._hanging_up.is_set()
