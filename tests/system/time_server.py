"""An SNTP server (RFC 4330) that tells a time of the test's choice."""

from __future__ import annotations

import socket
import struct

from tests.system.servers import Server

FROM_1900_TO_1970 = 2_208_988_800
ERA = 1 << 32


class TimeServer(Server):
    """Tells ``seconds`` since 1970 on a UDP port, or nothing if ``silent``; ``asked`` counts the requests."""

    def __init__(self, seconds: int, silent: bool = False) -> None:
        self.seconds = seconds
        self.silent = silent
        self.asked = 0
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind(("127.0.0.1", 0))
        super().__init__(listener)

    def _run(self) -> None:
        while True:
            try:
                request, client = self._listener.recvfrom(512)
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
            self._listener.sendto(answer, client)
