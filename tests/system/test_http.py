"""AT+HTTPCLIENT and its family, against aiohttp's server (ESP-AT user guide, "HTTP AT Commands")."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from sim.board import Board
from tests.system.certificates import server_context
from tests.system.conftest import START_PATIENCE, MakeBoard
from tests.system.host import BUSY, ERROR, OK, PROMPT, READY, Host, error
from tests.system.http_server import HttpServer, RawServer, closed_port
from tests.system.ram import pattern
from tests.system.upgrades import JOINED, join

CONFIG = {"wifi_poll_ms": 20}
# Less than the first area of a board's heap: what passes through does not pile up.
SMALL_HEAP = 52 * 1024

MEGABYTE = pattern(1 << 20)
SEND_OK = b"\r\nSEND OK\r\n"
SEND_FAIL = b"\r\nSEND FAIL\r\n"
SET_OK = b"\r\nSET OK\r\n"

NO_NETWORK = 0x010A0006
TRANSFER = 0x010A0007
TIMED_OUT = 0x010A0009
NOBODY = 0x010A7000
NOT_FOUND = 0x010A7194


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    with HttpServer() as http:
        http.files["/hello.txt"] = b"Hello, host!\r\n"
        http.files["/megabyte"] = MEGABYTE
        http.files["/empty"] = b""
        http.files["/broken"] = b"out of order"
        http.statuses["/broken"] = 503
        http.chunked["/chunked"] = MEGABYTE[:10_000]
        http.redirects["/moved"] = "/hello.txt"
        yield http


@pytest.fixture
def online(host: Host, ssid: bytes, password: bytes) -> Host:
    """A module on the network that tells error codes."""
    join(host, ssid, password)
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+HTTPURLCFG=0")
    host.command(b"AT+HTTPCHEAD=0")
    return host


def pieces(name: bytes, data: bytes, size: int) -> bytes:
    """``data`` as the module gives it to the host."""
    parts = [data[begin : begin + size] for begin in range(0, len(data), size)]
    return b"".join(b"+%s:%d,%s\r\n" % (name, len(part), part) for part in parts)


def send(host: Host, line: bytes, data: bytes) -> None:
    """A command that asks for data, and the data."""
    host.command(line, PROMPT)
    host.write(data)


def stand_still(over: threading.Event) -> None:
    """Do nothing until the test is over."""
    over.wait(10)


# AT+HTTPCGET and AT+HTTPGETSIZE.


def test_get(online: Host, server: HttpServer) -> None:
    url = server.url("/hello.txt").encode()
    online.command(b'AT+HTTPCGET="%s"' % url, b"+HTTPCGET:14,Hello, host!\r\n\r\n", OK)
    assert server.methods[-1] == "GET"
    assert server.headers[-1] == {
        "Host": f"127.0.0.1:{server.port}",
        "User-Agent": "ESP32 HTTP Client/1.0",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def test_get_with_user_password_and_query(online: Host, server: HttpServer) -> None:
    url = server.url("/hello.txt?a=1&b=%20#not-sent").replace("//", "//user:secret@").encode()
    online.command(b'AT+HTTPCGET="%s"' % url, b"+HTTPCGET:14,Hello, host!\r\n\r\n", OK)
    assert server.requests[-1] == "/hello.txt?a=1&b=%20"
    assert server.headers[-1]["Authorization"] == "Basic dXNlcjpzZWNyZXQ="


@pytest.mark.parametrize(
    ("arguments", "piece"), [(b"", 1024), (b",,100", 100), (b",2048,2048,5000", 1024), (b",0,0,0", 1024)]
)
def test_a_body_comes_in_pieces(online: Host, server: HttpServer, arguments: bytes, piece: int) -> None:
    url = server.url("/chunked").encode()
    online.command(b'AT+HTTPCGET="%s"%s' % (url, arguments), pieces(b"HTTPCGET", MEGABYTE[:10_000], piece), OK)


def test_a_body_that_ends_with_the_connection(online: Host) -> None:
    with RawServer(lambda connection: connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nsome text")) as server:
        online.command(b'AT+HTTPCGET="%s"' % server.url("/").encode(), b"+HTTPCGET:9,some text\r\n", OK)


def test_an_empty_body(online: Host, server: HttpServer) -> None:
    online.command(b'AT+HTTPCGET="%s"' % server.url("/empty").encode())


def test_interim_answers_are_passed_over(online: Host) -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(
            b"HTTP/1.1 102 Processing\r\nX-A: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more"
        )

    with RawServer(serve) as server:
        online.command(b'AT+HTTPCGET="%s"' % server.url("/").encode(), b"+HTTPCGET:2,ok\r\n", OK)


def test_a_redirect_is_the_hosts_own_affair(online: Host, server: HttpServer) -> None:
    before = len(server.requests)
    online.command(b'AT+HTTPCGET="%s"' % server.url("/moved").encode(), OK)
    assert server.requests[before:] == ["/moved"]
    head = online.answer(b'AT+HTTPCLIENT=1,0,"%s"' % server.url("/moved").encode())
    assert b"+HTTPCLIENT:20,Location: /hello.txt\r\n" in head


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [("/nowhere", b"nothing here\n", NOT_FOUND), ("/broken", b"out of order", 0x010A71F7)],
)
def test_an_error_status_comes_with_its_body(
    online: Host, server: HttpServer, path: str, body: bytes, code: int
) -> None:
    url = server.url(path).encode()
    online.command(b'AT+HTTPCGET="%s"' % url, pieces(b"HTTPCGET", body, 1024), error(code))
    online.command(b'AT+HTTPGETSIZE="%s"' % url, error(code))


def test_size(online: Host, server: HttpServer) -> None:
    online.command(b'AT+HTTPGETSIZE="%s"' % server.url("/megabyte").encode(), b"+HTTPGETSIZE:1048576\r\n", OK)
    online.command(b'AT+HTTPGETSIZE="%s"' % server.url("/empty").encode(), b"+HTTPGETSIZE:0\r\n", OK)
    online.command(b'AT+HTTPGETSIZE="%s"' % server.url("/chunked").encode(), b"+HTTPGETSIZE:-1\r\n", OK)


def test_https(online: Host, board: Board) -> None:
    board.network.hosts["secure.example"] = "127.0.0.1"
    with HttpServer("secure.example", server_context("Right", "secure.example")) as server:
        server.chunked["/chunked"] = MEGABYTE[:10_000]
        url = server.url("/chunked").encode()
        online.command(b'AT+HTTPCGET="%s"' % url, pieces(b"HTTPCGET", MEGABYTE[:10_000], 1024), OK, patience=15)
        send(online, b'AT+HTTPCPOST="%s",5000' % url, MEGABYTE[:5000])
        online.expect(pieces(b"HTTPCPOST", MEGABYTE[:10_000], 512) + SEND_OK, 15)
        assert server.bodies[-1] == MEGABYTE[:5000]


# What goes wrong.


def test_nobody_answers(online: Host) -> None:
    with closed_port() as port:
        online.command(b'AT+HTTPCGET="http://127.0.0.1:%d/"' % port, error(NOBODY))


def test_an_unknown_name(online: Host) -> None:
    online.command(b'AT+HTTPCGET="http://nobody.example/"', error(NOBODY))


def test_a_server_that_says_nothing(online: Host) -> None:
    over = threading.Event()
    with RawServer(lambda _: stand_still(over)) as server:
        online.command(b'AT+HTTPCGET="%s",,,200' % server.url("/").encode(), error(TIMED_OUT))
        over.set()


def test_a_body_that_stands_still(online: Host) -> None:
    """What has come is the host's."""
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
        stand_still(over)

    with RawServer(serve) as server:
        online.command(
            b'AT+HTTPCGET="%s",,,200' % server.url("/").encode(), b"+HTTPCGET:9,only this\r\n", error(TIMED_OUT)
        )
        over.set()


