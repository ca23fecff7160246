"""Upgrades that fail: ERROR, the old image goes on and stays the one to boot, and the next attempt works."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from sim.board import Board
from tests.system import slots, upgrades
from tests.system.host import OK, READY, Host, error
from tests.system.http_server import HttpServer, RawServer, closed_port
from tests.system.upgrades import JOINED, after_restart, join, send_url, upgrade, version

CONFIG = {"wifi_poll_ms": 20, "ota_timeout_ms": 1500, "ota_attempts": 1, "trial_ms": 600_000}

NO_NETWORK = 0x010A0006
TRANSFER = 0x010A0007
REFUSED = 0x010A0008
TIMED_OUT = 0x010A0009

VERSIONS = ("2.0.0", "3.0.0")
STALL_SECONDS = 30.0

Respond = Callable[[socket.socket], None]


@dataclass
class Failing:
    """An upgrade of ``host`` that is to fail, and what to look at then: ``old`` runs, ``new`` is at /good.bin."""

    host: Host
    board: Board
    http: HttpServer
    old: str
    new: str

    def attempt(self, url: str, code: int, patience: float = 10.0) -> None:
        """It fails with this code, and nothing has changed."""
        running, boot, boots = upgrades.running(self.board), upgrades.boot_slot(self.board), len(self.board.boots)
        send_url(self.host, url)
        self.host.expect(error(code), patience)
        after = upgrades.running(self.board)
        assert (after.label, after.version, after.state) == (running.label, running.version, "valid")
        assert upgrades.boot_slot(self.board) == boot == running.label
        assert len(self.board.boots) == boots

    def serve(self, data: bytes, code: int) -> None:
        """It fails with this body."""
        self.http.files["/bad.bin"] = data
        self.attempt(self.http.url("/bad.bin"), code)

    def respond(self, respond: Respond, code: int) -> None:
        """It fails with a server that does this."""
        with RawServer(respond) as server:
            self.attempt(server.url(), code)


@pytest.fixture(scope="module")
def http() -> Iterator[HttpServer]:
    """A server that has a good image at /good.bin."""
    with HttpServer() as server:
        yield server


@pytest.fixture
def failing(host: Host, board: Board, http: HttpServer, ssid: bytes, password: bytes) -> Iterator[Failing]:
    """Before: on the network, with error codes. After: the old version answers, and an upgrade works, which is taken
    back.
    """
    join(host, ssid, password)
    old = version(host)
    new = next(name for name in VERSIONS if name != old)
    http.files["/good.bin"] = upgrades.image(new)
    host.command(b"AT+SYSLOG=1")
    otadata = slots.otadata(board)
    yield Failing(host, board, http, old, new)
    assert version(host) == old
    host.command(b"AT+USEROTACFG=0,0")
    slots.download(host, board, http.url("/good.bin"), upgrades.image(new))
    slots.take_back(board, otadata)
    host.command(b"AT+USEROTACFG=0,1")


@pytest.fixture(scope="module")
def good() -> bytes:
    """A sound image."""
    return upgrades.image(VERSIONS[0])


# What is not an image for this board.


def test_wrong_chip(failing: Failing, good: bytes) -> None:
    before = failing.board.flash.operations
    failing.serve(upgrades.for_another_chip(good), REFUSED)
    # The other slot may hold the only image to go back to.
    assert failing.board.flash.operations == before


def test_one_bit_flipped(failing: Failing, good: bytes) -> None:
    package = good.index(b"littlefs")
    end = len(good)
    # Header, descriptor, package, the last byte before the checksum, the checksum, the digest.
    for offset in (2, 8, 23, 40, package, package + 5000, end - 40, end - 33, end - 32, end - 1):
        failing.serve(upgrades.flipped(good, offset), REFUSED)


def test_segment_sizes_that_lead_nowhere(failing: Failing, good: bytes) -> None:
    for size in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xfc\xff\xff\x7f", b"\x01\0\0\0", b"\0\x02\0\0"):
        failing.serve(good[:28] + size + good[32:], REFUSED)


def test_numbers_of_segments_that_do_not_fit(failing: Failing, good: bytes) -> None:
    for number in (0, 1, good[1] + 1, 17, 255):
        failing.serve(good[:1] + bytes([number]) + good[2:], REFUSED)


def test_checksum(failing: Failing, good: bytes) -> None:
    failing.serve(upgrades.with_wrong_checksum(good), REFUSED)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xe9",
        b"x",
        b"<html><body>Not here</body></html>" * 400,
        b"\xe9" * 8192,
        bytes(8192),
        b"\xff" * 8192,
        b"\x7fELF" + bytes(8192),
    ],
    ids=["empty", "one-byte", "one-wrong-byte", "html", "magic-only", "zeros", "erased", "elf"],
)
def test_not_an_image(failing: Failing, body: bytes) -> None:
    failing.serve(body, REFUSED)


def test_without_the_package(failing: Failing) -> None:
    failing.serve(upgrades.app_image.synthetic_base(), REFUSED)


def test_too_large(failing: Failing, good: bytes) -> None:
    failing.serve(upgrades.too_large(good), REFUSED)


@pytest.mark.parametrize("missing", [1, 31, 32, 33, 4096, 20_000])
def test_shorter_than_it_says(failing: Failing, good: bytes, missing: int) -> None:
    failing.serve(good[:-missing], REFUSED)


@pytest.mark.parametrize("length", [1, 111, 112, 4095, 4096, 4097, 8192])
def test_the_beginning_only(failing: Failing, good: bytes, length: int) -> None:
    failing.serve(good[:length], REFUSED)


# What a server does wrong.


def reply(*pieces: bytes) -> Respond:
    """A server that says this and closes the connection."""
    return lambda connection: connection.sendall(b"".join(pieces))


def test_not_found(failing: Failing) -> None:
    failing.attempt(failing.http.url("/nothing.bin"), TRANSFER)


@pytest.mark.parametrize(
    "status", [b"500 Oops", b"204 No Content", b"206 Partial Content", b"401 Unauthorized", b"304 -"]
)
def test_other_statuses(failing: Failing, good: bytes, status: bytes) -> None:
    failing.respond(reply(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(good)), good), TRANSFER)


def test_connection_that_ends_early(failing: Failing, good: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(good)
    for length in (0, 1, 4096, 20_000, len(good) - 1):
        failing.respond(reply(head, good[:length]), TRANSFER)


def test_chunks_that_end_early(failing: Failing, good: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for body in (b"", b"4", b"4096\r\n" + good[:5000], b"1000\r\n" + good[:4096], b"1000\r\n" + good[:4096] + b"\r\n"):
        failing.respond(reply(head, body), TRANSFER)


def test_chunks_that_are_none(failing: Failing, good: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for body in (b"xyz\r\n" + good, b"-5\r\n" + good, b"\r\n" + good, b"9" * 9000):
        failing.respond(reply(head, body), TRANSFER)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"hello\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 60_000 + b"\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46" * 100,
    ],
    ids=[
        "nothing",
        "empty-lines",
        "no-http",
        "ssh",
        "no-status",
        "no-number",
        "length-no-number",
        "length-negative",
        "half-header",
        "many-headers",
        "long-header",
        "binary",
    ],
)
def test_not_http(failing: Failing, answer: bytes) -> None:
    failing.respond(reply(answer), TRANSFER)


def endless(*pieces: bytes, end: bytes = b"") -> Respond:
    """A server that says this, and then the last piece for ever, or 100 KB of it and ``end``."""

    def respond(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
        many = pieces[-1] * (50_000 // len(pieces[-1]))
        sent = 0
        while not end or sent < 100_000:
            connection.sendall(many)
            sent += len(many)
        connection.sendall(end)

    return respond


def test_what_never_ends(failing: Failing) -> None:
    head = b"HTTP/1.1 200 OK\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    for pieces in (
        (b"x",),
        (b"\0",),
        (b"\r\n",),
        (head, b"x"),
        (head, b"Location: /", b"x"),
        (head, b"X: y\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n",),
        (chunked, b"1"),
        (chunked, b"0"),
        (chunked, b"1;", b"x"),
    ):
        failing.respond(endless(*pieces), TRANSFER)


def test_a_body_that_never_ends(failing: Failing, good: bytes) -> None:
    # What is no image is found out with the first block, and what follows an image is not asked for.
    failing.respond(endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), REFUSED)
    failing.respond(endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), REFUSED)
    failing.respond(endless(b"HTTP/1.1 200 OK\r\n\r\n" + upgrades.flipped(good, len(good) - 1), b"x"), REFUSED)


def test_lengths_that_nothing_has(failing: Failing, good: bytes) -> None:
    for length in (b"9" * 11, b"9" * 4000, b"0x100", b"+5", b"1e3", b"5, 5", b"-0"):
        failing.respond(reply(b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n" % length, good), TRANSFER)
    for size in (b"1" + b"0" * 8, b"f" * 300, b"-0001", b"1 0", b"1.0", b"1\0"):
        failing.respond(reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n" % size, good), TRANSFER)


def test_a_header_that_trickles(failing: Failing) -> None:
    def respond(connection: socket.socket) -> None:
        # Never without a byte for as long as the timeout, but a line must be complete by then.
        for byte in b"HTTP/1.1 200 OK\r\n":
            connection.sendall(bytes([byte]))
            time.sleep(0.1)

    failing.respond(respond, TIMED_OUT)


def test_redirects_without_end(failing: Failing) -> None:
    failing.http.redirects = {"/loop": "/loop"}
    failing.attempt(failing.http.url("/loop"), TRANSFER)


@pytest.mark.parametrize("location", ["https://127.0.0.1/image.bin", "ftp://127.0.0.1/image.bin", "http:///x", ""])
def test_redirects_to_nowhere(failing: Failing, location: str) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n".encode()
    if location:
        failing.respond(reply(head), TRANSFER)
    else:
        failing.respond(reply(b"HTTP/1.1 302 Found\r\n\r\n"), TRANSFER)


@pytest.mark.parametrize(
    "url",
    [
        "x",
        "127.0.0.1/image.bin",
        "ftp://127.0.0.1/image.bin",
        "http:/127.0.0.1/image.bin",
        "http://",
        "http:///image.bin",
        "http://:80/image.bin",
        "http://127.0.0.1:/image.bin",
        "http://127.0.0.1:0/image.bin",
        "http://127.0.0.1:65536/image.bin",
        "http://127.0.0.1:http/image.bin",
        "http://127.0.0.1/ima ge.bin",
        "http://127.0.0.1/image\r\nX: y",
        "http://127.0.0.1/image\x00",
        "http://münchen.example/image.bin",
    ],
)
def test_urls_that_are_none(failing: Failing, url: str) -> None:
    failing.attempt(url, TRANSFER)


# What the network does wrong.


def test_closed_port(failing: Failing) -> None:
    with closed_port() as port:
        failing.attempt(f"http://127.0.0.1:{port}/image.bin", TRANSFER)


def test_no_such_name(failing: Failing) -> None:
    failing.attempt("http://nobody.example/image.bin", TRANSFER)


def test_no_name_server(failing: Failing) -> None:
    failing.board.network.set(dns_fails=True)
    failing.attempt("http://updates.example/image.bin", TRANSFER)
    failing.board.network.set(dns_fails=False)


def test_slow_name_server(failing: Failing) -> None:
    failing.board.network.set(dns_delay=4.0, hosts={"updates.example": "127.0.0.1"})
    failing.attempt("http://updates.example/image.bin", TIMED_OUT)
    failing.board.network.set(dns_delay=0.0, hosts={})


def test_numbers_that_are_no_address_are_names(failing: Failing) -> None:
    # Looked up beside the event loop: the timeout counts.
    failing.board.network.set(dns_delay=4.0)
    for host in ("999.1.1.1", "1.2.3", "1.2.3.4.5", "1.2.3.", "0300.1.1.1"):
        failing.attempt(f"http://{host}/image.bin", TIMED_OUT)
    failing.board.network.set(dns_delay=0.0)


def test_no_wifi(failing: Failing) -> None:
    failing.host.command(b"AT+CWQAP", OK, b"WIFI DISCONNECT\r\n")
    failing.attempt(failing.http.url("/good.bin"), NO_NETWORK)
    failing.host.command(b"AT+CWJAP", JOINED, OK)


def stall(*pieces: bytes) -> Respond:
    """A server that says this and then nothing, until the board has given up."""

    def respond(connection: socket.socket) -> None:
        connection.sendall(b"".join(pieces))
        connection.settimeout(STALL_SECONDS)
        assert connection.recv(1) == b""

    return respond


def test_stalled_server(failing: Failing, good: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(good)
    for pieces in ((b"",), (b"HTTP/1.1 20",), (head,), (head, good[:1]), (head, good[:20_000]), (head, good[:-1])):
        failing.respond(stall(*pieces), TIMED_OUT)


def test_slow_is_not_stalled(failing: Failing, good: bytes) -> None:
    changed = upgrades.flipped(good, len(good) - 1)

    def respond(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(changed))
        # Longer than the timeout in all, but never without a byte for so long: what counts in the end is the digest.
        for byte in changed[:20]:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)
        connection.sendall(changed[20:])

    failing.respond(respond, REFUSED)


def test_the_network_goes_in_the_middle(failing: Failing, good: bytes) -> None:
    def respond(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(good) + good[:9000])
        failing.board.network.drop()
        connection.settimeout(STALL_SECONDS)
        connection.recv(1)

    with RawServer(respond) as server:
        send_url(failing.host, server.url())
        answer = failing.host.read_answer(10)
    assert answer.startswith(b"WIFI DISCONNECT\r\nERR CODE:0x010a000")
    failing.board.network.restore()
    failing.host.expect(JOINED)


@pytest.mark.simulator("the server is this machine's")
def test_stalled_server_at_the_real_timeout(
    make_board: Callable[..., Board], http: HttpServer, ssid: bytes, password: bytes, good: bytes
) -> None:
    http.files["/good.bin"] = good
    once = make_board({"ota_attempts": 1})
    with once as board, RawServer(stall(b"HTTP/1.1 200 OK\r\n\r\n", good[:5000])) as server:
        host = Host(board.port)
        host.expect(READY)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        host.command(b"AT+SYSLOG=1")
        host.command(b"AT+CWMODE=1")
        host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK)
        send_url(host, server.url())
        host.expect(error(TIMED_OUT), 30)
        upgrade(host, http.url("/good.bin"))
        assert version(host) == VERSIONS[0]
        host.close()


# Images that are sound but do not run.


def test_a_new_image_that_raises_at_import_is_rolled_back(failing: Failing) -> None:
    sources = {"firmware/app.py": "raise ValueError('this firmware is broken')\n"}
    failing.http.files["/broken.bin"] = upgrades.image_with("9.9.9", sources)
    slot = upgrades.running(failing.board).label
    send_url(failing.host, failing.http.url("/broken.bin"))
    failing.host.expect(OK, 20)
    # main.py waits a while before it restarts.
    after_restart(failing.host)
    assert upgrades.running(failing.board).label == slot
    assert b"ValueError: this firmware is broken" in failing.board.console


def test_a_new_image_that_hangs_is_left_by_a_reset(failing: Failing) -> None:
    sources = {"firmware/app.py": "print('hanging')\nwhile True:\n    pass\n"}
    failing.http.files["/broken.bin"] = upgrades.image_with("9.9.9", sources)
    slot = upgrades.running(failing.board).label
    send_url(failing.host, failing.http.url("/broken.bin"))
    failing.host.expect(OK, 20)
    assert failing.board.wait_for_console(b"hanging")
    assert upgrades.running(failing.board).label != slot
    failing.board.reset()
    after_restart(failing.host)
    assert upgrades.running(failing.board).label == slot
