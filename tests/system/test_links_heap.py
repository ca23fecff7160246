"""Links come and go without a trace in the heap."""

from __future__ import annotations

import pytest

from bench.boards import DEVICE
from tests.system import cycles
from tests.system.host import Host
from tests.system.servers import TcpServer
from tests.system.upgrades import join

USER_FILES = {"commands.py": (DEVICE / "used.py").read_bytes()}
COUNTS = pytest.mark.parametrize(
    "count", [50, pytest.param(10_000, marks=(pytest.mark.full, pytest.mark.timeout(3600)))], ids=str
)


@pytest.fixture
def joined(host: Host, ssid: bytes, password: bytes) -> Host:
    """The host of a module on the network, where nobody serves."""
    join(host, ssid, password)
    for line in (b"AT+CIPSERVER=0,1", b"AT+CIPMUX=0"):
        host.answer(line)
    return host


@COUNTS
def test_connections_leave_nothing_in_the_heap(joined: Host, count: int) -> None:
    with TcpServer() as server:
        assert cycles.growth(joined, lambda number: cycles.open_and_close(joined, server, number), count) == 0


@COUNTS
def test_connections_taken_leave_nothing_in_the_heap(joined: Host, count: int) -> None:
    port = cycles.serve(joined)
    assert cycles.growth(joined, lambda number: cycles.take_and_close(joined, port, number), count) == 0