def test_a_body_that_is_cut_short(online: Host) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"
    with RawServer(lambda connection: connection.sendall(answer)) as server:
        online.command(b'AT+HTTPCGET="%s"' % server.url("/").encode(), b"+HTTPCGET:9,only this\r\n", error(TRANSFER))


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nX: y\r\n"])
def test_a_server_that_speaks_something_else(online: Host, answer: bytes) -> None:
    with RawServer(lambda connection: connection.sendall(answer)) as server:
        online.command(b'AT+HTTPCGET="%s"' % server.url("/").encode(), error(TRANSFER))


WRONG = [
    (b'AT+HTTPCGET=""', 0x01070000),
    (b'AT+HTTPCGET="ftp://127.0.0.1/"', 0x01070000),
    (b'AT+HTTPCGET="127.0.0.1/hello.txt"', 0x01070000),
    (b'AT+HTTPCGET="http://127.0.0.1:99999/"', 0x01070000),
    (b"AT+HTTPCGET=http", 0x01080000),
    (b'AT+HTTPCGET="http://127.0.0.1/",10241', 0x01070001),
    (b'AT+HTTPCGET="http://127.0.0.1/",,,180001', 0x01070003),
    (b'AT+HTTPCGET="http://127.0.0.1/",,,,1', 0x01060405),
    (b'AT+HTTPCLIENT=0,0,"http://127.0.0.1/"', 0x01070000),
    (b'AT+HTTPCLIENT=6,0,"http://127.0.0.1/"', 0x01070000),
    (b'AT+HTTPCLIENT=2,4,"http://127.0.0.1/"', 0x01070001),
    (b"AT+HTTPCLIENT=2,0,,,,1", 0x01070002),
    (b'AT+HTTPCLIENT=2,0,"",,,1', 0x01070002),
    (b'AT+HTTPCLIENT=2,0,"http://127.0.0.1/",,,3', 0x01070005),
    (b'AT+HTTPCLIENT=2,0,"http://127.0.0.1/",,,1,"no header"', 0x01070006),
    (b'AT+HTTPCLIENT=3,0,"http://127.0.0.1/",,,1,"data","no header"', 0x01070007),
    (b'AT+HTTPCPOST="http://127.0.0.1/",0', 0x01070001),
    (b'AT+HTTPCPOST="http://127.0.0.1/"', 0x01060201),
    (b'AT+HTTPCPOST="http://127.0.0.1/",5,2,"a: b"', 0x01060504),
    (b'AT+HTTPCPOST="http://127.0.0.1/",5,1,"a"', 0x01040003),
    (b'AT+HTTPCPOST="",5', 0x01070000),
    (b"AT+HTTPURLCFG=7", 0x01070000),
    (b"AT+HTTPURLCFG=8193", 0x01070000),
    (b"AT+HTTPCHEAD=-1", 0x01070000),
]


