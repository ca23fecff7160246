"""Throughput between a socket and the UART through AT+CIPSEND, +IPD and pass-through, each against a bare loop."""

from __future__ import annotations

import os
import re
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import boards, figures
from bench.figures import Figure
from bench.upgrade import join
from tests.system import links
from tests.system.host import OK, PROMPT, Host
from tests.system.servers import TcpServer, receive

BAUDRATE = 921600
SIZE = 32 * 1024
PIECE = 8192
LINE = b"AT+CIPSEND=%d" % PIECE
ROUNDS = 9
TARGET = 0.8
PATIENCE = 30.0

Transfer = Callable[[Host, socket.socket, bytes], float]


def send(host: Host, remote: socket.socket, data: bytes) -> float:
    """Seconds for ``data`` through AT+CIPSEND."""
    begin = time.perf_counter()
    for start in range(0, len(data), PIECE):
        host.send(LINE)
        host.expect(PROMPT, PATIENCE)
        host.write(data[start : start + PIECE])
        host.expect(b"\r\nRecv %d bytes\r\n\r\nSEND OK\r\n" % PIECE, PATIENCE)
    assert receive(remote, len(data)) == data
    return time.perf_counter() - begin


def take(host: Host, remote: socket.socket, data: bytes) -> float:
    """Seconds for ``data`` from the UART, in pass-through."""
    begin = time.perf_counter()
    host.write(data)
    assert receive(remote, len(data)) == data
    return time.perf_counter() - begin


def deliver_framed(host: Host, remote: socket.socket, data: bytes) -> float:
    """Seconds for ``data`` in +IPD."""
    begin = time.perf_counter()
    sending = threading.Thread(target=remote.sendall, args=(data,))
    sending.start()
    received = b""
    while len(received) < len(data):
        head = re.fullmatch(rb"\r\n\+IPD,(\d+):", host.read_until(b":", PATIENCE))
        assert head
        received += host.read_exactly(int(head[1]), PATIENCE)
    assert received == data
    sending.join()
    return time.perf_counter() - begin


def deliver(host: Host, remote: socket.socket, data: bytes) -> float:
    """Seconds for ``data`` to the UART, in pass-through."""
    begin = time.perf_counter()
    sending = threading.Thread(target=remote.sendall, args=(data,))
    sending.start()
    host.expect(data, PATIENCE)
    sending.join()
    return time.perf_counter() - begin


WAYS: tuple[tuple[str, str, Transfer, bool], ...] = (
    ("UART to TCP, AT+CIPSEND", "send", send, False),
    ("TCP to UART, +IPD", "ipd", deliver_framed, False),
    ("UART to TCP, pass-through", "take", take, True),
    ("TCP to UART, pass-through", "raw", deliver, True),
)


def measure(folder: Path) -> Iterator[Figure]:
    """For each way: both boards run side by side and are measured in turn."""
    data = os.urandom(SIZE)
    with boards.firmware(folder / "firmware", config={"baudrate": BAUDRATE}, timed=True) as (_, host):
        join(host)
        host.command(b"AT+SYSMSG=1")
        for name, mode, transfer, passing in WAYS:
            with TcpServer() as server:
                host.command(b"AT+CIPMODE=%d" % passing)
                host.command(b'AT+CIPSTART="TCP","127.0.0.1",%d' % server.port, b"CONNECT\r\n" + OK, patience=PATIENCE)
                remote = server.accept()
                if passing:
                    host.command(b"AT+CIPSEND", PROMPT)
                settings = {
                    "baudrate": BAUDRATE,
                    "port": server.port,
                    "mode": mode,
                    "line": len(LINE) + 2,
                    "size": PIECE,
                }
                with boards.script(folder / mode, "links.py", settings, timed=True) as (_, bare):
                    bare_remote = server.accept()
                    times = [(transfer(host, remote, data), transfer(bare, bare_remote, data)) for _ in range(ROUNDS)]
                if passing:
                    links.escape(host)
                host.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)
            speed, bare_speed = (SIZE / 1024 / statistics.median(column) for column in zip(*times, strict=True))
            yield figures.faster(f"{name}, {BAUDRATE} baud", speed, "KB/s", bare_speed, TARGET)
