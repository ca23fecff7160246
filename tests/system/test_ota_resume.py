"""AT+USEROTA over connections that break, stall and lead elsewhere: nothing is lost, and nothing is spliced."""

from __future__ import annotations

import base64
import hashlib
import socket
from itertools import pairwise

import pytest

from sim.board import Board
from tests.system import slots, upgrades
from tests.system.breaking_server import Breaking, File
from tests.system.host import OK, PROMPT, Host, error
from tests.system.http_server import HttpServer, closed_port
from tests.system.upgrades import JOINED, send_url, wait_for_progress

PAUSE = 60
LONGEST_PAUSE = 240
ATTEMPTS = 4
CONFIG = {
    "wifi_poll_ms": 20,
    "ota_timeout_ms": 800,
    "ota_attempts": ATTEMPTS,
    "ota_pause_ms": PAUSE,
    "ota_pause_most_ms": LONGEST_PAUSE,
    "trial_ms": 600_000,
}
TRANSFER = 0x010A0007
REFUSED = 0x010A0008
TIMED_OUT = 0x010A0009
URL_MOST = 8192

DATE = "Sat, 01 Mar 2025 10:00:00 GMT"
LATER = "Sun, 02 Mar 2025 10:00:00 GMT"


@pytest.fixture(scope="module")
def image() -> bytes:
    """An image that is not the one that runs."""
    return upgrades.image("2.0.0")


@pytest.fixture(scope="module")
def replacement() -> bytes:
    """Another image."""
    return upgrades.image("3.0.0")


def fetch(host: Host, board: Board, breaking: Breaking, data: bytes) -> None:
    """The upgrade works, and ``data`` is what has been written."""
    with breaking.serve() as server:
        slots.download(host, board, server.url(), data)


def fail(host: Host, board: Board, breaking: Breaking, code: int) -> None:
    """The upgrade fails with this code."""
    with breaking.serve() as server:
        slots.refused(host, board, server.url(), code)


# Where it breaks.


@pytest.mark.parametrize("cut", [1, 15, 17, 1024, 4095, 50_001])
def test_goes_on_where_it_broke_off(staying: Host, board: Board, image: bytes, cut: int) -> None:
    breaking = Breaking(File(image), [cut, None])
    fetch(staying, board, breaking, image)
    assert breaking.ranges() == [None, f"bytes={cut}-"]
    assert breaking.requests[1].headers["if-range"] == '"v1"'
    assert "if-range" not in breaking.requests[0].headers


def test_breaks_at_the_last_byte(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image), [len(image) - 1, None])
    fetch(staying, board, breaking, image)
    assert breaking.ranges() == [None, f"bytes={len(image) - 1}-"]


def test_breaks_again_and_again(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image), [7, 20_000, 0, None])
    fetch(staying, board, breaking, image)
    assert breaking.ranges() == [None, "bytes=7-", "bytes=20007-", "bytes=20007-"]


def test_as_often_as_the_limit_says(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image), [1000])
    fail(staying, board, breaking, TRANSFER)
    assert breaking.ranges() == [None] + [f"bytes={1000 * number}-" for number in range(1, ATTEMPTS)]


def test_pauses_grow(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image), [1000])
    fail(staying, board, breaking, TRANSFER)
    times = [request.at for request in breaking.requests]
    for number, (before, after) in enumerate(pairwise(times)):
        longest = min(PAUSE << number, LONGEST_PAUSE)
        # No earlier than half of the longest; the clocks of two programs differ by a millisecond.
        assert after - before >= longest / 2 / 1000 - 0.001


def test_stands_still_and_goes_on(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image), [30_000, None], stalls={0})
    fetch(staying, board, breaking, image)
    assert breaking.ranges() == [None, "bytes=30000-"]


def test_stands_still_for_ever(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image), [30_000, 0], stalls=set(range(ATTEMPTS)))
    fail(staying, board, breaking, TIMED_OUT)
    assert len(breaking.requests) == ATTEMPTS


def test_chunks_break_off(staying: Host, board: Board, image: bytes) -> None:
    for cut in (5000, 33_333):
        breaking = Breaking(File(image, chunked=True), [cut, None])
        fetch(staying, board, breaking, image)
        assert breaking.ranges() == [None, f"bytes={cut}-"]
        slots.clear(board)