def test_wrong_parameters(online: Host) -> None:
    for line, code in WRONG:
        online.command(line, error(code))


def test_without_a_network(online: Host) -> None:
    online.send(b"AT+CWQAP")
    online.read_until(b"WIFI DISCONNECT\r\n")
    online.command(b'AT+HTTPCGET="http://127.0.0.1/"', error(NO_NETWORK))
    online.command(b'AT+HTTPCPOST="http://127.0.0.1/",5', error(NO_NETWORK))


# AT+HTTPCLIENT.


def test_client_get(online: Host, server: HttpServer) -> None:
    url = server.url("/chunked").encode()
    online.command(b'AT+HTTPCLIENT=2,0,"%s",,,1' % url, pieces(b"HTTPCLIENT", MEGABYTE[:10_000], 512), OK)


def test_client_takes_host_and_path_without_a_url(online: Host, server: HttpServer) -> None:
    for url in (b"", b'""'):
        line = b'AT+HTTPCLIENT=2,0,%s,"127.0.0.1:%d","/hello.txt",1' % (url, server.port)
        online.command(line, b"+HTTPCLIENT:14,Hello, host!\r\n\r\n", OK)
    # A URL comes first.
    url = server.url("/hello.txt").encode()
    online.command(
        b'AT+HTTPCLIENT=2,0,"%s","nobody.example","/get",1' % url, b"+HTTPCLIENT:14,Hello, host!\r\n\r\n", OK
    )


def test_client_head_gives_the_header(online: Host) -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-LENGTH:   7 \r\nServer: tiny\r\nX-Empty:\r\n\r\n"
    with RawServer(lambda connection: connection.sendall(answer)) as server:
        lines = b"+HTTPCLIENT:17,content-LENGTH: 7\r\n+HTTPCLIENT:12,Server: tiny\r\n+HTTPCLIENT:9,X-Empty: \r\n"
        online.command(b'AT+HTTPCLIENT=1,0,"%s",,,1' % server.url("/x").encode(), lines, OK)
        assert server.requests[0].startswith(b"HEAD /x HTTP/1.1\r\n")


def test_client_post(online: Host, server: HttpServer) -> None:
    line = rb'AT+HTTPCLIENT=3,1,"%s",,,1,"{\"form\":{\"purpose\":\"test\"}}"' % server.url("/hello.txt").encode()
    online.command(line, b"+HTTPCLIENT:14,Hello, host!\r\n\r\n", OK)
    assert server.methods[-1] == "POST"
    assert server.bodies[-1] == b'{"form":{"purpose":"test"}}'
    assert server.headers[-1]["Content-Type"] == "application/json"


