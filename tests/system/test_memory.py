"""The firmware with its working memory fits into the first area of a board's heap, 56,000 bytes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from sim.board import FIRST_AREA, Board
from tests.system import signing
from tests.system.all_commands import Walk
from tests.system.certificates import authority, server_context
from tests.system.conftest import MakeBoard
from tests.system.host import ERROR, OK, READY, Host
from tests.system.http_server import HttpServer, RawServer
from tests.system.time_server import TimeServer
from tests.system.upgrades import JOINED, image, send_url

NAME = "updates.example"
# The power that verifies a signature takes more than anything else: a board's heap may grow then, for TLS is gone.
SIGNED_HEAP = 60 * 1024
HEAP = FIRST_AREA
BLOCK = 64 * 1024
# A further area of the heap, with MicroPython's tables: 3 bits for each 16 bytes. On a board it is one of its own; here
# it lies behind what the start has left of the first, in one piece, so it is larger.
BLOCK_AREA = BLOCK + BLOCK * 3 // 128 + 12288
SMALL_BLOCK = 32 * 1024
# What a smaller block adds: the heap is doubled at least.
SMALL_AREA = HEAP


@pytest.mark.parametrize(("heap", "block"), [(HEAP, 0), (HEAP + BLOCK_AREA, BLOCK)])
def test_all_commands_in_a_small_heap(make_board: MakeBoard, heap: int, block: int) -> None:
    board = make_board(heap=heap)
    with board, HttpServer() as server:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        Walk(host, server).run(block)
        host.close()
        errors = [line for line in board.console.splitlines() if b"Error" in line]
        # The file that is not there.
        assert errors == [b"at: upgrade failed: HttpError status 404"]


def test_http_and_mqtt_beside_a_block(make_board: MakeBoard) -> None:
    with make_board(heap=HEAP + SMALL_AREA) as board, HttpServer() as server:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        Walk(host, server).run_clients(SMALL_BLOCK)
        host.close()
        assert b"Error" not in board.console


def _about_to_upgrade(board: Board, ssid: bytes, password: bytes) -> Host:
    """The host of a board that has just started and joined, and does not restart after an upgrade."""
    host = Host(board.port)
    host.expect(READY, 20)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    host.command(b"AT+CWMODE=1,0")
    host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)
    host.command(b"AT+USEROTACFG=0,0")
    return host


def saying(answer: bytes) -> Callable[[socket.socket], None]:
    """A server that says this to everybody."""
    return lambda connection: connection.sendall(answer)


def test_hostile_servers_in_a_small_heap(make_board: MakeBoard, ssid: bytes, password: bytes) -> None:
    data = image("2.0.0")
    head = b"HTTP/1.1 200 OK\r\n"
    long_lines = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 7000) for number in range(60))
    taken = (
        head + long_lines + b"Content-Length: %d\r\n\r\n" % len(data) + data,
        head + b'ETag: "%s"\r\n\r\n' % (b"y" * 7000) + data,
        head + b"Transfer-Encoding: chunked\r\n\r\nffffffff;%s\r\n" % (b"y" * 7000) + data,
    )
    refused = (
        head + b"X: y\r\n" * 500,
        head + b"y" * 200_000,
        b"HTTP/1.1 302 -\r\nLocation: /%s\r\n\r\n" % (b"y" * 100_000),
        b"HTTP/1.1 302 -\r\nLocation: /%s\r\n\r\n" % (b"y" * 8000),
        head + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 9000,
        head + b"\r\n" + b"\xe9" * 200_000,
    )
    with make_board({"ota_attempts": 1, "ota_timeout_ms": 5000, "wifi_poll_ms": 20}, heap=HEAP + 4096) as board:
        host = _about_to_upgrade(board, ssid, password)
        for answer in refused + taken:
            with RawServer(saying(answer)) as server:
                send_url(host, server.url())
                assert host.read_answer(20) == (OK if answer in taken else ERROR), answer[:60]
        host.close()


def test_a_signed_image_over_verified_https_in_a_small_heap(
    make_board: MakeBoard, ssid: bytes, password: bytes
) -> None:
    files = {"ca.pem": authority("Right"), "ota_key.pem": signing.public_key("owner")}
    with (
        TimeServer(int(time.time())) as clock,
        HttpServer(NAME, server_context("Right", NAME)) as server,
        make_board(user_files=files, heap=SIGNED_HEAP) as board,
    ):
        board.network.hosts.update({NAME: "127.0.0.1", "pool.ntp.org": "127.0.0.1"})
        board.network.ports[123] = clock.port
        host = _about_to_upgrade(board, ssid, password)
        server.files["/image.bin"] = signing.signed(image("2.0.0"), "owner")
        for _ in range(2):
            send_url(host, server.url("/image.bin"))
            host.expect(OK, 30)
        host.close()
