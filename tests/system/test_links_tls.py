"""TLS links: encrypted only, or verified against the authority whose certificate is on the board."""

from __future__ import annotations

import time

from sim.board import Board
from tests.system.certificates import authority, server_context
from tests.system.host import OK, PROMPT, Host, error
from tests.system.servers import TcpServer, receive
from tests.system.time_server import TimeServer
from tests.system.upgrades import JOINED

NAME = "server.example"
USER_FILES = {"ca.pem": authority("Right")}
NTP = 123


def test_a_verified_link(host: Host, board: Board, ssid: bytes, password: bytes) -> None:
    host.command(b"AT+CWMODE=1,0")
    host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)
    host.command(b"AT+SYSLOG=1")
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
