"""Links as a host sees them: AT+CIPSTART, AT+CIPSEND, +IPD, AT+CIPCLOSE and what tells of them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from tests.system.host import ERROR, OK, PROMPT, Host
from tests.system.servers import TcpServer, receive
from tests.system.upgrades import JOINED

CONNECT = b"CONNECT\r\n" + OK
SEND_OK = b"\r\nSEND OK\r\n"


@pytest.fixture
def joined(host: Host, ssid: bytes, password: bytes) -> Host:
    """The host of a module on the network, one link at a time, none open."""
    if not host.answer(b"AT+CWSTATE?").startswith(b"+CWSTATE:2,"):
        host.command(b"AT+CWMODE=1,0")
        host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)
    for line in (b"AT+CIPCLOSE=5", b"AT+CIPCLOSE", b"AT+CIPSERVER=0", b"AT+CIPMODE=0", b"AT+CIPMUX=0"):
        host.answer(line)
    for line in (b"AT+CIPDINFO=0", b"AT+CIPRECVMODE=0"):
        host.command(line)
    return host


@pytest.fixture
def several(joined: Host) -> Host:
    """As ``joined``, with AT+CIPMUX=1 and error codes."""
    joined.command(b"AT+CIPMUX=1")
    joined.command(b"AT+SYSLOG=1")
    return joined


@pytest.fixture
def server() -> Iterator[TcpServer]:
    with TcpServer() as server:
        yield server


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


def test_a_link_from_start_to_close(joined: Host, server: TcpServer) -> None:
    with start(joined, server) as remote:
        send(joined, b"hello\x00\r\nAT\r\n")
        assert receive(remote, 12) == b"hello\x00\r\nAT\r\n"
        remote.sendall(b"world")
        joined.expect(b"\r\n+IPD,5:world")
        joined.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)
        assert remote.recv(1) == b""


def test_the_other_end_closes(joined: Host, server: TcpServer) -> None:
    with start(joined, server) as remote:
        remote.sendall(b"last words")
    joined.expect(b"\r\n+IPD,10:last wordsCLOSED\r\n")
    joined.command(b"AT+CIPCLOSE", ERROR)


@pytest.mark.parametrize("size", [1, 1024, 2920, 4096, 4097, 8192])
def test_data_of_any_size_goes_out_whole(joined: Host, server: TcpServer, size: int) -> None:
    data = os.urandom(size)
    with start(joined, server) as remote:
        send(joined, data)
        assert receive(remote, size) == data
        joined.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)
