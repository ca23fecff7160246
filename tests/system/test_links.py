"""Links as a host sees them: AT+CIPSTART, AT+CIPSEND, +IPD, AT+CIPCLOSE and what tells of them."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from sim.board import Board
from tests.system.host import ERROR, OK, PROMPT, Host, error
from tests.system.links import CONNECT, SEND_OK, escape, send, start
from tests.system.servers import EchoServer, TcpServer, free_port, receive
from tests.system.upgrades import join


@pytest.fixture
def joined(host: Host, ssid: bytes, password: bytes) -> Host:
    """The host of a module on the network, one link at a time, none open."""
    join(host, ssid, password)
    for line in (b"AT+CIPCLOSE=5", b"AT+CIPCLOSE", b"AT+CIPSERVER=0,1", b"AT+CIPMODE=0", b"AT+CIPMUX=0"):
        host.answer(line)
    for line in (b"AT+CIPDINFO=0", b"AT+CIPRECVMODE=0", b"AT+SYSMSG=1"):
        host.command(line)
    return host


@pytest.fixture
def several(joined: Host) -> Host:
    """As ``joined``, with AT+CIPMUX=1 and error codes."""
    joined.command(b"AT+CIPMUX=1")
    joined.command(b"AT+SYSLOG=1")
    return joined


@pytest.fixture
def server() -> Iterator[TcpServer]:
    with TcpServer() as server:
        yield server


def test_a_link_from_start_to_close(joined: Host, server: TcpServer) -> None:
    with start(joined, server) as remote:
        send(joined, b"hello\x00\r\nAT\r\n")
        assert receive(remote, 12) == b"hello\x00\r\nAT\r\n"
        remote.sendall(b"world")
        joined.expect(b"\r\n+IPD,5:world")
        joined.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)
        assert remote.recv(1) == b""


def test_the_other_end_closes(joined: Host, server: TcpServer) -> None:
    with start(joined, server) as remote:
        remote.sendall(b"last words")
    joined.expect(b"\r\n+IPD,10:last wordsCLOSED\r\n")
    joined.command(b"AT+CIPCLOSE", ERROR)


@pytest.mark.parametrize("size", [1, 1024, 2920, 4096, 4097, 8192])
def test_data_of_any_size_goes_out_whole(joined: Host, server: TcpServer, size: int) -> None:
    data = os.urandom(size)
    with start(joined, server) as remote:
        send(joined, data)
        assert receive(remote, size) == data
        joined.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)


def test_a_link_that_is_open_already(joined: Host, server: TcpServer) -> None:
    with start(joined, server):
        line = b'AT+CIPSTART="TCP","127.0.0.1",%d' % server.port
        joined.command(line, b"ALREADY CONNECTED\r\n" + ERROR)
        joined.command(b"AT+CIPMUX=1", ERROR)
    joined.expect(b"CLOSED\r\n")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'AT+CIPSTART=5,"TCP","127.0.0.1",80', 0x01070000),
        (b'AT+CIPSTART=0,"FTP","127.0.0.1",80', 0x01070001),
        (b'AT+CIPSTART=0,"TCP","127.0.0.1",0', 0x01070003),
        (b'AT+CIPSTART=0,"TCP","127.0.0.1",65536', 0x01070003),
        (b'AT+CIPSTART=0,"TCP","127.0.0.1",80,7201', 0x01070004),
        (b'AT+CIPSTART=0,"UDP","127.0.0.1",80,1000,3', 0x01070005),
        (b'AT+CIPSTART=0,"TCP","127.0.0.1"', 0x01060403),
        (b'AT+CIPSTART="TCP","127.0.0.1",80', 0x01050000),
        (b"AT+CIPSEND=0,5", 0x010A0001),
        (b"AT+CIPSEND=0,8193", 0x01070001),
        (b"AT+CIPSEND=0,0", 0x01070001),
        (b"AT+CIPSEND", 0x010A0001),
        (b"AT+CIPCLOSE=0", 0x010A0001),
        (b"AT+CIPCLOSE", 0x010C0000),
        (b"AT+CIPRECVDATA=0,10", 0x010A0001),
        (b"AT+CIPMODE=1", 0x010A0001),
    ],
)
def test_what_cannot_be_done(several: Host, line: bytes, code: int) -> None:
    several.command(line, error(code))
    several.command(b"AT+CIPSTATE?")


@pytest.mark.parametrize(("target", "number"), [(b'"127.0.0.1",1', 0x68), (b'"no.such.name",80', 0xFFFFFF36)])
def test_why_a_link_cannot_be_opened(several: Host, target: bytes, number: int) -> None:
    """By lwIP's numbers."""
    several.command(b'AT+CIPSTART=0,"TCP",' + target, b"+ERRNO:0x%x\r\n" % number, error(0x010A0007))


