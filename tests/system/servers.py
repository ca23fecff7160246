"""Servers of the host's network for the board's links, each on a port of its own on the loopback."""

from __future__ import annotations

import contextlib
import queue
import random
import socket
import ssl
import threading
from types import TracebackType
from typing import Self

PATIENCE = 30.0


class Server:
    """Serves a listening socket in a thread; a context manager, whose end is that of all connections. With ``tls`` they
    are secured.
    """

    def __init__(self, listener: socket.socket | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._listener = listener or socket.create_server(("127.0.0.1", 0), backlog=64)
        self._tls = tls
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for end in (self._listener, *self._open):
            # Closing alone would not wake the thread up.
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        for connection in self._open:
            connection.close()

    def use(self, tls: ssl.SSLContext) -> None:
        """From the next connection on this is its certificate."""
        self._tls = tls

    def serve(self, connection: socket.socket) -> None:
        """What becomes of a new connection; an OSError ends it."""
        raise NotImplementedError

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(PATIENCE)
            with contextlib.suppress(OSError):
                if self._tls:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
                self.serve(connection)


class TcpServer(Server):
    """Takes connections and leaves them to the test: ``accept`` gives the next one."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self._waiting: queue.Queue[socket.socket] = queue.Queue()

    def serve(self, connection: socket.socket) -> None:
        self._waiting.put(connection)

    def accept(self) -> socket.socket:
        """The next connection."""
        return self._waiting.get(timeout=PATIENCE)


class EchoServer(Server):
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
