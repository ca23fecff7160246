"""What drivers for ESP-AT send, where they differ from the guide's examples, and what they look for in the answers.

lwESP, Zephyr's ``esp_at``, RT-Thread's ``at_device``, esp-at-nal. The README says which drivers have been run.
"""

from __future__ import annotations

import re
import socket

import pytest

from tests.system.host import ERROR, OK, PROMPT, READY, Host, error
from tests.system.links import SEND_OK
from tests.system.servers import EchoServer, TcpServer, receive
from tests.system.upgrades import JOINED

CONFIG = {"wifi_poll_ms": 50}

RADIO_OFF = 0x010A0001
NO_LINK = b"-1"


@pytest.fixture
def new(host: Host) -> Host:
    """The host of a module as from the factory, echo off."""
    host.command(b"AT+RESTORE", OK)
    host.read_until(READY, 20)
    host.command(b"ATE0", b"ATE0\r\n" + OK)
    return host


def join(host: Host, ssid: bytes, password: bytes) -> None:
    host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)


def connected(host: Host, line: bytes, number: int, kind: bytes, remote: int) -> int:
    """Send a line that opens a link, as AT+SYSMSG=7 tells of it; the link's local port."""
    answer = host.answer(line)
    head = b'+LINK_CONN:0,%d,"%s",0,"127.0.0.1",%d,' % (number, kind, remote)
    match = re.fullmatch(re.escape(head) + rb"(\d+)\r\n\r\nOK\r\n", answer)
    assert match, answer
    return int(match[1])


def test_lwesp(new: Host, ssid: bytes, password: bytes) -> None:
    """Every answer that it takes apart, from its reset sequence to a server; it reads passively, with +LINK_CONN."""
    new.command(b"AT+SYSMSG=7")
    new.command(b"AT+SYSLOG=1")
    # Wi-Fi is off; it goes on.
    new.command(b"AT+RFPOWER=40", error(RADIO_OFF))
    new.command(b"AT+CWMODE=3,1")
    new.command(b"AT+CWDHCP?", b"+CWDHCP:3\r\n", OK)
    new.command(b"AT+CIPMUX=1")
    new.command(b"AT+CIPRECVMODE=1")
    new.command(b"AT+CWLAPOPT=1,0x7FF")
    new.command(b"AT+CIPSTATUS", b"STATUS:5\r\n", OK)
    new.command(b"AT+CIPSTATE?", OK)
    assert new.answer(b"AT+CIPAP?").startswith(b'+CIPAP:ip:"192.168.4.1"\r\n+CIPAP:gateway:"192.168.4.1"\r\n')
    new.command(b"AT+CIPDINFO=1")
    join(new, ssid, password)
    with EchoServer() as server:
        new.command(b"AT+CIPSTATUS", b"STATUS:2\r\n", OK)
        local = connected(new, b'AT+CIPSTARTEX="TCP","127.0.0.1",%d,0' % server.port, 0, b"TCP", server.port)
        status = b'+CIPSTATUS:0,"TCP","127.0.0.1",%d,%d,0\r\n' % (server.port, local)
        new.command(b"AT+CIPSTATUS", b"STATUS:3\r\n", status, OK)
        new.command(b"AT+CIPSEND=0,5", PROMPT)
        new.write(b"hello")
        new.expect(b"\r\nRecv 5 bytes\r\n" + SEND_OK + b"\r\n+IPD,0,5\r\n")
        new.command(b"AT+CIPRECVLEN?", b"+CIPRECVLEN:5,%s\r\n" % b",".join([NO_LINK] * 4), OK)
        source = b'"127.0.0.1",%d,' % server.port
        new.command(b"AT+CIPRECVDATA=0,5", b"+CIPRECVDATA:5," + source + b"hello" + OK)
        new.command(b"AT+CIPRECVLEN?", b"+CIPRECVLEN:0,%s\r\n" % b",".join([NO_LINK] * 4), OK)
        new.command(b"AT+CIPCLOSE=0", b"0,CLOSED\r\n" + OK)
    new.command(b"AT+CIPSERVERMAXCONN=5")
    new.command(b"AT+CIPSERVER=1,8333")
    new.command(b"AT+CIPSTO=100")
    with socket.create_connection(("127.0.0.1", 8333)) as client:
        new.expect(b'+LINK_CONN:0,0,"TCP",1,"127.0.0.1",%d,8333\r\n' % client.getsockname()[1])
    new.expect(b"0,CLOSED\r\n")
    new.command(b"AT+CIPSERVER=0")


