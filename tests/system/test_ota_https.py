"""AT+USEROTA from HTTPS servers: encrypted only without a CA file on the board, verified with one."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from sim.board import Board
from tests.system import slots, upgrades
from tests.system.certificates import authority, server_context
from tests.system.conftest import MakeBoard
from tests.system.host import OK, READY, Host, error
from tests.system.http_server import HttpServer, free_port
from tests.system.time_server import TimeServer
from tests.system.upgrades import JOINED, send_url

CONFIG = {"wifi_poll_ms": 20, "ota_timeout_ms": 6000, "ota_attempts": 3, "ota_pause_ms": 20, "trial_ms": 600_000}
USER_FILES = {"ca.pem": authority("Right")}
NAME = "updates.example"
NTP = 123
TRANSFER = 0x010A0007
TIMED_OUT = 0x010A0009


@pytest.fixture(scope="module")
def image() -> bytes:
    """An image that is not the one that runs."""
    return upgrades.image("2.0.0")


@pytest.fixture(scope="module")
def server(image: bytes) -> Iterator[HttpServer]:
    """A server whose certificate is right for NAME, with the image at /image.bin."""
    with HttpServer(NAME, server_context("Right", NAME)) as https:
        https.files["/image.bin"] = image
        yield https


@pytest.fixture(scope="module")
def clock() -> Iterator[TimeServer]:
    """A time server that is right."""
    with TimeServer(int(time.time())) as ntp:
        yield ntp


@pytest.fixture
def online(staying: Host, board: Board, clock: TimeServer) -> Host:
    """A module with the CA file, a time server and a name server."""
    board.network.hosts.update({NAME: "127.0.0.1", "other.example": "127.0.0.1", "pool.ntp.org": "127.0.0.1"})
    board.network.ports[NTP] = clock.port
    return staying


# With a CA file. The first tests want a clock that is not set: each board starts in 2000.


def test_no_time_server(online: Host, board: Board, server: HttpServer) -> None:
    with TimeServer(0, silent=True) as silent:
        board.network.ports[NTP] = silent.port
        slots.refused(online, board, server.url("/image.bin"), TIMED_OUT)
        assert silent.asked == 3
    assert server.requests == []


def test_the_name_of_the_time_server_is_unknown(online: Host, board: Board, server: HttpServer) -> None:
    del board.network.hosts["pool.ntp.org"]
    slots.refused(online, board, server.url("/image.bin"), TIMED_OUT)
    assert server.requests == []


def test_the_right_authority(online: Host, board: Board, server: HttpServer, clock: TimeServer, image: bytes) -> None:
    slots.download(online, board, server.url("/image.bin"), image)
    assert clock.asked == 1
    # The clock is right from now on.
    slots.clear(board)
    slots.download(online, board, server.url("/image.bin"), image)
    assert clock.asked == 1


def test_the_default_port(online: Host, board: Board, server: HttpServer, image: bytes) -> None:
    board.network.ports[443] = server.port
    slots.download(online, board, f"https://{NAME}/image.bin", image)
    assert server.headers[-1]["Host"] == NAME


def test_a_wrong_authority(online: Host, board: Board, image: bytes) -> None:
    with HttpServer(NAME, server_context("Wrong", NAME)) as wrong:
        wrong.files["/image.bin"] = image
        slots.refused(online, board, wrong.url("/image.bin"), TRANSFER)
        assert wrong.requests == []


def test_another_servers_certificate(online: Host, board: Board, server: HttpServer) -> None:
    before = len(server.requests)
    url = server.url("/image.bin")
    slots.refused(online, board, url.replace(NAME, "other.example"), TRANSFER)
    slots.refused(online, board, url.replace(NAME, "127.0.0.1"), TRANSFER)
    assert len(server.requests) == before


def test_a_server_without_tls(online: Host, board: Board, image: bytes) -> None:
    with HttpServer(NAME) as plain:
        plain.files["/image.bin"] = image
        slots.refused(online, board, plain.url("/image.bin").replace("http:", "https:"), TRANSFER)


def test_nobody_there(online: Host, board: Board) -> None:
    slots.refused(online, board, f"https://{NAME}:{free_port()}/image.bin", TRANSFER)


def test_from_http_to_https(online: Host, board: Board, server: HttpServer, image: bytes) -> None:
    with HttpServer(NAME) as plain:
        plain.redirects["/image.bin"] = server.url("/image.bin")
        slots.download(online, board, plain.url("/image.bin"), image)


def test_a_larger_image_and_the_digest(online: Host, board: Board, server: HttpServer, image: bytes) -> None:
    large = upgrades.enlarged(image, 300_000)
    server.files["/large.bin"] = server.chunked["/chunked.bin"] = large
    slots.download(online, board, server.url("/large.bin"), large)
    slots.clear(board)
    slots.download(online, board, server.url("/chunked.bin"), large)


def test_aborted(online: Host, board: Board, server: HttpServer, image: bytes) -> None:
    server.files["/held.bin"] = image
    server.held.add("/held.bin")
    count = len(server.requests)
    send_url(online, server.url("/held.bin"))
    assert server.wait_for_request(count + 1)
    online.command(b"AT+USEROTA?", b"+USEROTA:1,0,0\r\n", OK)
    online.command(b"AT+USEROTAABORT", OK, error(0x010A0000))
    slots.download(online, board, server.url("/image.bin"), image)


# Without a CA file, or with one that is none.


@pytest.fixture
def bare(
    make_board: MakeBoard, ssid: bytes, password: bytes, request: pytest.FixtureRequest
) -> Iterator[tuple[Host, Board]]:
    """A board with these files in its partition user, and its host as ``staying`` has it."""
    with make_board(CONFIG, request.param) as board:
        board.network.hosts[NAME] = "127.0.0.1"
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        host.command(b"AT+CWMODE=1,0")
        host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)
        host.command(b"AT+USEROTACFG=0,0")
        host.command(b"AT+SYSLOG=1")
        yield host, board
        host.close()


@pytest.mark.parametrize("bare", [{}], indirect=True)
def test_encrypted_only(bare: tuple[Host, Board], image: bytes) -> None:
    host, board = bare
    # No time server is asked, and no name compared.
    for issuer, name in (("Wrong", NAME), ("Right", "other.example")):
        with HttpServer(NAME, server_context(issuer, name)) as https:
            https.files["/image.bin"] = image
            slots.clear(board)
            slots.download(host, board, https.url("/image.bin"), image)


@pytest.mark.parametrize("bare", [{"ca.pem": b""}, {"ca.pem": b"no certificate"}], indirect=True)
def test_a_broken_ca_file_does_not_switch_verification_off(bare: tuple[Host, Board], server: HttpServer) -> None:
    host, board = bare
    count = len(server.requests)
    slots.refused(host, board, server.url("/image.bin"), TRANSFER)
    assert len(server.requests) == count