def test_nobody_there_is_told_at_once(staying: Host, board: Board) -> None:
    with closed_port() as port:
        slots.refused(staying, board, f"http://127.0.0.1:{port}/image.bin", TRANSFER)


def test_nothing_of_a_body_is_not_asked_for_again(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image), before=lambda number: b"")
    fail(staying, board, breaking, TRANSFER)
    assert len(breaking.requests) == 1


# Wi-Fi that goes.


def test_wifi_goes_and_comes_back(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image), [30_000, None], stalls={0})
    with breaking.serve() as server:
        send_url(staying, server.url())
        wait_for_progress(staying, 28_000)
        board.network.drop()
        staying.expect(b"WIFI DISCONNECT\r\n")
        board.network.restore()
        staying.expect(JOINED + OK, 30)
    assert slots.content(board, len(image)) == image
    assert breaking.ranges() == [None, "bytes=30000-"]


def test_wifi_goes_and_does_not_come_back(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image), [30_000, None], stalls={0})
    with breaking.serve() as server:
        send_url(staying, server.url())
        wait_for_progress(staying, 28_000)
        board.network.drop()
        staying.expect(b"WIFI DISCONNECT\r\n" + error(TRANSFER), 30)
        assert len(breaking.requests) == 1
        assert slots.content(board, 16) == b"\xff" * 16
        board.network.restore()
        staying.expect(JOINED)
        slots.download(staying, board, server.url(), image)


# What a resumed file is: the same one, or a new one from its beginning.


@pytest.mark.parametrize(
    ("etag", "modified", "sent"),
    [
        ('"v1"', "", '"v1"'),
        ('"v1"', DATE, '"v1"'),
        ("", DATE, DATE),
        ('W/"v1"', DATE, DATE),
        ('W/"v1"', "", None),
        ("", "", None),
    ],
)
def test_what_tells_the_version(
    staying: Host, board: Board, image: bytes, etag: str, modified: str, sent: str | None
) -> None:
    breaking = Breaking(File(image, etag, modified), [20_000, None])
    fetch(staying, board, breaking, image)
    second = breaking.requests[1].headers
    assert second.get("if-range") == sent
    # Without anything to tell versions by, the whole file once more.
    assert second.get("range") == ("bytes=20000-" if sent else None)


@pytest.mark.parametrize(("etag", "modified"), [('"v2"', ""), ("", LATER), ("", "")])
def test_a_file_replaced_meanwhile_is_never_spliced(
    staying: Host, board: Board, image: bytes, replacement: bytes, etag: str, modified: str
) -> None:
    def before(number: int) -> bytes | None:
        if number == 1:
            breaking.file = File(replacement, etag, modified)
        return None

    first = File(image, '"v1"' if etag else "", DATE if modified else "")
    breaking = Breaking(first, [50_000, 20_000, None], before=before)
    fetch(staying, board, breaking, replacement)
    resumed: list[str | None] = ["bytes=50000-", "bytes=20000-"]
    assert breaking.ranges()[1:] == (resumed if etag or modified else [None, None])
    if etag:
        assert breaking.requests[2].headers["if-range"] == etag


# Two files that look alike: nginx makes its ETag of the size and of the time in seconds.


def swapped(first: bytes, second: bytes, cuts: list[int | None], at: int = 1) -> Breaking:
    """A server whose file becomes another one before its connection ``at``, with the same ETag."""

    def before(number: int) -> bytes | None:
        if number == at:
            breaking.file = File(second)
        return None

    breaking = Breaking(File(first), cuts, before=before)
    return breaking


def test_two_files_that_look_alike_are_not_spliced(staying: Host, board: Board, image: bytes) -> None:
    # The first block that came of both is one for another chip; and what is found out at the end only.
    for other, cut in ((upgrades.for_another_chip(image), 20), (upgrades.flipped(image, 1000), 50_000)):
        breaking = swapped(other, image, [cut, None])
        fetch(staying, board, breaking, image)
        assert breaking.ranges() == [None, f"bytes={cut}-", None]
        slots.clear(board)


