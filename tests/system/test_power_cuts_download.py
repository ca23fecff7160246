"""Power cuts during a download, at each flash operation that it takes: the old image starts and answers each time.

The image is one that is never started, so its size is this test's choice: some twenty sectors, or a full slot.
"""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from sim.board import Board
from tests.system import slots, upgrades
from tests.system.host import OK, PROMPT, Host
from tests.system.http_server import HttpServer
from tests.system.upgrades import after_restart, join, send_url, upgrade, version
from tools.image import build_image
from tools.package import PACKAGE_BLOCK, filesystem

pytestmark = [pytest.mark.simulator("cuts the power"), pytest.mark.timeout(600)]

CONFIG = {"wifi_poll_ms": 20, "ota_attempts": 1, "trial_ms": 600_000}
SECTOR = 4096
SOME, FULL = 20 * SECTOR, 1_500_000
TORN = pytest.mark.parametrize("torn", [False, True], ids=["clean", "torn"])

Record = Callable[[str, object], None]


@functools.cache
def image(size: int) -> bytes:
    """An image of about so many bytes that no boot loader will see to its end: its package is filler."""
    blocks = (size - 2 * SECTOR) // PACKAGE_BLOCK
    # littlefs takes a part of each block for itself.
    filler = random.Random(size).randbytes((blocks - 8) * PACKAGE_BLOCK - size // 64)
    return build_image(filesystem({"filler": filler}, blocks, PACKAGE_BLOCK), "2.0.0")


@dataclass
class Victim:
    """A board on the network whose power fails while it upgrades from /image.bin."""

    host: Host
    board: Board
    http: HttpServer

    def serve(self, size: int) -> int:
        """Have an image of this size there; how many flash operations the upgrade takes up to the restart: seen on
        one that is taken back, the second such, because the first also writes down which slot is to prove itself.
        """
        self.http.files["/image.bin"] = image(size)
        operations = 0
        for _ in range(2):
            otadata, before = slots.otadata(self.board), self.board.flash.operations
            self.host.command(b"AT+USEROTACFG=0,0")
            send_url(self.host, self.http.url("/image.bin"))
            self.host.expect(OK, 60)
            operations = self.board.flash.operations - before
            slots.take_back(self.board, otadata)
        return operations

    def cut_at(self, operation: int, torn: bool) -> str:
        """Cut the power at this operation of an upgrade; the version that answers afterwards."""
        url = self.http.url("/image.bin").encode()
        self.board.flash.cut_after(operation, torn=torn)
        self.host.command(b"AT+USEROTA=%d" % len(url), PROMPT)
        self.host.write(url)
        deadline = time.monotonic() + 60
        while self.board.powered and time.monotonic() < deadline:
            time.sleep(0.002)
        assert not self.board.powered
        # Recv, if it has come as far as that.
        self.host.clear(0.01)
        self.board.power_on()
        after_restart(self.host)
        return version(self.host)


@pytest.fixture
def victim(host: Host, board: Board, ssid: bytes, password: bytes) -> Iterator[Victim]:
    """At the end it can be upgraded."""
    join(host, ssid, password)
    with HttpServer() as http:
        yield Victim(host, board, http)
        new = "3.0.0" if version(host) == "2.0.0" else "2.0.0"
        http.files["/good.bin"] = upgrades.image(new)
        upgrade(host, http.url("/good.bin"))
        assert version(host) == new


def cut_everywhere(victim: Victim, size: int, torn: bool, record: Record) -> None:
    old = version(victim.host)
    total = victim.serve(size)
    # An erase and four writes for each sector, the header, and otadata.
    assert total >= 5 * (size // SECTOR - 2) + 3
    for operation in range(1, total + 1):
        assert victim.cut_at(operation, torn) == old
    text = f"download of {len(image(size)) // 1024} KB, {'torn' if torn else 'clean'}: {total} cut points; after each"
    record("power cuts", f"{text} the old image answered")
    print(text, "the old image answered")


@TORN
def test_at_every_operation(victim: Victim, torn: bool, record_property: Record) -> None:
    cut_everywhere(victim, SOME, torn, record_property)


@pytest.mark.full
@pytest.mark.timeout(7200)
@TORN
def test_at_every_operation_of_a_full_image(victim: Victim, torn: bool, record_property: Record) -> None:
    cut_everywhere(victim, FULL, torn, record_property)


def test_an_unfinished_slot_does_not_look_like_an_image(victim: Victim) -> None:
    victim.cut_at(victim.serve(SOME) // 2, torn=False)
    assert slots.content(victim.board, 16) == b"\xff" * 16