@pytest.mark.parametrize(("method", "name"), [(4, "PUT"), (5, "DELETE")])
def test_client_without_data(online: Host, server: HttpServer, method: int, name: str) -> None:
    url = server.url("/hello.txt?user=foo").encode()
    online.command(b'AT+HTTPCLIENT=%d,3,"%s",,,1' % (method, url), b"+HTTPCLIENT:14,Hello, host!\r\n\r\n", OK)
    assert server.methods[-1] == name
    assert server.bodies[-1] == b""
    assert server.headers[-1]["Content-Type"] == "text/xml"
    assert server.headers[-1]["Content-Length"] == "0"


def test_client_headers(online: Host, server: HttpServer) -> None:
    url = server.url("/hello.txt").encode()
    online.command(
        b'AT+HTTPCLIENT=3,0,"%s",,,1,"a=1","Accept: text/plain","content-type: text/csv","content-length: 99"' % url,
        b"+HTTPCLIENT:14,Hello, host!\r\n\r\n",
        OK,
    )
    assert server.headers[-1]["Accept"] == "text/plain"
    assert server.headers[-1]["Content-Type"] == "text/csv"
    assert server.bodies[-1] == b"a=1"


# AT+HTTPCPOST and AT+HTTPCPUT.


def test_post(online: Host, server: HttpServer) -> None:
    url = server.url("/hello.txt").encode()
    line = b'AT+HTTPCPOST="%s",5,2,"connection: keep-alive","content-type: application/json"' % url
    send(online, line, b"\x00AT\r\n")
    online.expect(b"+HTTPCPOST:14,Hello, host!\r\n\r\n" + SEND_OK)
    assert server.methods[-1] == "POST"
    assert server.bodies[-1] == b"\x00AT\r\n"
    assert server.headers[-1]["Connection"] == "keep-alive"
    assert server.headers[-1]["Content-Type"] == "application/json"


def test_put(online: Host, server: HttpServer) -> None:
    send(online, b'AT+HTTPCPUT="%s",3' % server.url("/hello.txt").encode(), b"abc")
    online.expect(b"+HTTPCPUT:14,Hello, host!\r\n\r\n" + SEND_OK)
    assert (server.methods[-1], server.bodies[-1]) == ("PUT", b"abc")
    assert server.headers[-1]["Content-Type"] == "application/x-www-form-urlencoded"


def test_more_data_than_a_block(online: Host, board: Board, server: HttpServer) -> None:
    board.uart(1).host_honours_rts = True
    for size in (1026, 1027, 10_000):
        send(online, b'AT+HTTPCPOST="%s",%d' % (server.url("/empty").encode(), size), MEGABYTE[:size])
        online.expect(SEND_OK)
        assert server.bodies[-1] == MEGABYTE[:size]


def test_what_comes_behind_the_data_is_the_next_command(online: Host, server: HttpServer) -> None:
    server.held.add("/held")
    server.files["/held"] = b"now"
    send(online, b'AT+HTTPCPOST="%s",3' % server.url("/held").encode(), b"abc")
    assert server.wait_for_request(len(server.requests) + 1)
    online.send(b"AT")
    online.expect(b"ERR CODE:0x010b0000\r\n" + BUSY)
    server.release()
    online.expect(b"+HTTPCPOST:3,now\r\n" + SEND_OK)


def test_a_post_that_fails(online: Host, server: HttpServer) -> None:
    code = b"ERR CODE:0x%08x\r\n"
    send(online, b'AT+HTTPCPOST="%s",3' % server.url("/nowhere").encode(), b"abc")
    online.expect(b"+HTTPCPOST:13,nothing here\n\r\n" + code % NOT_FOUND + SEND_FAIL)
    with closed_port() as port:
        send(online, b'AT+HTTPCPOST="http://127.0.0.1:%d/",10000' % port, bytes(10_000))
        online.expect(code % NOBODY + SEND_FAIL)
    online.command(b"AT+SYSLOG=0")
    send(online, b'AT+HTTPCPOST="%s",3' % server.url("/nowhere").encode(), b"abc")
    online.expect(b"+HTTPCPOST:13,nothing here\n\r\n" + SEND_FAIL)


def test_a_host_that_never_sends_its_data(online: Host, server: HttpServer) -> None:
    before = len(server.requests)
    online.command(b"AT+USERPROMPT=100")
    online.command(b'AT+HTTPCPOST="%s",3' % server.url("/empty").encode(), PROMPT)
    online.write(b"ab")
    online.expect(error(TIMED_OUT))
    online.command(b'AT+HTTPCPOST="%s",5000' % server.url("/empty").encode(), PROMPT)
    online.write(bytes(4000))
    online.expect(error(TIMED_OUT))
    online.command(b"AT+USERPROMPT=0")
    assert len(server.requests) == before


# AT+HTTPURLCFG and AT+HTTPCHEAD.


