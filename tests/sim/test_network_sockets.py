"""Sockets of the simulated board: lwIP's numbers and limits over the host's network."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sim.board import Board
from tests.sim.scripts import Script, run

JOINED = """
import network, socket, time
w = network.WLAN(network.STA_IF)
w.active(True)
w.connect("sim-ap", "sim-password")
while not w.isconnected():
    time.sleep_ms(2)
def number(f, *a):
    try:
        return f(*a)
    except OSError as e:
        return e.errno
"""


class Server:
    """A server of the host that gives each connection to ``handle`` in a thread."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.handle, args=(connection,), daemon=True).start()

    def handle(self, connection: socket.socket) -> None:
        """Echo until the other end closes."""
        with connection:
            while data := connection.recv(4096):
                connection.sendall(data)

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@pytest.fixture
def echo() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def test_a_stream_both_ways(tmp_path: Path, echo: Server) -> None:
    lines = run(
        tmp_path,
        JOINED
        + f"""
s = socket.socket()
s.connect(("localhost", {echo.port}))
print(s.write(b"one\\ntwo\\n"), s.readline(), s.read(3), s.recv(10))
s.sendall(b"12345678")
b = bytearray(4)
print(s.readinto(b), b)
print(s.readinto(b, 2), b, s.read(2))
s.close()
print(s.fileno(), number(s.recv, 1), number(s.write, b"x"))
""",
    )
    assert lines == [
        r"8 b'one\n' b'two' b'\n'",
        "4 bytearray(b'1234')",
        "2 bytearray(b'5634') b'78'",
        "-1 9 9",
    ]


def test_error_numbers_are_lwips(tmp_path: Path, echo: Server) -> None:
    lines = run(
        tmp_path,
        JOINED
        + f"""
from errno import EADDRINUSE, EAGAIN, ECONNABORTED, EINPROGRESS, ETIMEDOUT, errorcode
s = socket.socket()
print(number(s.recv, 1), number(s.write, b"x"))
print(number(s.connect, ("127.0.0.1", {closed_port()})))
s = socket.socket()
s.setblocking(False)
print(number(s.connect, ("127.0.0.1", {echo.port})), EINPROGRESS)
s = socket.socket()
print(s.connect(("127.0.0.1", {echo.port})), number(s.connect, ("127.0.0.1", {echo.port})))
s.settimeout(0.2)
print(number(s.recv, 1), ETIMEDOUT)
s.settimeout(0.05)
print(number(s.recv, 1), s.read(1), EAGAIN)
a, b = socket.socket(), socket.socket()
a.bind(("127.0.0.1", 0))
print(number(b.bind, ("127.0.0.1", {echo.port})), EADDRINUSE)
print(errorcode[118], ECONNABORTED)
""",
    )
    assert lines == ["128 128", "104", "119 119", "None 127", "116 116", "11 None 11", "112 112", "EHOSTUNREACH 113"]


def test_ten_sockets_and_the_collector_gives_lost_ones_back(tmp_path: Path, echo: Server) -> None:
    lines = run(
        tmp_path,
        JOINED
        + f"""
sockets = [socket.socket() for _ in range(9)]
server = socket.socket()
server.bind(("127.0.0.1", 0))
print(number(socket.socket), number(server.accept))
sockets.pop().close()
s = socket.socket()
s.connect(("127.0.0.1", {echo.port}))
print(number(socket.socket))
s.close()
def lose():
    for _ in range(30):
        socket.socket()
lose()
print(len(sockets))
""",
    )
    assert lines == ["23 23", "23", "8"]


def test_without_a_network(tmp_path: Path, echo: Server) -> None:
    lines = run(
        tmp_path,
        JOINED
        + f"""
w.disconnect()
s = socket.socket()
print(number(s.connect, ("127.0.0.1", {echo.port})))
print(number(s.connect, ("localhost", {echo.port})), number(socket.getaddrinfo, "localhost", 1))
print(socket.getaddrinfo("10.1.2.3", 80))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print(number(u.sendto, b"x", ("127.0.0.1", 9)))
""",
    )
    assert lines == ["118", "-202 -202", "[(2, 1, 0, '10.1.2.3', ('10.1.2.3', 80))]", "118"]


