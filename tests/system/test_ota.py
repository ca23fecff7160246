"""AT+USEROTA: upgrades that work (SPEC, section 3). Images come from aiohttp's server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sim.board import Board
from tests.system import upgrades
from tests.system.host import BUSY, ERROR, OK, PROMPT, READY, Host, error
from tests.system.http_server import HttpServer, RawServer
from tests.system.upgrades import JOINED, after_restart, join, send_url, upgrade, version

CONFIG = {"wifi_poll_ms": 20, "ota_timeout_ms": 1000, "trial_ms": 600_000}

URL_MOST = 8192


@pytest.fixture
def http(http_host: str) -> Iterator[HttpServer]:
    """A server with nothing on it."""
    with HttpServer(http_host) as server:
        yield server


@pytest.fixture
def online(host: Host, request: pytest.FixtureRequest, ssid: bytes, password: bytes) -> Host:
    """A module on the network that takes the images of these tests."""
    if request.config.getoption("--port") and upgrades.official_base() is None:
        pytest.skip(f"a real board runs only images on a MicroPython build: set {upgrades.BASE_VARIABLE}")
    join(host, ssid, password)
    return host


@pytest.fixture
def other(request: pytest.FixtureRequest, online: Host) -> tuple[str, bytes]:
    """A version that does not run now, and its image."""
    name = "3.0.0" if version(online) == "2.0.0" else "2.0.0"
    return name, upgrades.image(name, official=bool(request.config.getoption("--port")))


Other = tuple[str, bytes]


# The whole way.


def test_every_byte_of_an_upgrade(online: Host, http: HttpServer, other: Other) -> None:
    name, http.files["/image.bin"] = other
    url = http.url("/image.bin").encode()
    online.send(b"AT+USEROTA=%d" % len(url))
    online.expect(b"\r\nOK\r\n\r\n>")
    online.write(url)
    online.expect(b"\r\nRecv %d bytes\r\n" % len(url) + b"\r\nOK\r\n" + b"\r\nready\r\n" + JOINED, 60)
    online.send(b"AT+GMR")
    answer = online.read_answer()
    assert answer.startswith(b"AT+GMR\r\nAT version:")
    assert b"\r\nBin version:%s(" % name.encode() in answer
    assert http.requests == ["/image.bin"]


def test_the_image_is_in_the_other_slot(online: Host, http: HttpServer, other: Other, board: Board) -> None:
    name, http.files["/image.bin"] = other
    before = upgrades.running(board)
    upgrade(online, http.url("/image.bin"))
    after = upgrades.running(board)
    assert (after.version, after.boot, after.state) == (name, True, "valid")
    assert {before.label, after.label} == {"ota_0", "ota_1"}
    written = next(part for part in board.flash.partitions if part.label == after.label)
    assert board.flash.read(written.address, len(other[1])) == other[1]


def test_there_and_back_again(online: Host, http: HttpServer, board: Board) -> None:
    http.files = {f"/{name}": upgrades.image(name) for name in ("2.0.0", "3.0.0")}
    labels = [upgrades.running(board).label]
    for _ in range(2):
        for name in ("2.0.0", "3.0.0"):
            upgrade(online, http.url(f"/{name}"))
            assert version(online) == name
            labels.append(upgrades.running(board).label)
    assert labels in (["ota_0", "ota_1"] * 2 + ["ota_0"], ["ota_1", "ota_0"] * 2 + ["ota_1"])


def test_with_an_official_base(online: Host, http: HttpServer) -> None:
    if upgrades.official_base() is None:
        pytest.skip(f"{upgrades.BASE_VARIABLE} does not name a MicroPython build for the ESP32")
    name = "5.0.0" if version(online) == "4.0.0" else "4.0.0"
    http.files["/image.bin"] = upgrades.image(name, official=True)
    upgrade(online, http.url("/image.bin"))
    assert version(online) == name


# How the body comes.


def test_chunked_body(online: Host, http: HttpServer, other: Other) -> None:
    name, http.chunked["/image.bin"] = other
    upgrade(online, http.url("/image.bin"))
    assert version(online) == name


@pytest.mark.parametrize("head", [b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"])
def test_body_that_ends_with_the_connection(online: Host, http_host: str, other: Other, head: bytes) -> None:
    name, data = other
    with RawServer(lambda connection: connection.sendall(head + data), http_host) as server:
        upgrade(online, server.url())
    assert version(online) == name


def test_more_than_the_image(online: Host, http: HttpServer, other: Other) -> None:
    name, data = other
    http.files["/image.bin"] = data + bytes(range(256)) * 40
    upgrade(online, http.url("/image.bin"))
    assert version(online) == name


def test_a_body_in_small_pieces(online: Host, http_host: str, other: Other) -> None:
    name, data = other

    def serve(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = b"HTTP/1.1 200 OK\r\nTRANSFER-encoding:  Chunked \r\n\r\n"
        for byte in head:
            connection.send(bytes([byte]))
        for start in range(0, len(data), 1009):
            piece = data[start : start + 1009]
            connection.sendall(b"%X;name=value\r\n%s\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\nTrailer: value\r\n\r\n")

    with RawServer(serve, http_host) as server:
        upgrade(online, server.url())
    assert version(online) == name


# URLs and requests.


@pytest.mark.parametrize("location", ["/image.bin", "image.bin", "http://HOST/image.bin", "//HOST/image.bin#there"])
def test_redirect(online: Host, http: HttpServer, other: Other, location: str) -> None:
    name, http.files["/image.bin"] = other
    http.redirects["/latest"] = location.replace("HOST", f"{http.address}:{http.port}")
    upgrade(online, http.url("/latest"))
    assert version(online) == name
    assert http.requests == ["/latest", "/image.bin"]


def test_redirects_one_after_the_other(online: Host, http: HttpServer, other: Other) -> None:
    name, http.files["/image.bin"] = other
    http.redirects = {"/1": "/2", "/2": "/3", "/3": "/4", "/4": "/5", "/5": "/image.bin"}
    upgrade(online, http.url("/1"))
    assert version(online) == name


def test_what_the_server_is_asked(online: Host, http: HttpServer, other: Other) -> None:
    name, http.files["/dir/image.bin"] = other
    upgrade(online, http.url("/dir/image.bin?a=1&b=%20#a-fragment"))
    assert version(online) == name
    assert http.requests == ["/dir/image.bin?a=1&b=%20"]
    assert http.headers[0]["Host"] == f"{http.address}:{http.port}"


def test_a_server_by_its_name(online: Host, http: HttpServer, other: Other, board: Board) -> None:
    name, http.files["/image.bin"] = other
    board.network.hosts["updates.example"] = "127.0.0.1"
    upgrade(online, f"http://updates.example:{http.port}/image.bin")
    assert version(online) == name
    assert http.headers[0]["Host"] == f"updates.example:{http.port}"


def test_the_longest_url(online: Host, http: HttpServer, other: Other) -> None:
    name, data = other
    path = "/" + "x" * (URL_MOST - len(http.url("/")))
    http.files[path] = data
    upgrade(online, http.url(path))
    assert version(online) == name
    assert http.requests == [path]


def test_the_shortest_url(online: Host) -> None:
    online.command(b"AT+USEROTA=1", PROMPT)
    online.write(b"x")
    online.expect(b"\r\nRecv 1 bytes\r\n" + ERROR)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"=0", 0x01070000),
        (b"=-1", 0x01070000),
        (b"=8193", 0x01070000),
        (b"=2147483648", 0x01080000),
        (b"=", 0x01080000),
        (b"=x", 0x01080000),
        (b"=10 ", 0x01080000),
        (b'="10"', 0x01050000),
        (b'="http://127.0.0.1/image.bin"', 0x01050000),
        (b"=10,", 0x01060102),
        (b"=10,1", 0x01060102),
        (b"", 0x010C0000),
    ],
)
def test_lengths_that_get_no_prompt(host: Host, line: bytes, code: int) -> None:
    host.command(b"AT+USEROTA" + line, ERROR)
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+USEROTA" + line, error(code))


def test_more_bytes_than_promised(online: Host, http: HttpServer, other: Other) -> None:
    name, http.files["/image.bin"] = other
    url = http.url("/image.bin").encode()
    online.command(b"AT+USEROTA=%d" % len(url), PROMPT)
    online.write(url + b"\r\nAT\r\nAT+GMR\r\n")
    online.expect(b"\r\nRecv %d bytes\r\n" % len(url) + BUSY + OK)
    after_restart(online)
    assert version(online) == name


# What goes on beside it.


@pytest.fixture
def held(http: HttpServer, other: Other) -> HttpServer:
    """A server that has the image at /image.bin, and answers when it is released."""
    _, http.files["/image.bin"] = other
    http.held.add("/image.bin")
    return http


def test_other_commands_get_busy(online: Host, held: HttpServer, other: Other) -> None:
    send_url(online, held.url("/image.bin"))
    assert held.wait_for_request()
    for line in (b"AT", b"AT+GMR", b"AT+USEROTA=10", b"nonsense"):
        online.command(line, BUSY)
        time.sleep(0.03)
    held.release()
    online.expect(OK, 60)
    after_restart(online)
    assert version(online) == other[0]


def test_busy_with_its_code(online: Host, held: HttpServer) -> None:
    online.command(b"AT+SYSLOG=1")
    send_url(online, held.url("/image.bin"))
    assert held.wait_for_request()
    online.command(b"AT", b"ERR CODE:0x010b0000\r\n" + BUSY)
    held.release()
    online.expect(OK, 60)
    after_restart(online)


def test_reports_flow_and_the_host_may_sleep(online: Host, held: HttpServer, board: Board) -> None:
    online.command(b"AT+USERWKMCUCFG=1,2,1,87,60000,1")
    online.command(b"AT+USERMCUSLEEP=1")
    send_url(online, held.url("/image.bin"))
    assert held.wait_for_request()
    board.network.kick()
    online.expect(b"W")
    online.command(b"AT+USERMCUSLEEP=0", OK, b"WIFI DISCONNECT\r\n" + JOINED)
    held.release()
    online.expect(OK, 60)
    after_restart(online)


def test_restart_in_the_middle(online: Host, held: HttpServer) -> None:
    before = version(online)
    send_url(online, held.url("/image.bin"))
    assert held.wait_for_request()
    online.command(b"AT+RST", OK)
    after_restart(online)
    assert version(online) == before


# The trial of the new image.


def start_trial(host: Host, http: HttpServer, data: bytes) -> None:
    """Upgrade, up to the moment when the new image has said all that it says by itself."""
    http.files["/image.bin"] = data
    send_url(host, http.url("/image.bin"))
    host.expect(OK + READY + JOINED, 60)


def test_valid_at_the_first_command(online: Host, http: HttpServer, other: Other, board: Board) -> None:
    start_trial(online, http, other[1])
    assert upgrades.running(board).state == "pending"
    online.command(b"AT", b"AT\r\n", OK)
    assert upgrades.running(board).state == "valid"
    board.reset()
    after_restart(online)
    assert version(online) == other[0]


def test_a_line_that_is_no_command_proves_nothing(online: Host, http: HttpServer, other: Other, board: Board) -> None:
    before = version(online)
    start_trial(online, http, other[1])
    for line in (b"x", b"at", b"AT+NONSENSE"):
        online.command(line, line + b"\r\n", ERROR)
    assert upgrades.running(board).state == "pending"
    board.reset()
    after_restart(online)
    assert version(online) == before
    upgrade(online, http.url("/image.bin"))
    assert version(online) == other[0]


def test_back_if_the_power_fails_on_trial(online: Host, http: HttpServer, other: Other, board: Board) -> None:
    before, slot = version(online), upgrades.running(board).label
    start_trial(online, http, other[1])
    board.power_cut()
    board.power_on()
    after_restart(online)
    assert (version(online), upgrades.running(board).label) == (before, slot)


def test_a_restart_right_after_ready_keeps_the_new_image(online: Host, http: HttpServer, other: Other) -> None:
    http.files["/image.bin"] = other[1]
    send_url(online, http.url("/image.bin"))
    online.expect(OK + READY, 60)
    online.write(b"AT+RST\r\n")
    online.read_until(b"AT+RST\r\n" + OK)
    # The connection may still be told before the restart.
    online.read_until(READY, 20)
    online.expect(JOINED, 20)
    online.command(b"ATE0", b"ATE0\r\n", OK)
    assert version(online) == other[0]


def test_restore_right_after_ready_keeps_the_new_image(online: Host, http: HttpServer, other: Other) -> None:
    start_trial(online, http, other[1])
    online.command(b"AT+RESTORE", b"AT+RESTORE\r\n", OK, READY, patience=20)
    online.command(b"ATE0", b"ATE0\r\n", OK)
    assert version(online) == other[0]


def test_an_upgrade_during_the_trial(online: Host, http: HttpServer, board: Board) -> None:
    http.files = {f"/{name}": upgrades.image(name) for name in ("2.0.0", "3.0.0")}
    first, second = ("2.0.0", "3.0.0") if version(online) != "2.0.0" else ("3.0.0", "2.0.0")
    send_url(online, http.url(f"/{first}"))
    online.expect(OK + READY + JOINED, 60)
    url = http.url(f"/{second}").encode()
    line = b"AT+USEROTA=%d" % len(url)
    online.command(line, line + b"\r\n", PROMPT)
    online.write(url)
    online.expect(b"\r\nRecv %d bytes\r\n" % len(url) + OK, 60)
    after_restart(online)
    assert version(online) == second


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether the condition has come true in time."""
    ending = threading.Event()
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        ending.wait(0.02)
    return condition()


@pytest.mark.simulator("the time of the trial is shortened")
def test_valid_after_the_time_of_the_trial(
    make_board: Callable[..., Board], http: HttpServer, ssid: bytes, password: bytes
) -> None:
    with make_board({"trial_ms": 500, "wifi_poll_ms": 20}) as board:
        host = Host(board.port)
        host.expect(READY)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        host.command(b"AT+CWMODE=1")
        host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK)
        start_trial(host, http, upgrades.image("2.0.0"))
        assert wait_until(lambda: upgrades.running(board).state == "valid")
        board.reset()
        after_restart(host)
        assert version(host) == "2.0.0"
        host.close()
