"""Adafruit's CircuitPython driver for ESP-AT, as it is on PyPI, from reset to an echoed megabyte.

It talks over the board's tty; a pyserial port is what it takes for a UART.
"""

from __future__ import annotations

import gc
import importlib
import os
from collections.abc import Iterator
from typing import Any

import pytest
import serial

from sim.board import Board
from tests.system import circuitpython
from tests.system.servers import TcpServer, receive

circuitpython.install()
adafruit_espatcontrol = importlib.import_module("adafruit_espatcontrol.adafruit_espatcontrol")

MEGABYTE = 1 << 20
PIECE = 8192
CONFIG = {"wifi_poll_ms": 50}


@pytest.fixture
def quick_collections() -> Iterator[None]:
    """The driver collects garbage all the time, which takes long with all that a test has in memory."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("quick_collections")
def test_from_reset_to_an_echoed_megabyte(board: Board, ssid: bytes, password: bytes) -> None:
    board.wait_for_console(b"Loaded app", 20)
    with serial.serial_for_url(board.port, 115200, timeout=5) as uart, TcpServer() as server:
        driver: Any = adafruit_espatcontrol.ESP_ATcontrol(uart, 115200)
        assert driver.soft_reset()
        driver.begin()
        assert driver.get_version().startswith("AT version:")
        driver.connect({"ssid": ssid.decode(), "password": password.decode()})
        assert driver.local_ip == "192.168.1.23"
        assert driver.nslookup("localhost") == "127.0.0.1"
        assert isinstance(driver.ping("127.0.0.1"), int)
        assert driver.socket_connect("TCP", "127.0.0.1", server.port)
        with server.accept() as remote:
            data = os.urandom(MEGABYTE)
            for begin in range(0, MEGABYTE, PIECE):
                piece = data[begin : begin + PIECE]
                assert driver.socket_send(piece)
                # The driver throws away what comes before it asks for it.
                remote.sendall(receive(remote, PIECE))
                received = b""
                while len(received) < PIECE:
                    more = driver.socket_receive()
                    assert more
                    received += more
                assert received == piece
            driver.socket_disconnect()
            assert remote.recv(1) == b""
        assert driver.status != driver.STATUS_SOCKETOPEN
