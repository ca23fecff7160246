"""What tests of links have in common: opening one, sending over it, and the way out of pass-through."""

from __future__ import annotations

import socket
import time

from tests.system.host import OK, PROMPT, Host
from tests.system.servers import TcpServer

CONNECT = b"CONNECT\r\n" + OK
SEND_OK = b"\r\nSEND OK\r\n"
# Silence before +++.
GUARD = 0.1


def start(host: Host, server: TcpServer, link: int | None = None) -> socket.socket:
    """Open a link to ``server``; the server's end."""
    number = b"" if link is None else b"%d," % link
    host.command(b'AT+CIPSTART=%s"TCP","127.0.0.1",%d' % (number, server.port), number + CONNECT)
    return server.accept()


def send(host: Host, data: bytes, link: int | None = None) -> None:
    """Send ``data`` with AT+CIPSEND."""
    number = b"" if link is None else b"%d," % link
    host.command(b"AT+CIPSEND=%s%d" % (number, len(data)), PROMPT)
    host.write(data)
    host.expect(b"\r\nRecv %d bytes\r\n" % len(data) + SEND_OK)


def escape(host: Host) -> None:
    """Leave pass-through; after AT+SYSMSG=1 the module says when it has."""
    time.sleep(GUARD)
    host.write(b"+++")
    host.expect(b"\r\n+QUITT\r\n")
