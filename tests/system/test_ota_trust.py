"""The key of signed images and the CA file: a partition ``user`` that breaks or is emptied does not switch them off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sim.board import Board
from sim.flash import SECTOR
from tests.system import signing, slots, upgrades
from tests.system.boards import flash_with
from tests.system.certificates import authority, server_context
from tests.system.conftest import MakeBoard
from tests.system.feeding import feed
from tests.system.host import OK, READY, Host, error
from tests.system.http_server import HttpServer
from tests.system.upgrades import JOINED, send_url
from tools.flash_layout import BOARD

pytestmark = pytest.mark.simulator("changes the files of a board that is off")

KEY_FILE = "ota_key.pem"
CA_FILE = "ca.pem"
REFUSED = 0x010A0008
# What README has for the console, as an own command.
FORGET = b"""\
from firmware.command import command


def forget(at):
    from firmware.trust import KEY_FILE, forget; forget(KEY_FILE)


COMMANDS = (command("+FORGET", execute=forget),)
"""


@dataclass
class Guarded:
    """A board with files in its partition ``user``."""

    host: Host
    board: Board

    def started(self) -> None:
        """It has started: echo off, error codes on, no restart after an upgrade, nothing in the other slot."""
        self.host.expect(READY, 20)
        self.host.clear(0.05)
        for line in (b"ATE0", b"AT+SYSLOG=1", b"AT+USEROTACFG=0,0"):
            assert self.host.answer(line).endswith(OK)
        slots.clear(self.board)

    def restart_with(self, user: bytes) -> None:
        """Off, other content in the partition ``user``, on again."""
        self.board.power_cut()
        partition = self.board.flash.partition("user")
        self.board.flash.erase(partition.address, partition.size)
        self.board.flash.write(partition.address, user)
        self.board.power_on()
        self.started()

    def restart(self, line: bytes) -> None:
        """This command restarts it."""
        self.host.command(line)
        self.started()

    def takes(self, data: bytes) -> None:
        """An upgrade works."""
        feed(self.host, data)
        self.host.command(b"AT+USEROTAEND", patience=10)
        slots.clear(self.board)

    def refuses_to_begin(self) -> None:
        """No upgrade begins, and the log says why."""
        seen = len(self.board.console)
        self.host.command(b"AT+USEROTASTART=100000", error(REFUSED))
        self.host.command(b"AT+USEROTA?", b"+USEROTA:-1,0,0\r\n", OK)
        assert self.board.wait_for_console(b"at: /user/ota_key.pem is missing: upgrade refused", start=seen)


def files(**named: bytes) -> bytes:
    """The content of a partition ``user``; names with _ in place of the dot."""
    flash = flash_with({name.replace("__", "."): data for name, data in named.items()})
    user = BOARD.partition("user")
    return flash[user.address : user.end]


@pytest.fixture
def guarded(make_board: MakeBoard) -> Iterator[Guarded]:
    """A board that has started with the key ``owner``."""
    with make_board({}, {KEY_FILE: signing.public_key("owner"), "commands.py": FORGET}) as board:
        found = Guarded(Host(board.port), board)
        found.started()
        yield found
        found.host.close()


@pytest.fixture(scope="module")
def image() -> bytes:
    """A sound image."""
    return upgrades.image("2.0.0")


def test_a_key_that_is_gone_is_missed(guarded: Guarded, image: bytes) -> None:
    size = guarded.board.flash.partition("user").size
    for user in (files(), b"\xff" * size, b"\x5a" * size):
        guarded.restart_with(user)
        guarded.refuses_to_begin()
        # Whatever a host can do about it.
        guarded.restart(b"AT+RESTORE")
        guarded.refuses_to_begin()
    guarded.restart_with(files(ota_key__pem=signing.public_key("owner")))
    guarded.takes(signing.signed(image, "owner"))
    feed(guarded.host, image)
    guarded.host.command(b"AT+USEROTAEND", error(REFUSED))


def test_the_operator_removes_the_key(guarded: Guarded, image: bytes) -> None:
    guarded.host.command(b"AT+FORGET")
    for _ in range(2):
        guarded.takes(image)
        guarded.restart(b"AT+RST")
    # A partition that was emptied before.
    guarded.restart_with(files(ota_key__pem=signing.public_key("owner")))
    guarded.restart_with(files(commands__py=FORGET))
    guarded.refuses_to_begin()
    guarded.host.command(b"AT+FORGET")
    guarded.takes(image)


def test_a_corrupt_nvs_does_not_switch_the_key_off(guarded: Guarded, image: bytes) -> None:
    guarded.board.power_cut()
    partition = guarded.board.flash.partition("nvs")
    guarded.board.flash.write(partition.address, b"\x5a" * SECTOR)
    guarded.board.power_on()
    guarded.started()
    feed(guarded.host, image)
    guarded.host.command(b"AT+USEROTAEND", error(REFUSED))
    # It is remembered anew.
    guarded.restart_with(files())
    guarded.refuses_to_begin()


def test_a_ca_file_that_is_gone_is_missed(make_board: MakeBoard, ssid: bytes, password: bytes, image: bytes) -> None:
    with (
        HttpServer("127.0.0.1", server_context("Wrong", "updates.example")) as server,
        make_board({}, {CA_FILE: authority("Right")}) as board,
    ):
        server.files["/image.bin"] = image
        guarded = Guarded(Host(board.port), board)
        guarded.started()
        guarded.restart_with(files())
        guarded.host.command(b"AT+CWMODE=1,0")
        guarded.host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)
        send_url(guarded.host, server.url("/image.bin"))
        guarded.host.expect(error(REFUSED), 10)
        assert board.wait_for_console(b"at: /user/ca.pem is missing: upgrade refused")
        assert server.requests == []
        guarded.host.close()