def test_two_files_that_look_alike_and_the_digest(
    staying: Host, board: Board, image: bytes, replacement: bytes
) -> None:
    digest = hashlib.sha256(replacement).hexdigest()
    breaking = swapped(image, replacement, [len(image) - 10, None])
    with breaking.serve() as server:
        slots.download(staying, board, server.url() + f"#sha256={digest}", replacement)
    assert breaking.ranges() == [None, f"bytes={len(image) - 10}-", None]


def test_beginning_anew_may_break_too(staying: Host, board: Board, image: bytes, replacement: bytes) -> None:
    breaking = swapped(image, replacement, [50_000, None, 10_000, None])
    fetch(staying, board, breaking, replacement)
    assert breaking.ranges() == [None, "bytes=50000-", None, "bytes=10000-"]


def test_beginning_anew_has_its_limit(staying: Host, board: Board, image: bytes) -> None:
    # Never the same, and each connection but the last breaks.
    bad = upgrades.flipped(image, len(image) - 1)
    breaking = Breaking(File(bad), [50_000, None, 50_000, None])
    fail(staying, board, breaking, REFUSED)
    assert breaking.ranges() == [None, "bytes=50000-", None, "bytes=50000-"]
    assert len(breaking.requests) == ATTEMPTS


def test_a_bad_image_in_one_piece_is_not_asked_for_again(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(upgrades.flipped(image, len(image) - 1)))
    fail(staying, board, breaking, REFUSED)
    assert len(breaking.requests) == 1
    # Nor if all of it came with the last connection.
    breaking = Breaking(File(upgrades.flipped(image, len(image) - 1), ranges=False), [50_000, None])
    fail(staying, board, breaking, REFUSED)
    assert len(breaking.requests) == 2


def test_a_server_without_ranges_begins_anew(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image, ranges=False), [50_000, 20_000, None])
    fetch(staying, board, breaking, image)
    assert breaking.ranges() == [None, "bytes=50000-", "bytes=20000-"]


def test_a_server_without_ranges_as_often_as_the_limit_says(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image, ranges=False), [50_000])
    fail(staying, board, breaking, TRANSFER)
    assert len(breaking.requests) == ATTEMPTS


def test_beginning_anew_may_break_at_once(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image, ranges=False), [50_000, 0, 0, None])
    fetch(staying, board, breaking, image)
    assert len(breaking.requests) == 4


@pytest.mark.parametrize(
    "content_range",
    [
        "",
        "Content-Range: bytes 0-{last}/{total}\r\n",
        "Content-Range: bytes 20001-{last}/{total}\r\n",
        "Content-Range: bytes 2000-{last}/{total}\r\n",
        "Content-Range: bytes 20000-{last}/{more}\r\n",
        "Content-Range: pages 20000-{last}/{total}\r\n",
        "Content-Range: bytes */{total}\r\n",
    ],
)
def test_a_wrong_part_is_not_taken(staying: Host, board: Board, image: bytes, content_range: str) -> None:
    def before(number: int) -> bytes | None:
        if not number:
            return None
        told = content_range.format(last=len(image) - 1, total=len(image), more=len(image) + 1)
        rest = image[20_000:]
        return f"HTTP/1.1 206 Partial Content\r\n{told}Content-Length: {len(rest)}\r\n\r\n".encode() + rest

    fail(staying, board, Breaking(File(image), [20_000, None], before=before), TRANSFER)


def test_a_part_of_what_was_asked_for_is_taken(staying: Host, board: Board, image: bytes) -> None:
    def before(number: int) -> bytes | None:
        if number not in (1, 2):
            return None
        begin = 20_000 * number
        told = f'Content-Range: bytes {begin}-{begin + 19_999}/{len(image)}\r\nETag: "v1"'
        length = "" if number == 1 else "Content-Length: 20000\r\n"
        head = f"HTTP/1.1 206 Partial Content\r\n{told}\r\n{length}\r\n"
        return head.encode() + image[begin : begin + 20_000]

    breaking = Breaking(File(image), [20_000, None], before=before)
    fetch(staying, board, breaking, image)
    assert breaking.ranges() == [None, "bytes=20000-", "bytes=40000-", "bytes=60000-"]


