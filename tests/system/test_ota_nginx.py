"""Upgrades from nginx, over connections that are lost, and of twenty boards at once."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from sim.board import Board
from tests.system import nginx, upgrades
from tests.system.boards import flash_with
from tests.system.conftest import MakeBoard
from tests.system.host import OK, READY, Host, error
from tests.system.nginx import FaultyProxy, Nginx, Request
from tests.system.upgrades import JOINED, after_restart, send_url, upgrade, version

PROGRAM = nginx.find()
pytestmark = [
    pytest.mark.simulator("the server is on this machine"),
    pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed"),
]

CONFIG = {
    "wifi_poll_ms": 20,
    "ota_timeout_ms": 2000,
    "ota_pause_ms": 100,
    "ota_pause_most_ms": 400,
    "ota_attempts": 6,
    "trial_ms": 600_000,
}
TRANSFER = 0x010A0007
SLOW = 60_000
BOARDS = 20
# A request's beginning as nginx tells it is exact to two milliseconds.
CLOCK = 0.002


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nginx]:
    """nginx with nothing on it."""
    assert PROGRAM is not None
    with Nginx(PROGRAM, tmp_path, SLOW) as running:
        yield running


@pytest.fixture
def online(host: Host, ssid: bytes, password: bytes) -> Host:
    """A module on the network."""
    if not host.answer(b"AT+CWSTATE?").startswith(b"+CWSTATE:2,"):
        join(host, ssid, password)
    return host


def join(host: Host, ssid: bytes, password: bytes) -> None:
    host.command(b"AT+CWMODE=1,0")
    host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)


@pytest.fixture
def other(online: Host) -> str:
    """A version that does not run now."""
    return "3.0.0" if version(online) == "2.0.0" else "2.0.0"


def begins(requests: list[Request]) -> list[int]:
    """Where each request wants the file to begin."""
    return [0 if one.range == "-" else int(one.range.removeprefix("bytes=").removesuffix("-")) for one in requests]


@pytest.mark.parametrize("path", ["/image.bin", "/slow/image.bin", "/compressed/image.bin", "/no-range/image.bin"])
def test_one_request(online: Host, server: Nginx, other: str, path: str) -> None:
    data = upgrades.image(other)
    server.put("image.bin", data)
    upgrade(online, f"http://127.0.0.1:{server.port}{path}")
    assert version(online) == other
    (request,) = server.requests()
    assert (request.status, request.range, request.sent) == (200, "-", len(data))


def test_redirect(online: Host, server: Nginx, other: str) -> None:
    server.put("image.bin", upgrades.image(other))
    upgrade(online, f"http://127.0.0.1:{server.port}/moved/?to=image.bin")
    assert version(online) == other
    assert [request.status for request in server.requests()] == [302, 200]


def test_lost_connections_are_resumed(online: Host, server: Nginx, other: str) -> None:
    server.put("image.bin", upgrades.image(other))
    with FaultyProxy(server.port, lambda number: 15_000 if number < 4 else None) as proxy:
        upgrade(online, proxy.url("/image.bin"))
    assert version(online) == other
    assert (proxy.connections, proxy.lost) == (4, 3)
    requests = server.requests()
    assert [request.status for request in requests] == [200, 206, 206, 206]
    wanted = begins(requests)
    assert wanted[0] == 0
    # The header of each answer and what the reset threw away is missing from what a connection carried.
    assert all(0 < after - before < 15_000 for before, after in pairwise(wanted))
    tags = {request.if_range for request in requests[1:]}
    assert len(tags) == 1
    assert tags.pop().startswith('"')


def test_a_server_without_ranges_begins_anew(online: Host, server: Nginx, other: str) -> None:
    data = upgrades.image(other)
    server.put("image.bin", data)
    with FaultyProxy(server.port, lambda number: 40_000 if number < 3 else None) as proxy:
        upgrade(online, proxy.url("/no-range/image.bin"))
    assert version(online) == other
    requests = server.requests()
    assert [request.status for request in requests] == [200, 200, 200]
    assert requests[-1].sent == len(data)


def test_a_file_that_is_replaced_meanwhile_is_never_spliced(online: Host, server: Nginx, other: str) -> None:
    # nginx makes its ETag of the time in seconds and of the size.
    server.put("image.bin", upgrades.enlarged(upgrades.image("9.9.9"), 4096))

    def most(number: int) -> int | None:
        if number == 2:
            server.put("image.bin", upgrades.image(other))
        return 30_000 if number == 1 else None

    with FaultyProxy(server.port, most) as proxy:
        upgrade(online, proxy.url("/image.bin"))
    assert version(online) == other
    requests = server.requests()
    assert [request.status for request in requests] == [200, 200]
    assert begins(requests)[1] > 0


def test_it_gives_up_after_the_last_attempt(online: Host, server: Nginx, other: str) -> None:
    server.put("image.bin", upgrades.image(other))
    before = version(online)
    online.command(b"AT+SYSLOG=1")
    with FaultyProxy(server.port, lambda number: 8000) as proxy:
        send_url(online, proxy.url("/image.bin"))
        online.expect(error(TRANSFER), 20)
    assert proxy.connections == CONFIG["ota_attempts"]
    assert version(online) == before
    upgrade(online, f"http://127.0.0.1:{server.port}/image.bin")
    assert version(online) == other


@contextlib.contextmanager
def started(board: Board) -> Iterator[Host]:
    """The host of a board that is switched on for so long."""
    with board, contextlib.closing(Host(board.port)) as host:
        host.expect(READY, 30)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        yield host


@pytest.mark.timeout(180)
def test_twenty_boards_at_once(make_board: MakeBoard, server: Nginx, ssid: bytes, password: bytes) -> None:
    server.put("image.bin", upgrades.image("2.0.0"))
    flash = flash_with({"config.json": json.dumps(CONFIG).encode()})
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(FaultyProxy(server.port, lambda number: 9000 if number % 4 == 0 else None))
        hosts = [stack.enter_context(started(make_board(flash_image=flash))) for _ in range(BOARDS)]
        for host in hosts:
            join(host, ssid, password)
        for number, host in enumerate(hosts):
            send_url(host, proxy.url(f"/image.bin?board={number}"))
        for host in hosts:
            host.expect(OK, 60)
        for host in hosts:
            after_restart(host)
            assert version(host) == "2.0.0"
        assert proxy.lost == proxy.connections // 4
    requests = server.requests()
    assert len(requests) == proxy.connections
    print(f"{BOARDS} boards: {len(requests)} requests, {proxy.lost} connections lost")
    for number in range(BOARDS):
        asked_as_allowed([request for request in requests if request.board == str(number)])


def asked_as_allowed(requests: list[Request]) -> None:
    """One board's requests: no more than it may make, and none before its pause is over."""
    assert 1 <= len(requests) <= CONFIG["ota_attempts"]
    assert [request.status for request in requests] == [200] + [206] * (len(requests) - 1)
    for attempt, (before, after) in enumerate(pairwise(requests)):
        pause = min(CONFIG["ota_pause_ms"] << attempt, CONFIG["ota_pause_most_ms"]) / 1000
        assert after.began - before.began >= pause / 2 - CLOCK
