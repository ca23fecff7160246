"""What the module is for, as one story: a host joins a network, stores data, sleeps, is woken, upgrades the module."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sim.board import Board
from tests.system import upgrades
from tests.system.boards import wait_for_level
from tests.system.host import OK, PROMPT, READY, WRITE_OK, Host
from tests.system.http_server import HttpServer

WAKE_GPIO = 18
MEASUREMENTS = bytes(range(256)) * 40

pytestmark = pytest.mark.simulator("makes the network drop and watches the wake pin")


def test_the_main_job(make_board: Callable[..., Board]) -> None:
    with make_board() as board, HttpServer() as server:
        # The host opens the tty. The module has just started.
        host = Host(board.port)
        host.expect(READY)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        assert upgrades.version(host) == "0.0.0-dev"

        # It joins the Wi-Fi.
        host.command(b"AT+CWMODE=1")
        host.command(b'AT+CWJAP="sim-ap","sim-password"', b"WIFI CONNECTED\r\nWIFI GOT IP\r\n", OK)
        host.command(b"AT+CWSTATE?", b'+CWSTATE:2,"sim-ap"\r\n', OK)

        # It keeps data in the module's RAM, because it has too little of its own.
        size = len(MEASUREMENTS)
        host.command(b"AT+USERRAM=1,%d" % size)
        host.command(b"AT+USERRAM=2,%d" % size, PROMPT)
        host.write(MEASUREMENTS)
        host.expect(WRITE_OK)

        # It wants to be woken by GPIO18, and goes to sleep.
        host.command(b"AT+USERWKMCUCFG=1,1,%d,1,10000,3" % WAKE_GPIO)
        assert board.pins.level(WAKE_GPIO) == 0
        host.command(b"AT+USERMCUSLEEP=1")

        # The network drops: the module wakes the host, waits for its word, and only then tells.
        board.network.drop()
        wait_for_level(board, WAKE_GPIO, 1)
        host.expect_nothing()
        host.command(b"AT+USERMCUSLEEP=0", OK, b"WIFI DISCONNECT\r\n")
        wait_for_level(board, WAKE_GPIO, 0)
        board.network.restore()
        host.expect(b"WIFI CONNECTED\r\nWIFI GOT IP\r\n")

        # The data are still there.
        pieces = [MEASUREMENTS[start : start + 1024] for start in range(0, size, 1024)]
        host.command(b"AT+USERRAM=3,%d" % size, *(b"+USERRAM:%d," % len(piece) + piece for piece in pieces), OK)
        host.command(b"AT+USERRAM=0")

        # It upgrades the module from a web server.
        server.files["/firmware/esp-at-2.0.0.bin"] = upgrades.image("2.0.0")
        url = server.url("/firmware/esp-at-2.0.0.bin").encode()
        host.command(b"AT+USEROTA=%d" % len(url), b"\r\nOK\r\n\r\n>")
        host.write(url)
        host.expect(b"\r\nRecv %d bytes\r\n" % len(url) + b"\r\nOK\r\n" + b"\r\nready\r\n", 30)
        host.expect(b"WIFI CONNECTED\r\nWIFI GOT IP\r\n")

        # The new code answers, from the other slot, and stays.
        host.command(b"ATE0", b"ATE0\r\n", OK)
        assert upgrades.version(host) == "2.0.0"
        assert (upgrades.running(board).label, upgrades.running(board).state) == ("ota_1", "valid")
        host.command(b"AT+RST", OK, READY)
        assert [slot for _, slot in board.boots] == ["ota_0", "ota_1", "ota_1"]
        host.close()