def test_lwesp_goes_on_at_the_new_speed_at_once(new: Host) -> None:
    """Though by the baud rate much is still on its way: what counts is that the UART has sent it."""
    new.answer(b"AT+CMD?", 20)
    new.command(b"AT+UART_CUR=921600,8,1,0,0")
    new.command(b"AT+CWMODE?", b"+CWMODE:0\r\n", OK)
    new.command(b"AT+UART_CUR=115200,8,1,0,0")


def test_zephyr(new: Host, ssid: bytes, password: bytes) -> None:
    """It sets the station up before Wi-Fi is on, and switches it on for each scan."""
    for line in (
        b"AT+UART_CUR=115200,8,1,0,0",
        b"AT+CWDHCP=1,1",
        b"AT+CIPMUX=1",
        b"AT+CWLAPOPT=0,23",
        b"AT+CWMODE=1,0",
        b"AT+CWAUTOCONN=0",
        b"AT+CWMODE=0,0",
        b"AT+CIPRECVMODE=1",
        b"AT+CIPDINFO=1",
    ):
        new.command(line)
    new.command(b"AT+CIPSTAMAC?", b'+CIPSTAMAC:"02:00:00:51:a7:e5"\r\n', OK)
    new.command(b"AT+CWMODE=1")
    new.command(b'AT+CWHOSTNAME="zephyr"')
    for scan in (b"AT+CWLAP", b"AT+CWLAP=,,,1,,"):
        new.command(scan, b'+CWLAP:(3,"%s",-50,6)\r\n' % ssid, OK)
    new.command(b"AT+CWMODE=0")
    new.command(b"AT+CWMODE=1")
    join(new, ssid, password)
    # A socket that is bound and takes whatever comes: a remote port that is none.
    new.command(b'AT+CIPSTART=2,"UDP","0.0.0.0",65535,8334,2,"0.0.0.0"', b"2,CONNECT\r\n" + OK)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.settimeout(5)
        other.sendto(b"question", ("127.0.0.1", 8334))
        new.expect(b"\r\n+IPD,2,8\r\n")
        address = b'"127.0.0.1",%d' % other.getsockname()[1]
        new.command(b"AT+CIPRECVDATA=2,2048", b"+CIPRECVDATA:8," + address + b",question" + OK)
        new.command(b"AT+CIPSEND=2,6," + address, PROMPT)
        new.write(b"answer")
        new.expect(b"\r\nRecv 6 bytes\r\n" + SEND_OK)
        assert other.recv(100) == b"answer"
    new.command(b"AT+CIPCLOSE=2", b"2,CLOSED\r\n" + OK)
    new.command(b"AT+CIPCLOSE=2", ERROR)


def test_a_payload_on_the_ok_before_the_prompt(new: Host, ssid: bytes, password: bytes) -> None:
    """RT-Thread and esp-at-nal send when they have read ``OK``; the ``>`` may still be on its way."""
    new.command(b"AT+CWMODE=1")
    join(new, ssid, password)
    new.command(b"AT+CIPMUX=1")
    with TcpServer() as server:
        new.command(b'AT+CIPSTART=0,"TCP","127.0.0.1",%d,60' % server.port, b"0,CONNECT\r\n" + OK)
        with server.accept() as remote:
            for count in (2048, 1, 256):
                payload = bytes(count)
                new.send(b"AT+CIPSEND=0,%d" % count)
                new.expect(OK)
                new.write(payload)
                new.expect(b"\r\n>\r\nRecv %d bytes\r\n" % count + SEND_OK)
                assert receive(remote, count) == payload
            new.command(b"AT+CIPCLOSE=0", b"0,CLOSED\r\n" + OK)


def test_esp_at_nal_reads_what_was_announced_in_small_pieces(new: Host, ssid: bytes, password: bytes) -> None:
    new.command(b"AT+CWMODE=1")
    join(new, ssid, password)
    new.command(b"AT+CIPMUX=1")
    new.command(b"AT+CIPRECVMODE=1")
    with TcpServer() as server:
        new.command(b'AT+CIPSTART=0,"TCP","127.0.0.1",%d' % server.port, b"0,CONNECT\r\n" + OK)
        with server.accept() as remote:
            remote.sendall(b"a" * 128 + b"b" * 100)
            new.expect(b"\r\n+IPD,0,228\r\n")
            new.command(b"AT+CIPRECVDATA=0,128", b"+CIPRECVDATA:128," + b"a" * 128 + OK)
            new.command(b"AT+CIPRECVDATA=0,100", b"+CIPRECVDATA:100," + b"b" * 100 + OK)
            new.expect_nothing()
            remote.sendall(b"more")
            new.expect(b"\r\n+IPD,0,4\r\n")
            new.command(b"AT+CIPRECVDATA=0,128", b"+CIPRECVDATA:4,more" + OK)
        new.expect(b"0,CLOSED\r\n")