def test_links_end_with_the_network(several: Host, board: Board, server: TcpServer) -> None:
    with start(several, server, 0), start(several, server, 3) as remote:
        board.network.drop()
        several.expect(b"WIFI DISCONNECT\r\n0,CLOSED\r\n3,CLOSED\r\n")
        assert remote.recv(1) == b""
    several.command(b"AT+CIPSTATUS", b"STATUS:5\r\n" + OK)
    line = b'AT+CIPSTART=0,"TCP","127.0.0.1",%d' % server.port
    several.command(line, b"+ERRNO:0x76\r\n", error(0x010A0006))
    board.network.restore()
    several.expect(b"WIFI CONNECTED\r\nWIFI GOT IP\r\n")


def test_five_links_at_once(several: Host) -> None:
    with EchoServer() as server:
        for link in range(5):
            line = b'AT+CIPSTART=%d,"TCP","127.0.0.1",%d' % (link, server.port)
            several.command(line, b"%d," % link + CONNECT)
        several.command(b'AT+CIPSTARTEX="TCP","127.0.0.1",%d' % server.port, error(0x010A0002))
        for link in (4, 0, 3, 1, 2):
            data = os.urandom(1000)
            send(several, data, link)
            several.expect(b"\r\n+IPD,%d,1000:" % link + data)
        several.command(b"AT+CIPCLOSE=2", b"2,CLOSED\r\n" + OK)
        several.command(b'AT+CIPSTARTEX="TCP","127.0.0.1",%d' % server.port, b"2," + CONNECT)
        closed = b"".join(b"%d,CLOSED\r\n" % link for link in range(5))
        several.command(b"AT+CIPCLOSE=5", closed + OK)


def test_status(several: Host, server: TcpServer) -> None:
    with start(several, server, 1) as remote:
        port = remote.getpeername()[1]
        line = b'1,"TCP","127.0.0.1",%d,%d,0\r\n' % (server.port, port)
        several.command(b"AT+CIPSTATE?", b"+CIPSTATE:" + line + OK)
        several.command(b"AT+CIPSTATUS", b"STATUS:3\r\n+CIPSTATUS:" + line + OK)
        several.command(b"AT+CIPCLOSE=1", b"1,CLOSED\r\n" + OK)
    several.command(b"AT+CIPSTATE?")
    several.command(b"AT+CIPSTATUS", b"STATUS:4\r\n" + OK)


def test_where_data_comes_from(several: Host, server: TcpServer) -> None:
    several.command(b"AT+CIPDINFO=1")
    several.command(b"AT+CIPDINFO?", b"+CIPDINFO:true\r\n" + OK)
    with start(several, server, 2) as remote:
        remote.sendall(b"abc")
        several.expect(b'\r\n+IPD,2,3,"127.0.0.1",%d:abc' % server.port)
    several.expect(b"2,CLOSED\r\n")


def test_fetched_data(several: Host, server: TcpServer) -> None:
    several.command(b"AT+CIPRECVTYPE=5,1")
    several.command(b"AT+CIPRECVMODE?", b"+CIPRECVMODE:1\r\n" + OK)
    with start(several, server, 1) as remote:
        several.command(b"AT+CIPRECVLEN?", b"+CIPRECVLEN:-1,0,-1,-1,-1\r\n" + OK)
        several.command(b"AT+CIPRECVDATA=1,10", error(0x010A0001))
        remote.sendall(b"0123456789")
        several.expect(b"\r\n+IPD,1,10\r\n")
        several.command(b"AT+CIPRECVLEN?", b"+CIPRECVLEN:-1,10,-1,-1,-1\r\n" + OK)
        several.command(b"AT+CIPRECVDATA=1,4", b"+CIPRECVDATA:4,0123" + OK)
        remote.sendall(b"ab")
    several.command(b"AT+CIPRECVDATA=1,4", b"+CIPRECVDATA:4,4567" + OK)
    several.expect_nothing()
    several.command(b"AT+CIPDINFO=1")
    several.send(b"AT+CIPRECVDATA=1,100")
    several.expect(b'+CIPRECVDATA:4,"127.0.0.1",%d,89ab' % server.port + OK + b"1,CLOSED\r\n")