def test_the_end_may_be_left_unsaid(staying: Host, board: Board, image: bytes) -> None:
    def before(number: int) -> bytes | None:
        if not number:
            return None
        told = f"Content-Range: bytes 20000-{len(image) - 1}/*"
        return f"HTTP/1.1 206 Partial Content\r\n{told}\r\n\r\n".encode() + image[20_000:]

    fetch(staying, board, Breaking(File(image), [20_000, None], before=before), image)


@pytest.mark.parametrize("status", ["404 Not Found", "416 Range Not Satisfiable", "503 Service Unavailable"])
def test_a_server_that_has_it_no_more(staying: Host, board: Board, image: bytes, status: str) -> None:
    def before(number: int) -> bytes | None:
        return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode() if number else None

    breaking = Breaking(File(image), [20_000, None], before=before)
    fail(staying, board, breaking, TRANSFER)
    assert len(breaking.requests) == 2


def test_the_next_upgrade_begins_anew(staying: Host, board: Board, image: bytes, replacement: bytes) -> None:
    fail(staying, board, Breaking(File(image), [1000]), TRANSFER)
    breaking = Breaking(File(replacement))
    fetch(staying, board, breaking, replacement)
    assert breaking.ranges() == [None]


# Where it leads.


def redirecting(status: int, location: str, file: File) -> Breaking:
    """A server that answers its first request with a redirect."""

    def before(number: int) -> bytes | None:
        told = f"HTTP/1.1 {status} -\r\nLocation: {location}\r\nContent-Length: 3\r\n\r\nno\n"
        return None if number else told.encode()

    return Breaking(file, before=before)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects(staying: Host, board: Board, image: bytes, status: int) -> None:
    breaking = redirecting(status, "/new/image.bin?a=b", File(image))
    fetch(staying, board, breaking, image)
    assert [request.target for request in breaking.requests] == ["/image.bin", "/new/image.bin?a=b"]


@pytest.mark.parametrize("status", [300, 304, 305, 306])
def test_what_is_no_redirect(staying: Host, board: Board, image: bytes, status: int) -> None:
    breaking = redirecting(status, "/new/image.bin", File(image))
    fail(staying, board, breaking, TRANSFER)
    assert len(breaking.requests) == 1


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("other.bin", "/dir/other.bin"),
        ("sub/other.bin?x=http://y/", "/dir/sub/other.bin?x=http://y/"),
        ("/other.bin#part", "/other.bin"),
        ("//127.0.0.1:{port}/other.bin", "/other.bin"),
        ("HTTP://127.0.0.1:{port}/other.bin", "/other.bin"),
        ("http://localhost:{port}/other.bin", "/other.bin"),
    ],
)
def test_where_a_redirect_leads(staying: Host, board: Board, image: bytes, location: str, target: str) -> None:
    breaking = Breaking(File(image))
    with breaking.serve() as server:
        there = location.format(port=server.port).encode()
        breaking.before = lambda number: None if number else b"HTTP/1.1 302 -\r\nLocation: " + there + b"\r\n\r\n"
        slots.download(staying, board, server.url("/dir/image.bin?q=/a/b"), image)
    assert [request.target for request in breaking.requests] == ["/dir/image.bin?q=/a/b", target]


def test_to_another_port(staying: Host, board: Board, image: bytes) -> None:
    there = Breaking(File(image), [20_000, None])
    with there.serve() as target:
        here = redirecting(307, target.url("/there.bin"), File(b""))
        here.before = lambda number: f"HTTP/1.1 307 -\r\nLocation: {target.url('/there.bin')}\r\n\r\n".encode()
        with here.serve() as server:
            slots.download(staying, board, server.url(), image)
        assert there.requests[0].headers["host"] == f"127.0.0.1:{target.port}"
    # A connection that broke asks for the way again.
    assert len(here.requests) == 2
    assert there.ranges() == [None, "bytes=20000-"]


@pytest.mark.parametrize("count", [5, 6])
def test_how_many_redirects(staying: Host, board: Board, image: bytes, count: int) -> None:
    with HttpServer() as server:
        server.files["/0"] = image
        server.redirects = {f"/{number}": f"/{number - 1}" for number in range(1, count + 1)}
        if count == 5:
            slots.download(staying, board, server.url("/5"), image)
        else:
            slots.refused(staying, board, server.url("/6"), TRANSFER)
        assert len(server.requests) == 6


