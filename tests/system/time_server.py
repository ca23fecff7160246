"""An SNTP server (RFC 4330) that tells a time of the test's choice."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

FROM_1900_TO_1970 = 2_208_988_800
ERA = 1 << 32


class TimeServer:
    """Tells ``seconds`` since 1970 on a UDP port, or nothing if ``silent``; ``asked`` counts the requests."""

    def __init__(self, seconds: int, silent: bool = False) -> None:
        self.seconds = seconds
        self.silent = silent
        self.asked = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="time-server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                request, client = self._socket.recvfrom(512)
            except OSError:
                return
            if not client:
                return
            self.asked += 1
            if self.silent or len(request) != 48 or request[0] & 7 != 3:
                continue
            answer = bytearray(48)
            answer[0] = 0x1C
            struct.pack_into(">I", answer, 40, (self.seconds + FROM_1900_TO_1970) % ERA)
            self._socket.sendto(answer, client)
