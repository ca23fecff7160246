"""Pass-through, what AT+SYSMSG has to say of it and of connections, and pass-through from the start on."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from sim.board import Board
from tests.system.host import OK, PROMPT, READY, Host, error
from tests.system.links import CONNECT, GUARD, escape, start
from tests.system.servers import TcpServer, free_port, receive
from tests.system.upgrades import JOINED

CONFIG = {"wifi_poll_ms": 20}
NOT_THERE = 0x010A0001
START_PATIENCE = 20.0
# What the guide wants behind +++.
BEHIND = 1.0
LOST = b"WIFI DISCONNECT\r\n"


@pytest.fixture
def module(host: Host, board: Board, ssid: bytes, password: bytes) -> Iterator[Host]:
    """A module on the network that tells error codes; it has no links, and nothing is stored of them."""
    if not host.answer(b"AT+CWSTATE?").startswith(b"+CWSTATE:2,"):
        host.command(b"AT+CWMODE=1")
        host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)
    for line in (b"AT+CIPCLOSE=5", b"AT+CIPCLOSE", b"AT+CIPSERVER=0,1", b"AT+CIPMODE=0", b"AT+CIPMUX=0"):
        host.answer(line)
    for line in (b"AT+CIPRECONNINTV=1", b"AT+SYSMSG=1", b"AT+SAVETRANSLINK=0", b"AT+SYSLOG=1"):
        host.command(line)
    yield host
    board.network.restore()


@pytest.fixture
def server() -> Iterator[TcpServer]:
    with TcpServer() as server:
        yield server


def restart(module: Host, said: bytes = b"") -> None:
    """Restart; ``said`` is what the module says after it is ready."""
    module.send(b"AT+RST")
    module.read_until(READY, START_PATIENCE)
    module.expect(said, START_PATIENCE)


def leave(module: Host) -> None:
    """Leave pass-through that a start began, with echo off."""
    escape(module)
    module.command(b"ATE0", b"ATE0\r\n", OK)


def back(module: Host) -> None:
    """Wait until a start that does not begin with pass-through is on the network, with echo off."""
    module.expect(JOINED, START_PATIENCE)
    module.command(b"ATE0", b"ATE0\r\n", OK)


# AT+SYSMSG.


def test_the_end_of_pass_through_is_said_if_wanted(module: Host, server: TcpServer) -> None:
    module.command(b"AT+CIPMODE=1")
    with start(module, server):
        module.command(b"AT+CIPSEND", PROMPT)
        escape(module)
        module.command(b"AT+SYSMSG=0")
        module.command(b"AT+CIPSEND", PROMPT)
        time.sleep(GUARD)
        module.write(b"+++")
        module.expect_nothing(BEHIND)
        module.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)


def test_details_of_a_single_link(module: Host, server: TcpServer) -> None:
    module.command(b"AT+SYSMSG=3")
    module.send(b'AT+CIPSTART="TCP","127.0.0.1",%d' % server.port)
    with server.accept() as remote:
        port = remote.getpeername()[1]
        module.expect(b'+LINK_CONN:0,0,"TCP",0,"127.0.0.1",%d,%d\r\n' % (server.port, port) + OK)
        module.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)


def test_details_of_several_links(module: Host, server: TcpServer) -> None:
    module.command(b"AT+CIPMUX=1")
    module.command(b"AT+SYSMSG=3")
    own, listening = free_port(), free_port()
    line = b'+LINK_CONN:0,3,"UDP",0,"127.0.0.1",1234,%d\r\n' % own
    module.command(b'AT+CIPSTART=3,"UDP","127.0.0.1",1234,%d' % own, line, OK)
    module.command(b"AT+CIPSERVER=1,%d" % listening)
    with socket.create_connection(("127.0.0.1", listening), 5) as remote:
        port = remote.getsockname()[1]
        module.expect(b'+LINK_CONN:0,0,"TCP",1,"127.0.0.1",%d,%d\r\n' % (port, listening))
    module.expect(b"0,CLOSED\r\n")
    module.send(b'AT+CIPSTARTEX="TCP","127.0.0.1",%d' % server.port)
    with server.accept() as remote:
        port = remote.getpeername()[1]
        module.expect(b'+LINK_CONN:0,0,"TCP",0,"127.0.0.1",%d,%d\r\n' % (server.port, port) + OK)
    module.expect(b"0,CLOSED\r\n")


@pytest.mark.parametrize("bits", [1, 5, 7])
def test_what_is_said_of_connections_during_pass_through(
    module: Host, board: Board, server: TcpServer, bits: int
) -> None:
    module.command(b"AT+SYSMSG=%d" % bits)
    module.command(b"AT+CIPMODE=1")
    module.send(b'AT+CIPSTART="TCP","127.0.0.1",%d' % server.port)
    with server.accept() as remote:
        module.read_until(OK)
        module.command(b"AT+CIPSEND", PROMPT)
        board.network.drop()
        assert remote.recv(1) == b""
    module.expect(LOST + b"CLOSED\r\n" if bits > 1 else b"")
    board.network.restore()
    with server.accept() as remote:
        details = b'+LINK_CONN:0,0,"TCP",0,"127.0.0.1",%d,%d\r\n' % (server.port, remote.getpeername()[1])
        again = details if bits == 7 else b"CONNECT\r\n"
        module.expect(JOINED + again if bits > 1 else b"")
        remote.sendall(b"data")
        module.expect(b"data")
        escape(module)
        module.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)


def test_a_link_that_is_lost_after_pass_through_stays_closed(module: Host, server: TcpServer) -> None:
    module.command(b"AT+CIPMODE=1")
    with start(module, server) as remote:
        module.command(b"AT+CIPSEND", PROMPT)
        escape(module)
        remote.sendall(b"raw")
    module.expect(b"rawCLOSED\r\n")
    module.command(b"AT+CIPSEND", error(NOT_THERE))
    module.expect_nothing(0.3)
    module.command(b"AT+CIPSTATE?")


# Whom pass-through may go to.


def test_pass_through_with_the_only_client_of_the_server(module: Host) -> None:
    port = free_port()
    module.command(b"AT+CIPMUX=1")
    module.command(b"AT+CIPMODE=1", error(NOT_THERE))
    module.command(b"AT+SYSMSG=5")
    module.command(b"AT+CIPSERVERMAXCONN=1")
    module.command(b"AT+CIPSERVER=1,%d" % port)
    with socket.create_connection(("127.0.0.1", port), 5) as first:
        module.expect(b"0,CONNECT\r\n")
        module.command(b"AT+CIPMODE=1")
        module.command(b'AT+CIPSTART=1,"TCP","127.0.0.1",80', error(NOT_THERE))
        module.command(b"AT+CIPSEND", PROMPT)
        module.write(b"to the client")
        assert receive(first, 13) == b"to the client"
        first.sendall(b"to the host")
        module.expect(b"to the host")
    module.expect(b"0,CLOSED\r\n")
    with socket.create_connection(("127.0.0.1", port), 5) as second:
        second.sendall(b"of the next client")
        module.expect(b"0,CONNECT\r\nof the next client")
        module.write(b"answer")
        assert receive(second, 6) == b"answer"
        escape(module)
        module.command(b"AT+CIPMODE=0")
        module.command(b"AT+CIPSERVER=0,1", b"0,CLOSED\r\n" + OK)
    module.command(b"AT+CIPSERVERMAXCONN=5")


def test_no_pass_through_to_a_changing_address(module: Host) -> None:
    module.command(b"AT+CIPMODE=1")
    module.command(b'AT+CIPSTART="UDP","127.0.0.1",1234,%d,2' % free_port(), CONNECT)
    module.command(b"AT+CIPSEND", error(NOT_THERE))
    module.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)


# AT+SAVETRANSLINK.


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"AT+SAVETRANSLINK=", 0x01080000),
        (b'AT+SAVETRANSLINK=2,"127.0.0.1",80', 0x01070000),
        (b"AT+SAVETRANSLINK=1", 0x01060301),
        (b'AT+SAVETRANSLINK=1,"127.0.0.1"', 0x01060302),
        (b'AT+SAVETRANSLINK=1,"",80', 0x01040001),
        (b'AT+SAVETRANSLINK=1,"%s",80' % (b"x" * 65), 0x01040001),
        (b'AT+SAVETRANSLINK=1,"127.0.0.1",0', 0x01070002),
        (b'AT+SAVETRANSLINK=1,"127.0.0.1",80,"TCPv6"', 0x01070003),
        (b'AT+SAVETRANSLINK=1,"127.0.0.1",80,"TCP",7201', 0x01070004),
        (b'AT+SAVETRANSLINK=1,"127.0.0.1",80,"UDP",65536', 0x01070004),
        (b'AT+SAVETRANSLINK=1,"127.0.0.1",80,"UDP",1,1', 0x01060506),
    ],
)
def test_a_link_that_cannot_be_stored_leaves_what_is_stored(module: Host, line: bytes, code: int) -> None:
    module.command(line, error(code))


def test_pass_through_from_the_start_on(module: Host, server: TcpServer) -> None:
    module.command(b"AT+SYSSTORE=0")
    module.command(b'AT+SAVETRANSLINK=1,"127.0.0.1",%d,"TCP",60' % server.port)
    restart(module, b"\r\n>")
    with server.accept() as remote:
        module.write(b"AT\r\n")
        assert receive(remote, 4) == b"AT\r\n"
        remote.sendall(b"answer")
        module.expect(b"answer")
        leave(module)
        module.command(b"AT+CIPMODE?", b"+CIPMODE:1\r\n" + OK)
        port = remote.getpeername()[1]
        line = b'+CIPSTATE:0,"TCP","127.0.0.1",%d,%d,0\r\n' % (server.port, port)
        module.command(b"AT+CIPSTATE?", line, OK)
        module.command(b"AT+CIPSEND", PROMPT)
        module.write(b"again")
        assert receive(remote, 5) == b"again"
        escape(module)
        module.command(b"AT+SAVETRANSLINK=0")
        restart(module)
    back(module)


def test_pass_through_by_datagrams_from_the_start_on(module: Host) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as remote:
        remote.bind(("127.0.0.1", 0))
        remote.settimeout(5)
        own = free_port()
        module.command(b'AT+SAVETRANSLINK=1,"127.0.0.1",%d,"UDP",%d' % (remote.getsockname()[1], own))
        restart(module, b"\r\n>")
        module.write(b"one")
        assert remote.recvfrom(100) == (b"one", ("127.0.0.1", own))
        remote.sendto(b"two", ("127.0.0.1", own))
        module.expect(b"two")
        leave(module)
        module.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)


def test_a_start_with_the_peer_away_tries_until_it_is_there(module: Host) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    module.command(b"AT+SYSMSG=5")
    module.command(b'AT+SAVETRANSLINK=1,"127.0.0.1",%d' % port)
    restart(module, JOINED)
    module.write(b"lost")
    module.expect_nothing(0.3)
    with socket.create_server(("127.0.0.1", port)) as listening:
        listening.settimeout(5)
        remote, _ = listening.accept()
        with remote:
            module.expect(b"CONNECT\r\n\r\n>")
            module.write(b"kept")
            assert remote.recv(100) == b"kept"
            leave(module)
            module.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)


def test_a_start_without_network_can_be_left_and_not_be_taken_up(module: Host, board: Board, server: TcpServer) -> None:
    module.command(b'AT+SAVETRANSLINK=1,"127.0.0.1",%d' % server.port)
    board.network.drop()
    restart(module)
    module.write(b"AT\r\n")
    module.expect_nothing(0.2)
    leave(module)
    module.command(b"AT+CIPSTATE?")
    board.network.restore()
    module.expect(JOINED, START_PATIENCE)
    module.expect_nothing(0.3)
    module.command(b"AT+CIPMODE=0")
    with start(module, server):
        module.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)


def test_a_start_whose_handshake_hangs_can_be_left(module: Host, server: TcpServer) -> None:
    module.command(b'AT+SAVETRANSLINK=1,"127.0.0.1",%d,"SSL"' % server.port)
    restart(module)
    with server.accept() as remote:
        assert remote.recv(1) == b"\x16"
        leave(module)
        while remote.recv(1024):
            pass
    module.command(b"AT+CIPSTATE?")


def test_restore_forgets_the_link(module: Host, server: TcpServer) -> None:
    module.command(b'AT+SAVETRANSLINK=1,"127.0.0.1",%d' % server.port)
    module.send(b"AT+RESTORE")
    module.read_until(READY, START_PATIENCE)
    module.command(b"ATE0", b"ATE0\r\n", OK)
    module.expect_nothing(0.3)