# What the URL says.


@pytest.mark.parametrize(
    ("user", "told"),
    [("user:password", b"user:password"), ("me:", b"me:"), ("a%40b:p%3A%2f%20x", b"a@b:p:/ x"), (":", b":")],
)
def test_user_and_password(staying: Host, board: Board, image: bytes, user: str, told: bytes) -> None:
    breaking = Breaking(File(image), [20_000, None])
    with breaking.serve() as server:
        slots.download(staying, board, server.url().replace("//", f"//{user}@"), image)
    for request in breaking.requests:
        assert request.headers["authorization"] == "Basic " + base64.b64encode(told).decode()
        assert request.headers["host"] == f"127.0.0.1:{server.port}"


def test_no_user_no_authorization(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image))
    fetch(staying, board, breaking, image)
    assert "authorization" not in breaking.requests[0].headers


def test_the_same_server_is_told_the_password_after_a_redirect(staying: Host, board: Board, image: bytes) -> None:
    breaking = redirecting(302, "/other.bin", File(image))
    with breaking.serve() as server:
        slots.download(staying, board, server.url().replace("//", "//user:password@"), image)
    assert breaking.requests[1].headers["authorization"] == breaking.requests[0].headers["authorization"]


def test_another_server_is_not_told_the_password(staying: Host, board: Board, image: bytes) -> None:
    there = Breaking(File(image))
    with there.serve() as target, redirecting(302, target.url(), File(b"")).serve() as server:
        slots.download(staying, board, server.url().replace("//", "//user:password@"), image)
    assert "authorization" not in there.requests[0].headers


def test_ipv6_literal(staying: Host, board: Board, image: bytes) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    breaking = Breaking(File(image), [20_000, None])
    with breaking.serve(listener) as server:
        url = f"http://[::1]:{server.port}/image.bin"
        slots.download(staying, board, url, image)
    assert breaking.requests[0].headers["host"] == url.split("/")[2]
    assert len(breaking.requests) == 2


def test_the_default_port(staying: Host, board: Board, image: bytes) -> None:
    board.network.hosts["updates.example"] = "127.0.0.1"
    breaking = Breaking(File(image))
    with breaking.serve() as server:
        board.network.ports[80] = server.port
        slots.download(staying, board, "http://updates.example/image.bin", image)
        slots.clear(board)
        slots.download(staying, board, "http://updates.example:80?x", image)
    assert [request.headers["host"] for request in breaking.requests] == ["updates.example", "updates.example:80"]
    assert [request.target for request in breaking.requests] == ["/image.bin", "/?x"]


def test_the_longest_url_is_told_whole_each_time(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image), [20_000, None])
    with breaking.serve() as server:
        path = "/?" + "0123456789abcdef" * (URL_MOST // 16)
        path = path[: URL_MOST - len(server.url("")) - 10] + "#" + "f" * 9
        slots.download(staying, board, server.url(path), image)
    assert [request.target for request in breaking.requests] == [path[:-10]] * 2


NOWHERE = (
    "http://",
    "http:///image.bin",
    "http://:80/",
    "http://127.0.0.1:0/",
    "http://127.0.0.1:65536/",
    "http://127.0.0.1:80x/",
    "http://[::1/",
    "http://[]/",
    "http://[::1]x/",
    "http://user@/",
    "http://a%zz@127.0.0.1/",
    "ftp://127.0.0.1/",
    "127.0.0.1/image.bin",
    "http://127.0.0.1/a b",
    "http://127.0.0.1/a\r\nX: y",
)


def test_urls_that_lead_nowhere(staying: Host, board: Board) -> None:
    for url in NOWHERE:
        slots.refused(staying, board, url, TRANSFER)


def test_a_url_cut_in_the_middle_waits(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image))
    with breaking.serve() as server:
        url = server.url().encode()
        staying.command(b"AT+USEROTA=%d" % len(url), PROMPT)
        staying.write(url[:10])
        staying.expect_nothing()
        staying.write(url[10:])
        staying.expect(b"\r\nRecv %d bytes\r\n" % len(url) + OK, 30)
    assert slots.content(board, len(image)) == image
