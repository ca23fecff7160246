"""Links come and go without a trace in the heap."""

from __future__ import annotations

import pytest

from tests.system.host import OK, Host
from tests.system.servers import TcpServer
from tests.system.upgrades import JOINED

USER_FILES = {
    "commands.py": b"""
import gc
from firmware.command import command

def used(at):
    gc.collect()
    at.info("+USED:%d" % gc.mem_alloc())

COMMANDS = (command("+USED", query=used),)
"""
}
# What a stale pointer may keep for a while.
SLACK = 512


@pytest.mark.parametrize(
    "count", [100, pytest.param(10_000, marks=(pytest.mark.full, pytest.mark.timeout(3600)))], ids=str
)
def test_connections_leave_nothing_in_the_heap(host: Host, ssid: bytes, password: bytes, count: int) -> None:
    if not host.answer(b"AT+CWSTATE?").startswith(b"+CWSTATE:2,"):
        host.command(b"AT+CWMODE=1,0")
        host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)
    with TcpServer() as server:
        cycle(host, server, 5)
        before = used(host)
        cycle(host, server, count)
        assert used(host) <= before + SLACK


def cycle(host: Host, server: TcpServer, count: int) -> None:
    """Connect and close so many times."""
    for _ in range(count):
        host.command(b'AT+CIPSTART="TCP","127.0.0.1",%d' % server.port, b"CONNECT\r\n" + OK, patience=20)
        server.accept().close()
        host.expect(b"CLOSED\r\n")


def used(host: Host) -> int:
    """Bytes of heap in use."""
    return int(host.answer(b"AT+USED?").split(b"\r\n")[0].rpartition(b":")[2])