def test_data_that_was_not_fetched_goes_with_the_link(several: Host, server: TcpServer) -> None:
    several.command(b"AT+CIPRECVMODE=1")
    with start(several, server, 0) as remote:
        remote.sendall(b"unread")
        several.expect(b"\r\n+IPD,0,6\r\n")
    several.expect_nothing()
    several.command(b"AT+CIPCLOSE=0", b"0,CLOSED\r\n" + OK)
    several.expect_nothing()


def test_a_megabyte_waits_while_the_host_sleeps(several: Host, server: TcpServer) -> None:
    data = os.urandom(1 << 20)
    with start(several, server, 0) as remote:
        # Less than a megabyte must fit into what the host's own system holds.
        remote.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        several.command(b"AT+USERWKMCUCFG=1,1,18,1,60000,1")
        several.command(b"AT+USERMCUSLEEP=1")
        sending = threading.Thread(target=remote.sendall, args=(data,))
        sending.start()
        several.expect_nothing(0.3)
        assert sending.is_alive()
        several.send(b"AT+USERMCUSLEEP=0")
        several.expect(OK)
        received = b""
        while len(received) < len(data):
            head = several.read_until(b":")
            assert head.startswith(b"\r\n+IPD,0,")
            received += several.read_exactly(int(head[9:-1]))
        sending.join()
        assert received == data
        several.command(b"AT+CIPCLOSE=0", b"0,CLOSED\r\n" + OK)


def test_reports_wait_for_the_end_of_a_transmission(joined: Host, server: TcpServer) -> None:
    with start(joined, server) as remote:
        joined.command(b"AT+CIPSEND=4", PROMPT)
        remote.sendall(b"early")
        joined.expect_nothing()
        joined.write(b"data")
        joined.expect(b"\r\nRecv 4 bytes\r\n" + SEND_OK + b"\r\n+IPD,5:early")
    joined.expect(b"CLOSED\r\n")


def test_a_link_that_breaks_during_a_transmission(joined: Host, server: TcpServer) -> None:
    remote = start(joined, server)
    joined.command(b"AT+CIPSEND=8192", PROMPT)
    remote.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    remote.close()
    time.sleep(0.05)
    joined.write(bytes(8192))
    joined.expect(b"\r\nRecv 8192 bytes\r\n\r\nSEND FAIL\r\nCLOSED\r\n")


def test_datagrams(several: Host) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as remote:
        remote.bind(("127.0.0.1", 0))
        remote.settimeout(5)
        port, own = remote.getsockname()[1], free_port()
        several.command(b'AT+CIPSTART=4,"UDP","127.0.0.1",%d,%d,0' % (port, own), b"4," + CONNECT)
        send(several, b"one", 4)
        assert remote.recvfrom(100) == (b"one", ("127.0.0.1", own))
        remote.sendto(b"first", ("127.0.0.1", own))
        remote.sendto(b"second", ("127.0.0.1", own))
        several.expect(b"\r\n+IPD,4,5:first\r\n+IPD,4,6:second")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            other.settimeout(5)
            several.command(b'AT+CIPSEND=4,2,"127.0.0.1",%d' % other.getsockname()[1], PROMPT)
            several.write(b"hi")
            several.expect(b"\r\nRecv 2 bytes\r\n" + SEND_OK)
            assert other.recv(100) == b"hi"
            several.command(b'AT+CIPSENDEX=4,9,"127.0.0.1",%d' % other.getsockname()[1], PROMPT)
            several.write(b"three\\0")
            several.expect(b"\r\nRecv 5 bytes\r\n" + SEND_OK)
            assert other.recv(100) == b"three"
            several.command(b'AT+CIPSENDL=4,100,"127.0.0.1",%d' % other.getsockname()[1], PROMPT)
            several.write(bytes(100))
            several.expect(b"+CIPSENDL:100,100\r\n" + SEND_OK)
            assert other.recv(200) == bytes(100)
            for command in (b"SEND", b"SENDEX", b"SENDL"):
                several.command(b'AT+CIP%s=4,2,"127.0.0.1"' % command, error(0x01070002))
        several.command(b"AT+CIPCLOSE=4", b"4,CLOSED\r\n" + OK)


