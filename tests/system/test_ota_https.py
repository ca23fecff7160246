"""AT+USEROTA from HTTPS servers: encrypted only without a CA file on the board, verified with one."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from sim.board import Board
from tests.system import slots, upgrades
from tests.system.breaking_server import Breaking, File
from tests.system.certificates import authority, server_context
from tests.system.conftest import MakeBoard
from tests.system.host import OK, READY, Host, error
from tests.system.http_server import HttpServer, closed_port
from tests.system.time_server import TimeServer
from tests.system.upgrades import JOINED, send_url, wait_for_progress

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


def join(host: Host, ssid: bytes, password: bytes) -> None:
    """From ready to the state of ``staying``."""
    host.expect(READY, 20)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    host.command(b"AT+CWMODE=1,0")
    host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)
    host.command(b"AT+USEROTACFG=0,0")
    host.command(b"AT+SYSLOG=1")


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
    with closed_port() as port:
        slots.refused(online, board, f"https://{NAME}:{port}/image.bin", TRANSFER)


def test_from_http_to_https(online: Host, board: Board, server: HttpServer, image: bytes) -> None:
    with HttpServer(NAME) as plain:
        plain.redirects["/image.bin"] = server.url("/image.bin")
        slots.download(online, board, plain.url("/image.bin"), image)


def test_not_from_https_to_http(online: Host, board: Board, server: HttpServer, image: bytes) -> None:
    # Whoever is in between could answer.
    with HttpServer(NAME) as plain:
        plain.files["/image.bin"] = image
        server.redirects["/moved"] = plain.url("/image.bin")
        slots.refused(online, board, server.url("/moved"), TRANSFER)
        assert plain.requests == []


def test_a_connection_that_breaks(online: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image), [30_000, 20_000, None])
    with breaking.serve(address=NAME, tls=server_context("Right", NAME)) as https:
        slots.download(online, board, https.url(), image)
    assert breaking.ranges() == [None, "bytes=30000-", "bytes=50000-"]


def test_another_server_in_the_middle_of_a_download(online: Host, board: Board, image: bytes) -> None:
    # Its certificate is refused each time.
    breaking = Breaking(File(image), [30_000, None])
    wrong = server_context("Wrong", NAME)
    with breaking.serve(address=NAME, tls=server_context("Right", NAME)) as https:

        def before(number: int) -> None:
            https.use(wrong)

        breaking.before = before
        slots.refused(online, board, https.url(), TRANSFER)
    assert breaking.ranges() == [None]


# A handshake, and a network, that stand still.


@pytest.fixture
def impatient(make_board: MakeBoard, ssid: bytes, password: bytes) -> Iterator[tuple[Host, Board]]:
    """A board that waits for a second only, without a CA file."""
    config = {**CONFIG, "ota_timeout_ms": 1000, "ota_pause_ms": 100}
    with make_board(config) as board:
        board.network.hosts[NAME] = "127.0.0.1"
        host = Host(board.port)
        join(host, ssid, password)
        yield host, board
        host.close()


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x03\x00\x7a\x02\x00"], ids=["nothing", "half-a-record"])
def test_a_handshake_that_stands_still(impatient: tuple[Host, Board], image: bytes, said: bytes) -> None:
    host, board = impatient
    with socket.create_server(("127.0.0.1", 0)) as listener:
        send_url(host, f"https://{NAME}:{listener.getsockname()[1]}/image.bin")
        connection, _ = listener.accept()
        with connection:
            connection.sendall(said)
            # The port is served meanwhile, and so is the watchdog.
            host.command(b"AT+USEROTA?", b"+USEROTA:1,0,0\r\n", OK)
            host.expect(error(TIMED_OUT), 10)
        assert len(board.boots) == 1
    with HttpServer(NAME, server_context("Right", NAME)) as https:
        https.files["/image.bin"] = image
        slots.download(host, board, https.url("/image.bin"), image)


def test_wifi_goes_and_comes_back(impatient: tuple[Host, Board], image: bytes) -> None:
    host, board = impatient
    breaking = Breaking(File(image), [30_000, None], stalls={0})
    with breaking.serve(address=NAME, tls=server_context("Right", NAME)) as https:
        send_url(host, https.url())
        wait_for_progress(host, 28_000)
        board.network.drop()
        host.expect(b"WIFI DISCONNECT\r\n")
        board.network.restore()
        host.expect(JOINED + OK, 30)
    assert slots.content(board, len(image)) == image
    assert breaking.ranges() == [None, "bytes=30000-"]


def test_wifi_goes_and_does_not_come_back(impatient: tuple[Host, Board], image: bytes) -> None:
    host, board = impatient
    breaking = Breaking(File(image), [30_000, None], stalls={0})
    with breaking.serve(address=NAME, tls=server_context("Right", NAME)) as https:
        send_url(host, https.url())
        wait_for_progress(host, 28_000)
        board.network.drop()
        # Names are not found any more.
        host.expect(b"WIFI DISCONNECT\r\n" + error(TRANSFER), 30)
        assert slots.content(board, 16) == b"\xff" * 16
        board.network.restore()
        host.expect(JOINED)
        slots.download(host, board, https.url(), image)


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
        join(host, ssid, password)
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
