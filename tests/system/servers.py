"""Servers of the host's network for the board's links, each on a port of its own on the loopback."""

from __future__ import annotations

import contextlib
import queue
import random
import socket
import ssl
import threading
from types import TracebackType

PATIENCE = 10.0


class TcpServer:
    """Takes connections and leaves them to the test: ``accept`` gives the next one."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=16)
        self._context = context
        self._waiting: queue.Queue[socket.socket] = queue.Queue()
        self._open: list[socket.socket] = []
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.settimeout(PATIENCE)
            try:
                if self._context:
                    connection = self._context.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()
                continue
            self._open.append(connection)
            self.serve(connection)

    def serve(self, connection: socket.socket) -> None:
        """What becomes of a new connection."""
        self._waiting.put(connection)

    def accept(self) -> socket.socket:
        """The next connection."""
        return self._waiting.get(timeout=PATIENCE)

    def close(self) -> None:
        """No more connections, and an end to those there are."""
        self._socket.close()
        for connection in self._open:
            connection.close()

    def __enter__(self) -> TcpServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class EchoServer(TcpServer):
    """Sends back what comes."""

    def serve(self, connection: socket.socket) -> None:
        threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    @staticmethod
    def _echo(connection: socket.socket) -> None:
        connection.settimeout(None)
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            pass
        connection.close()


def free_port() -> int:
    """A port for the module to take: none of those that systems give to whoever asks for any."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def receive(connection: socket.socket, count: int) -> bytes:
    """Exactly ``count`` bytes."""
    data = b""
    while len(data) < count:
        piece = connection.recv(min(65536, count - len(data)))
        assert piece, f"the board closed after {len(data)} of {count} bytes"
        data += piece
    return data
