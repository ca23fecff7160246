"""While an upgrade runs the port stays alive, and a host that feeds one loses no byte: at the line's real speed, and
counted in erases of the flash.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from sim.board import Board
from sim.flash import ERASE_SECONDS
from tests.system import slots, upgrades
from tests.system.conftest import MakeBoard
from tests.system.feeding import feed
from tests.system.host import BUSY, OK, READY, Host
from tests.system.http_server import RawServer
from tests.system.upgrades import JOINED, after_restart, send_url, version

pytestmark = pytest.mark.simulator("runs at the line's speed, watches the flash")

CONFIG = {"wifi_poll_ms": 20, "trial_ms": 600_000}
VERSION = "2.0.0"
PATIENCE = 30.0
REPORT = re.compile(rb"\+USEROTA:(\d+),(\d+)\r\n")


@pytest.fixture(scope="module")
def data() -> bytes:
    """The image to upgrade to."""
    return upgrades.image(VERSION)


def ready(board: Board) -> Host:
    """The host of a board that has just started, with echo off."""
    host = Host(board.port)
    host.expect(READY, PATIENCE)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    return host


def join(host: Host, ssid: bytes, password: bytes) -> None:
    host.command(b"AT+CWMODE=1,0")
    host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)


class Halves:
    """A server that sends half of an image, and the rest when ``go_on`` is set."""

    def __init__(self, data: bytes) -> None:
        self.go_on = threading.Event()
        self._data = data

    def __call__(self, connection: socket.socket) -> None:
        half = len(self._data) // 2
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self._data)
        connection.sendall(head + self._data[:half])
        self.go_on.wait(PATIENCE)
        connection.sendall(self._data[half:])


@pytest.fixture
def halves(data: bytes) -> Iterator[Halves]:
    """Goes on at the end of the test, if it has not before."""
    serve = Halves(data)
    yield serve
    serve.go_on.set()


def test_the_port_stays_alive(make_board: MakeBoard, halves: Halves, data: bytes, ssid: bytes, password: bytes) -> None:
    with make_board(CONFIG, timed=True) as board, RawServer(halves) as server:
        host = ready(board)
        join(host, ssid, password)
        host.command(b"AT+USEROTACFG=1,1")
        send_url(host, server.url())
        reports = b""
        while reports.count(b"\n") < 9:
            reports += host.read_until(b"\r\n", PATIENCE)
        host.command(b"AT", BUSY)
        host.send(b"AT+USEROTA?")
        state = host.read_until(OK)
        assert re.fullmatch(rb"\+USEROTA:1,\d+,%d\r\n\r\nOK\r\n" % len(data), state)
        halves.go_on.set()
        reports += host.read_until(OK, PATIENCE).removesuffix(OK)
        assert REPORT.sub(b"", reports) == b""
        told = [(int(received), int(total)) for received, total in REPORT.findall(reports)]
        assert 20 <= len(told) <= 21
        assert {total for _, total in told} == {len(data)}
        assert told == sorted(set(told))
        assert told[-1][0] == len(data)
        assert board.uart(1).lost == 0
        after_restart(host)
        assert version(host) == VERSION
        host.close()


@pytest.mark.parametrize("piece", [4096, 1000])
def test_a_fed_upgrade_without_flow_control_loses_no_byte(make_board: MakeBoard, data: bytes, piece: int) -> None:
    with make_board({**CONFIG, "baudrate": 921600, "flow_control": 0}, timed=True) as board:
        host = ready(board)
        board.uart(1).host_honours_rts = False
        feed(host, data, piece)
        assert board.uart(1).lost == 0
        host.command(b"AT+USEROTAEND", patience=PATIENCE)
        host.expect(READY, PATIENCE)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        assert version(host) == VERSION
        written = board.flash.partition(upgrades.running(board).label)
        assert board.flash.read(written.address, len(data)) == data
        host.close()


class Watch:
    """Has a byte arrive during each erase, and notes how many bytes nobody has fetched when the next one begins.

    This needs no clock: what arrived before one erase has been fetched before the next, or the port was left alone for
    longer than that.
    """

    def __init__(self, board: Board, host: Host) -> None:
        self.erases = 0
        self.longest = 0
        self._uart = board.uart(1)
        self._host = host
        self._waiting = 0
        board.flash.on_busy = self._busy

    def _busy(self, seconds: float) -> None:
        if seconds != ERASE_SECONDS:
            return
        self.erases += 1
        left = self._uart.any()
        self._waiting = self._waiting + 1 if left else 0
        self.longest = max(self.longest, 1 + self._waiting)
        self._host.write(b"x")
        deadline = time.monotonic() + PATIENCE
        while self._uart.any() == left and time.monotonic() < deadline:
            time.sleep(0.0002)


def test_the_port_is_never_left_alone_for_longer_than_one_erase(
    make_board: MakeBoard, halves: Halves, data: bytes, ssid: bytes, password: bytes
) -> None:
    with make_board(CONFIG) as board, RawServer(halves) as server:
        host = ready(board)
        join(host, ssid, password)
        host.command(b"AT+USEROTACFG=0,0")
        halves.go_on.set()
        watch = Watch(board, host)
        send_url(host, server.url())
        while (answer := host.read_until(b"\r\n", PATIENCE)) != b"OK\r\n":
            assert answer in (b"\r\n", BUSY[2:])
        board.flash.on_busy = None
        sectors = -(-len(data) // 4096)
        print(f"{watch.erases} erases, at most {watch.longest} of them without a look at the port")
        assert watch.erases >= sectors
        assert watch.longest == 1
        assert slots.content(board, len(data)) == data
        host.close()
