"""nginx with one folder of files, and a TCP proxy that loses connections."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.system.servers import Server, free_port

START_SECONDS = 10.0
STARTS = 5
PIECE = 4096
CONFIGURATION = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    log_format told '$msec $request_time $arg_board $status $http_range $http_if_range $body_bytes_sent';
    access_log {folder}/access.log told;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
        location /slow/ {{ alias {folder}/files/; limit_rate {rate}; }}
        location /compressed/ {{ alias {folder}/files/; gzip on; gzip_types *; gzip_min_length 1; }}
        location /no-range/ {{ alias {folder}/files/; max_ranges 0; }}
        location /moved/ {{ return 302 /$arg_to; }}
    }}
}}
"""
LINE = re.compile(r"(\S+) (\S+) (\S+) (\d+) (\S+) (.+) (\d+)")


def find() -> str | None:
    """The program, also where it is not on an ordinary user's path."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class Request:
    """A line of the access log; ``board`` is the URL's argument of that name, absent fields are ``-``. ``began`` is in
    seconds.
    """

    began: float
    board: str
    status: int
    range: str
    if_range: str
    sent: int


class Nginx:
    """nginx on ``port`` of this machine, a context manager. /slow/ gives ``rate`` bytes a second."""

    def __init__(self, program: str, folder: Path, rate: int = 1 << 30) -> None:
        self.port = 0
        self.folder = folder
        self._rate = rate
        self._command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        (folder / "files").mkdir()

    def put(self, name: str, data: bytes) -> None:
        """Have this file served, from one moment to the next."""
        fresh = self.folder / "fresh"
        fresh.write_bytes(data)
        fresh.rename(self.folder / "files" / name)

    def requests(self) -> list[Request]:
        """All that have ended so far."""
        found = []
        for line in (self.folder / "access.log").read_text().splitlines():
            matched = LINE.fullmatch(line)
            assert matched, line
            ended, duration, board, status, span, condition, sent = matched.groups()
            began = float(ended) - float(duration)
            found.append(Request(began, board, int(status), span, condition.replace("\\x22", '"'), int(sent)))
        return sorted(found, key=lambda request: request.began)

    def __enter__(self) -> Self:
        for _ in range(STARTS):
            # Free at this moment: another process may be quicker.
            self.port = free_port()
            if self._start():
                return self
        raise AssertionError(f"nginx does not start: {(self.folder / 'error.log').read_text()}")

    def _start(self) -> bool:
        configuration = CONFIGURATION.format(folder=self.folder, port=self.port, rate=self._rate)
        (self.folder / "nginx.conf").write_text(configuration)
        self._process = subprocess.Popen(self._command)
        deadline = time.monotonic() + START_SECONDS
        pid = self.folder / "nginx.pid"
        while self._process.poll() is None and time.monotonic() < deadline:
            # Written when nginx has its port.
            if pid.exists() and pid.read_text().strip() == str(self._process.pid):
                return True
            time.sleep(0.02)
        self._process.kill()
        self._process.wait()
        return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()


class FaultyProxy(Server):
    """Passes connections on to ``port`` of this machine; ``most(n)`` tells how many bytes of the answer the n-th one,
    counted from 1, carries before it is lost, None for all.
    """

    def __init__(self, port: int, most: Callable[[int], int | None]) -> None:
        super().__init__()
        self.connections = 0
        self.lost = 0
        self._behind = port
        self._most = most

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def serve(self, connection: socket.socket) -> None:
        self.connections += 1
        most = self._most(self.connections)
        threading.Thread(target=self._carry, args=(connection, most), name="connection", daemon=True).start()

    def _carry(self, client: socket.socket, most: int | None) -> None:
        """One request, and its answer up to ``most`` bytes: the firmware asks once per connection."""
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._behind)) as server:
            request = b""
            while b"\r\n\r\n" not in request:
                request += (data := client.recv(PIECE))
                if not data:
                    return
            server.sendall(request)
            carried = 0
            while data := server.recv(PIECE if most is None else min(PIECE, most - carried)):
                client.sendall(data)
                carried += len(data)
                if carried == most:
                    self.lost += 1
                    # A reset: what is under way is lost too.
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    return
