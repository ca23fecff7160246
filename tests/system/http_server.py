"""HTTP servers to upgrade from: aiohttp's real one, and a socket for the misbehaviours that no real server has.

Both run in a thread of their own, listen on all addresses, and are context managers.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.system.servers import Server

CHUNK = 3000
START_SECONDS = 10.0


class HttpServer:
    """aiohttp's server with a few paths.

    ``files`` maps paths to bodies with Content-Length, ``chunked`` to bodies sent in chunks, ``redirects`` to what the
    Location header says. Anything else is 404. ``requests`` are the request targets so far, ``headers`` what came with
    each, ``methods`` and ``bodies`` what was wanted. A body of ``files`` comes with the status that ``statuses`` has
    for its path. A request for a path in ``held`` is answered only when ``release`` is called. With ``tls`` it is
    HTTPS.
    """

    def __init__(self, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.address = address
        self._tls = tls
        self.port = 0
        self.files: dict[str, bytes] = {}
        self.chunked: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.statuses: dict[str, int] = {}
        self.held: set[str] = set()
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.methods: list[str] = []
        self.bodies: list[bytes] = []
        self._arrived = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="http-server", daemon=True)

    def url(self, path: str) -> str:
        """The URL of ``path`` as the board sees it."""
        return f"{'https' if self._tls else 'http'}://{self.address}:{self.port}{path}"

    def wait_for_request(self, count: int = 1, timeout: float = 10.0) -> bool:
        """Wait until there have been ``count`` requests."""
        with self._arrived:
            return self._arrived.wait_for(lambda: len(self.requests) >= count, timeout)

    def release(self) -> None:
        """Answer the requests that are held."""
        self._loop.call_soon_threadsafe(self._let_go)

    def _let_go(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(START_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        application = web.Application(client_max_size=1 << 24)
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        listener = socket.create_server(("", 0))
        self.port = listener.getsockname()[1]
        self._loop.run_until_complete(web.SockSite(runner, listener, ssl_context=self._tls).start())
        self._ready.set()
        self._loop.run_forever()
        self._released.set()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        with self._arrived:
            self.methods.append(request.method)
            self.bodies.append(body)
            self.requests.append(request.raw_path)
            self.headers.append(dict(request.headers))
            self._arrived.notify_all()
        path = request.path
        if path in self.held:
            await self._released.wait()
        if path in self.redirects:
            return web.Response(status=302, headers={"Location": self.redirects[path]})
        if path in self.files:
            return web.Response(body=self.files[path], status=self.statuses.get(path, 200))
        if path not in self.chunked:
            return web.Response(status=404, text="nothing here\n")
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        body = self.chunked[path]
        for start in range(0, len(body), CHUNK):
            await response.write(body[start : start + CHUNK])
        await response.write_eof()
        return response


class RawServer(Server):
    """A listening socket; ``answer`` gets each connection once the request header has been read, then it is closed.
    With ``tls`` it is HTTPS.
    """

    def __init__(
        self,
        answer: Callable[[socket.socket], None],
        address: str = "127.0.0.1",
        listener: socket.socket | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(listener or socket.create_server(("", 0)), tls)
        self.address = address
        self.requests: list[bytes] = []
        self._answer = answer

    def url(self, path: str = "/image.bin") -> str:
        return f"{'https' if self._tls else 'http'}://{self.address}:{self.port}{path}"

    def serve(self, connection: socket.socket) -> None:
        with connection:
            request = b""
            while b"\r\n\r\n" not in request and (data := connection.recv(4096)):
                request += data
            self.requests.append(request)
            self._answer(connection)


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port where nobody listens, and nobody else can meanwhile."""
    with socket.socket() as reserved:
        reserved.bind(("", 0))
        yield reserved.getsockname()[1]