def test_names(tmp_path: Path) -> None:
    text = (
        JOINED
        + """
print(number(socket.getaddrinfo, "host.example", 80), number(socket.getaddrinfo, "other.example", 80))
print("now")
while number(socket.getaddrinfo, "host.example", 80) != -202:
    pass
"""
    )
    with Script(tmp_path, text, lambda board: board.network.set(hosts={"host.example": "127.0.0.5"})) as script:
        script.wait("now")
        script.board.network.set(dns_fails=True)
        assert script.finish()[0] == "[(2, 1, 0, 'host.example', ('127.0.0.5', 80))] -202"


def test_a_slow_name_server_in_a_thread_does_not_stop_the_loop(tmp_path: Path) -> None:
    lines = run(
        tmp_path,
        JOINED
        + """
import asyncio, _thread
found = []
def look():
    found.append(socket.getaddrinfo("localhost", 7)[0][-1])
async def main():
    _thread.start_new_thread(look, ())
    turns = 0
    while not found:
        await asyncio.sleep_ms(10)
        w.status()
        turns += 1
    print(found, turns >= 5)
asyncio.run(main())
""",
        lambda board: board.network.set(dns_delay=0.3),
    )
    assert lines == ["[('127.0.0.1', 7)] True"]


def test_asyncio_streams(tmp_path: Path, echo: Server) -> None:
    lines = run(
        tmp_path,
        JOINED
        + f"""
import asyncio
async def client(n):
    reader, writer = await asyncio.open_connection("localhost", {echo.port})
    writer.write(b"%d" % n + b"x" * 20000 + b"\\n")
    await writer.drain()
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return line[:1], len(line)
async def main():
    print(await asyncio.gather(client(1), client(2), client(3)))
asyncio.run(main())
""",
    )
    assert lines == ["[(b'1', 20002), (b'2', 20002), (b'3', 20002)]"]


def test_asyncio_server_on_the_board(tmp_path: Path) -> None:
    port = closed_port()
    text = (
        JOINED
        + f"""
import asyncio
done = asyncio.Event()
async def serve(reader, writer):
    print(await reader.readline(), writer.get_extra_info("peername")[0])
    writer.write(b"hello\\n")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    done.set()
async def main():
    await asyncio.start_server(serve, "0.0.0.0", {port})
    print("listening")
    await done.wait()
asyncio.run(main())
"""
    )
    with Script(tmp_path, text) as script:
        script.wait("listening")
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"hi\n")
            assert client.makefile("rb").readline() == b"hello\n"
        assert script.finish() == ["listening", r"b'hi\n' 127.0.0.1"]


def test_datagrams(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host:
        host.bind(("127.0.0.1", 0))
        port = host.getsockname()[1]
        text = (
            JOINED
            + f"""
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print(u.sendto(b"question", ("127.0.0.1", {port})))
print(u.recvfrom(100))
"""
        )
        with Script(tmp_path, text) as script:
            data, address = host.recvfrom(100)
            host.sendto(b"answer to " + data, address)
            assert script.finish() == ["8", f"(b'answer to question', ('127.0.0.1', {port}))"]


def stall(board: Board) -> None:
    board.network.set(stall=True)


def drop(board: Board) -> None:
    board.network.drop()


@pytest.mark.parametrize(
    ("interrupt", "resume"),
    [
        (stall, lambda board: board.network.set(stall=False)),
        (drop, lambda board: board.network.restore()),
    ],
)
def test_a_connection_stands_still_and_goes_on(
    tmp_path: Path, echo: Server, interrupt: Callable[[Board], None], resume: Callable[[Board], None]
) -> None:
    text = (
        JOINED
        + f"""
import asyncio
async def main():
    reader, writer = await asyncio.open_connection("127.0.0.1", {echo.port})
    async def receive():
        global got
        while True:
            got += len(await reader.read(1))
    got_task = asyncio.create_task(receive())
    async def quiet():
        # Bytes are under way all the time; true when none has come for 200 ms.
        before = got
        for _ in range(20):
            writer.s.write(b"x")
            await asyncio.sleep_ms(10)
        return got == before
    print(await quiet())
    while not await quiet():
        pass
    print("quiet")
    while await quiet():
        pass
    print("again")
got = 0
asyncio.run(main())
"""
    )
    with Script(tmp_path, text) as script:
        script.wait("False")
        interrupt(script.board)
        script.wait("quiet")
        resume(script.board)
        assert script.finish() == ["False", "quiet", "again"]
