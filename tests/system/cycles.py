"""Links that come and go, in all the ways there are, so many times."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from tests.system.host import ERROR, OK, PROMPT, Host
from tests.system.servers import TcpServer, receive

PATIENCE = 20.0
DATA = os.urandom(100)
LINKS = 5
LOOKS = 4
# What is held of the last link until a stack is overwritten that seems to point at it; a leak is 16 bytes a link.
ONE_LINK = 512


def growth(host: Host, cycle: Callable[[int], None], count: int) -> int:
    """Bytes of heap that ``count`` cycles leave in use. ``cycle`` goes through so many.

    What is in use differs by some hundred bytes from look to look: MicroPython keeps what a number on the stack seems
    to point at. So growth is what each of several looks afterwards has more than each before, and more than one link.
    """
    _looks(host, cycle)
    before = _looks(host, cycle)
    cycle(count)
    grown = min(_looks(host, cycle)) - max(before)
    return grown if grown > ONE_LINK else 0


def _looks(host: Host, cycle: Callable[[int], None]) -> list[int]:
    looks = []
    for number in range(LOOKS):
        cycle(LINKS + number)
        looks.append(used(host))
    return looks


def used(host: Host) -> int:
    """Bytes of heap in use after a collection, as AT+USED? of ``bench/device/used.py`` tells."""
    return int(host.answer(b"AT+USED?", PATIENCE).split(b"\r\n")[0].rpartition(b":")[2])


def serve(host: Host) -> int:
    """Let the board take connections; its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    host.command(b"AT+CIPMUX=1")
    host.command(b"AT+CIPSERVER=1,%d" % port)
    return port


def open_and_close(host: Host, server: TcpServer, count: int) -> None:
    """With AT+CIPMUX=0: ``count`` links to ``server``, closed by either side, with and without data."""
    ways = (_closed_by_the_other, _closed_by_the_host, _closed_with_data, _lost_with_data_unread)
    for number in range(count):
        _start(host, server)
        ways[number % len(ways)](host, server.accept())
    _refused(host)


def take_and_close(host: Host, port: int, count: int) -> None:
    """With a server at ``port`` (``serve``): ``count`` links of clients, five at a time."""
    for begin in range(0, count, LINKS):
        numbers = range(min(LINKS, count - begin))
        clients = [_client(host, port, number) for number in numbers]
        for number, client in zip(numbers, clients, strict=True):
            if number % 2:
                host.command(b"AT+CIPCLOSE=%d" % number, b"%d,CLOSED\r\n" % number + OK, patience=PATIENCE)
                client.close()
            else:
                client.close()
                host.expect(b"%d,CLOSED\r\n" % number, PATIENCE)


def _start(host: Host, server: TcpServer) -> None:
    host.command(b'AT+CIPSTART="TCP","127.0.0.1",%d' % server.port, b"CONNECT\r\n" + OK, patience=PATIENCE)


def _closed_by_the_other(host: Host, remote: socket.socket) -> None:
    remote.close()
    host.expect(b"CLOSED\r\n", PATIENCE)


def _closed_by_the_host(host: Host, remote: socket.socket) -> None:
    host.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK, patience=PATIENCE)
    remote.close()


def _closed_with_data(host: Host, remote: socket.socket) -> None:
    host.command(b"AT+CIPSEND=%d" % len(DATA), PROMPT, patience=PATIENCE)
    host.write(DATA)
    host.expect(b"\r\nRecv %d bytes\r\n\r\nSEND OK\r\n" % len(DATA), PATIENCE)
    assert receive(remote, len(DATA)) == DATA
    remote.sendall(DATA)
    remote.close()
    host.expect(b"\r\n+IPD,%d:" % len(DATA) + DATA + b"CLOSED\r\n", PATIENCE)


def _lost_with_data_unread(host: Host, remote: socket.socket) -> None:
    host.command(b"AT+CIPSEND=%d" % len(DATA), PROMPT, patience=PATIENCE)
    host.write(DATA)
    host.expect(b"\r\nRecv %d bytes\r\n\r\nSEND OK\r\n" % len(DATA), PATIENCE)
    # The board sees a reset.
    remote.close()
    host.expect(b"CLOSED\r\n", PATIENCE)


def _refused(host: Host) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        host.command(b'AT+CIPSTART="TCP","127.0.0.1",%d' % nobody.getsockname()[1], ERROR, patience=PATIENCE)


def _client(host: Host, port: int, number: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), PATIENCE)
    host.expect(b"%d,CONNECT\r\n" % number, PATIENCE)
    return client