def test_a_long_url(online: Host, server: HttpServer) -> None:
    url = (server.url("/hello.txt?") + "x" * 8192)[:8192].encode()
    online.command(b"AT+HTTPURLCFG?", OK)
    send(online, b"AT+HTTPURLCFG=8192", url)
    online.expect(SET_OK)
    online.command(b"AT+HTTPURLCFG?", b"+HTTPURLCFG:8192," + url + b"\r\n", OK)
    online.command(b'AT+HTTPCGET=""', b"+HTTPCGET:14,Hello, host!\r\n\r\n", OK)
    assert server.requests[-1] == url.decode()[url.index(b"/hello") :]
    online.command(b"AT+HTTPCLIENT=2,0,,,,1", b"+HTTPCLIENT:14,Hello, host!\r\n\r\n", OK)
    send(online, b'AT+HTTPCPOST="",1', b"a")
    online.expect(b"+HTTPCPOST:14,Hello, host!\r\n\r\n" + SEND_OK)
    online.command(b"AT+HTTPURLCFG=0")
    online.command(b"AT+HTTPURLCFG?", OK)
    online.command(b'AT+HTTPCGET=""', error(0x01070000))


def test_headers_for_all_requests(online: Host, server: HttpServer) -> None:
    for header in (b"Range: bytes=0-4", b"X-Token: one", b"x-token:two", b"User-Agent: mine\r\n"):
        send(online, b"AT+HTTPCHEAD=%d" % len(header), header)
        online.expect(OK)
    online.command(
        b"AT+HTTPCHEAD?",
        b'+HTTPCHEAD:0,"Range: bytes=0-4"\r\n+HTTPCHEAD:1,"x-token:two"\r\n+HTTPCHEAD:2,"User-Agent: mine"\r\n',
        OK,
    )
    url = server.url("/hello.txt").encode()
    online.command(b'AT+HTTPCLIENT=2,0,"%s",,,1,"Range: bytes=1-1"' % url, b"+HTTPCLIENT:14,Hello, host!\r\n\r\n", OK)
    assert server.headers[-1]["Range"] == "bytes=0-4"
    assert server.headers[-1]["x-token"] == "two"
    assert server.headers[-1]["User-Agent"] == "mine"
    online.command(b"AT+HTTPCHEAD=0")
    online.command(b"AT+HTTPCHEAD?", OK)
    send(online, b"AT+HTTPCHEAD=9", b"no header")
    online.expect(error(0x01070000))


# The rest of the module meanwhile.


def test_a_server_that_thinks_long_does_not_stop_the_module(online: Host, server: HttpServer) -> None:
    server.held.add("/slow")
    server.files["/slow"] = b"at last"
    online.command(b"AT+USERWKMCUCFG=1,1,18,1,10000,1")
    online.send(b'AT+HTTPCGET="%s"' % server.url("/slow").encode())
    assert server.wait_for_request(len(server.requests) + 1)
    online.send(b"AT")
    online.expect(b"ERR CODE:0x010b0000\r\n" + BUSY)
    online.command(b"AT+USERMCUSLEEP=0")
    server.release()
    online.expect(b"+HTTPCGET:7,at last\r\n" + OK)
    online.command(b"AT+USERWKMCUCFG=0")


def test_without_syslog_there_are_no_codes(online: Host, server: HttpServer) -> None:
    online.command(b"AT+SYSLOG=0")
    online.command(b'AT+HTTPCGET="%s"' % server.url("/nowhere").encode(), b"+HTTPCGET:13,nothing here\n\r\n", ERROR)


def test_bodies_of_any_size_in_a_small_heap(make_board: MakeBoard, server: HttpServer) -> None:
    board = make_board(CONFIG, heap=SMALL_HEAP)
    board.uart(1).host_honours_rts = True
    with board:
        host = Host(board.port)
        host.expect(READY, START_PATIENCE)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        host.command(b"AT+SYSLOG=1")
        host.command(b"AT+CWMODE=1")
        host.command(b'AT+CWJAP="sim-ap","sim-password"', JOINED, OK, patience=20)
        url = server.url("/megabyte").encode()
        host.command(b'AT+HTTPCGET="%s"' % url, pieces(b"HTTPCGET", MEGABYTE, 1024), OK, patience=50)
        send(host, b'AT+HTTPCPOST="%s",%d' % (server.url("/empty").encode(), len(MEGABYTE)), MEGABYTE)
        host.expect(SEND_OK, 50)
        assert server.bodies[-1] == MEGABYTE
        host.close()
        assert b"Error" not in board.console