def test_a_server_and_its_clients(several: Host) -> None:
    port = free_port()
    several.command(b"AT+CIPSERVER?", b"+CIPSERVER:0\r\n" + OK)
    several.command(b"AT+CIPSERVERMAXCONN=2")
    several.command(b"AT+CIPSERVER=1,%d" % port)
    several.command(b"AT+CIPSERVER=1,%d" % port, b"no change\r\n" + OK)
    several.command(b"AT+CIPSERVER?", b'+CIPSERVER:1,%d,"TCP",0,0\r\n' % port + OK)
    with socket.create_connection(("127.0.0.1", port), 5) as one, socket.create_connection(("127.0.0.1", port), 5):
        several.expect(b"0,CONNECT\r\n1,CONNECT\r\n")
        with socket.create_connection(("127.0.0.1", port), 5) as third:
            assert third.recv(1) == b""
        one.sendall(b"request")
        several.expect(b"\r\n+IPD,0,7:request")
        send(several, b"answer", 0)
        assert receive(one, 6) == b"answer"
        several.command(b"AT+CIPMUX=0", error(0x010A0002))
        several.command(b"AT+CIPSERVER=0,1", b"0,CLOSED\r\n1,CLOSED\r\n" + OK)
        assert one.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)


def test_a_client_that_is_silent(several: Host) -> None:
    port = free_port()
    several.command(b"AT+CIPSTO=1")
    several.command(b"AT+CIPSTO?", b"+CIPSTO:1\r\n" + OK)
    several.command(b"AT+CIPSERVER=1,%d" % port)
    with socket.create_connection(("127.0.0.1", port), 5) as remote:
        several.expect(b"0,CONNECT\r\n")
        several.expect(b"0,CLOSED\r\n")
        assert remote.recv(1) == b""
    several.command(b"AT+CIPSTO=180")


def test_data_that_ends_itself(joined: Host, server: TcpServer) -> None:
    with start(joined, server) as remote:
        joined.command(b"AT+CIPSENDEX=100", PROMPT)
        joined.write(rb"a\\b\c\0")
        joined.expect(b"\r\nRecv 4 bytes\r\n" + SEND_OK)
        assert receive(remote, 4) == rb"a\bc"
        joined.command(b"AT+CIPSENDEX=4", PROMPT)
        joined.write(b"full")
        joined.expect(b"\r\nRecv 4 bytes\r\n" + SEND_OK)
        assert receive(remote, 4) == b"full"
    joined.expect(b"CLOSED\r\n")


def test_long_data(joined: Host, server: TcpServer) -> None:
    joined.command(b"AT+CIPSENDLCFG?", b"+CIPSENDLCFG:1024,2920\r\n" + OK)
    with start(joined, server) as remote:
        joined.command(b"AT+CIPSENDL=20", PROMPT)
        joined.write(bytes(20))
        joined.expect(b"+CIPSENDL:20,20\r\n" + SEND_OK)
        assert receive(remote, 20) == bytes(20)
        joined.command(b"AT+CIPSENDL=20", PROMPT)
        joined.write(b"some")
        joined.expect_nothing(0.1)
        joined.write(b"+++")
        joined.expect(b"\r\nSEND CANCELLED\r\n")
        assert receive(remote, 4) == b"some"
    joined.expect(b"CLOSED\r\n")


def test_pass_through(joined: Host, server: TcpServer) -> None:
    joined.command(b"AT+CIPMODE=1")
    with start(joined, server) as remote:
        joined.command(b"AT+CIPSEND", PROMPT)
        data = os.urandom(20_000)
        joined.write(data)
        assert receive(remote, len(data)) == data
        remote.sendall(data)
        joined.expect(data)
        joined.write(b"a+++")
        assert receive(remote, 4) == b"a+++"
        time.sleep(0.1)
        joined.write(b"+++\r\n")
        assert receive(remote, 5) == b"+++\r\n"
        escape(joined)
        joined.command(b"AT")
        remote.sendall(b"still raw")
        joined.expect(b"still raw")
        joined.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)


def test_pass_through_connects_again(joined: Host, server: TcpServer) -> None:
    joined.command(b"AT+CIPMODE=1")
    joined.command(b"AT+CIPRECONNINTV=2")
    start_again = start(joined, server)
    joined.command(b"AT+CIPSEND", PROMPT)
    start_again.close()
    with server.accept() as remote:
        remote.sendall(b"back")
        joined.expect(b"back")
        joined.write(b"again")
        assert receive(remote, 5) == b"again"
        escape(joined)
        joined.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)
