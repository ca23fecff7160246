"""TLS links: encrypted only, or verified against the authority whose certificate is on the board."""

from __future__ import annotations

import ssl
import time

import pytest

from sim.board import Board
from tests.system.certificates import authority, server_context
from tests.system.host import OK, PROMPT, Host, error
from tests.system.links import escape
from tests.system.servers import TcpServer, receive
from tests.system.time_server import TimeServer
from tests.system.upgrades import JOINED

NAME = "server.example"
USER_FILES = {"ca.pem": authority("Right")}
NTP = 123
CONNECTED = b"CONNECT\r\n" + OK


@pytest.fixture
def joined(host: Host, ssid: bytes, password: bytes) -> Host:
    """The host of a module on the network that tells error codes."""
    if not host.answer(b"AT+CWSTATE?").startswith(b"+CWSTATE:2,"):
        host.command(b"AT+CWMODE=1")
        host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)
    host.command(b"AT+SYSLOG=1")
    return host


def test_a_verified_link(joined: Host, board: Board) -> None:
    host = joined
    with (
        TimeServer(int(time.time())) as clock,
        TcpServer(server_context("Right", NAME)) as right,
        TcpServer(server_context("Wrong", NAME)) as wrong,
    ):
        board.network.hosts.update({NAME: "127.0.0.1", "pool.ntp.org": "127.0.0.1"})
        board.network.ports[NTP] = clock.port
        host.command(b"AT+CIPSSLCCONF=2")
        host.command(b"AT+CIPSSLCCONF?", b"+CIPSSLCCONF:0,2,0,0\r\n" + OK)
        answer = host.answer(b'AT+CIPSTART="SSL","%s",%d' % (NAME.encode(), wrong.port), patience=20)
        assert answer.endswith(error(0x010A0007)), board.console.decode()[-800:]
        host.command(b'AT+CIPSTART="SSL","%s",%d' % (NAME.encode(), right.port), b"CONNECT\r\n" + OK, patience=20)
        with right.accept() as remote:
            host.command(b"AT+CIPSEND=6", PROMPT)
            host.write(b"secret")
            host.expect(b"\r\nRecv 6 bytes\r\n\r\nSEND OK\r\n")
            assert receive(remote, 6) == b"secret"
            remote.sendall(b"answer")
            host.expect(b"\r\n+IPD,6:answer")
            host.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)
        host.command(b"AT+CIPSSLCCONF=0")
        host.command(b'AT+CIPSTART="SSL","%s",%d' % (NAME.encode(), wrong.port), b"CONNECT\r\n" + OK, patience=20)
        host.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)


def test_the_name_that_is_verified_may_be_another_than_the_address(joined: Host, board: Board) -> None:
    joined.command(b"AT+SYSTIMESTAMP=%d" % time.time())
    joined.command(b"AT+CIPSSLCCONF=2")
    with TcpServer(server_context("Right", NAME)) as server:
        line = b'AT+CIPSTART="SSL","127.0.0.1",%d' % server.port
        for sni, common_name, accepted in (
            (b"", b"", False),
            (NAME.encode(), b"", True),
            (NAME.encode(), b"other.example", False),
            (b"other.example", NAME.encode(), True),
        ):
            joined.command(b'AT+CIPSSLCSNI="%s"' % sni)
            joined.command(b'AT+CIPSSLCCN="%s"' % common_name)
            if accepted:
                joined.command(line, CONNECTED, patience=20)
                joined.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)
            else:
                assert joined.answer(line, patience=20).endswith(error(0x010A0007))
    joined.command(b'AT+CIPSSLCSNI=""')
    joined.command(b'AT+CIPSSLCCN=""')
    joined.command(b"AT+CIPSSLCCONF=0")


@pytest.mark.parametrize(
    ("code", "name"),
    [(b"0xC02B", "ECDHE-ECDSA-AES128-GCM-SHA256"), (b"0xC02C", "ECDHE-ECDSA-AES256-GCM-SHA384")],
)
def test_a_chosen_cipher_suite(joined: Host, code: bytes, name: str) -> None:
    joined.command(b"AT+CIPSSLCCIPHER=1," + code)
    context = server_context("Right", "board.example")
    # As a board has it; the simulator's interpreter offers 1.3 too.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with TcpServer(context) as server:
        joined.command(b'AT+CIPSTART="SSL","127.0.0.1",%d' % server.port, CONNECTED, patience=20)
        with server.accept() as remote:
            assert isinstance(remote, ssl.SSLSocket)
            chosen = remote.cipher()
            assert chosen is not None
            assert chosen[0] == name
            joined.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)
        # One that its certificate does not fit.
        joined.command(b"AT+CIPSSLCCIPHER=1,0xC02F")
        answer = joined.answer(b'AT+CIPSTART="SSL","127.0.0.1",%d' % server.port, patience=20)
        assert answer.endswith(error(0x010A0007))
    joined.command(b"AT+CIPSSLCCIPHER=0")


def test_the_cipher_suites_that_there_are(joined: Host) -> None:
    lines = joined.answer(b"AT+CIPSSLCCIPHER?", patience=20).removesuffix(OK).split(b"\r\n")
    assert lines[0] == b"+CIPSSLCCIPHER:0,0xC009"
    assert b"+CIPSSLCCIPHER:4,0xC02B" in lines


def test_details_and_pass_through_from_the_start_on(joined: Host) -> None:
    joined.command(b"AT+SYSMSG=7")
    with TcpServer(server_context("Right", NAME)) as server:
        joined.command(b'AT+SAVETRANSLINK=1,"127.0.0.1",%d,"SSL"' % server.port)
        joined.send(b"AT+RST")
        joined.read_until(b"\r\nready\r\n" + JOINED, 20)
        with server.accept() as remote:
            port = remote.getpeername()[1]
            joined.expect(b'+LINK_CONN:0,0,"SSL",0,"127.0.0.1",%d,%d\r\n\r\n>' % (server.port, port), 20)
            joined.write(b"secret")
            assert receive(remote, 6) == b"secret"
            remote.sendall(b"answer")
            joined.expect(b"answer")
            escape(joined)
            joined.command(b"ATE0", b"ATE0\r\n", OK)
            joined.command(b"AT+CIPCLOSE", b"CLOSED\r\n" + OK)
    joined.command(b"AT+SAVETRANSLINK=0")
    joined.command(b"AT+CIPMODE=0")
    joined.command(b"AT+SYSMSG=0")
