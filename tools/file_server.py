"""Serves one file by HTTP from this machine, with Range and ETag (aiohttp's), in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path
from types import TracebackType

from aiohttp import web

START_SECONDS = 10.0
# RFC 5737: an address that nobody has. Nothing is sent to it.
SOMEWHERE = "192.0.2.1"
NAME = "/image.bin"


def address_towards(other: str | None) -> str:
    """The address of this machine that ``other``, or the network if None, sees. OSError if there is no way there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((other or SOMEWHERE, 9))
        address: str = probe.getsockname()[0]
        return address


class FileServer:
    """A context manager. ``requests`` counts the requests for the file so far."""

    def __init__(self, path: Path, host: str, port: int = 0) -> None:
        self._path = path
        self._host = host
        self._listener = socket.create_server(("", port))
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="file-server", daemon=True)
        self.requests = 0

    @property
    def url(self) -> str:
        """Where the file is, for the board."""
        return f"http://{self._host}:{self._listener.getsockname()[1]}{NAME}"

    def __enter__(self) -> FileServer:
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise OSError("the HTTP server does not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        application = web.Application()
        application.router.add_get(NAME, self._answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.SockSite(runner, self._listener).start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _answer(self, _request: web.Request) -> web.StreamResponse:
        self.requests += 1
        return web.FileResponse(self._path)
