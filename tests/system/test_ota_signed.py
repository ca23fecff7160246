"""Signed images: with a public key on the board only what its owner has signed is taken (``espsecure sign-data``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from sim.board import Board
from tests.system import signing, upgrades
from tests.system.breaking_server import Breaking, File
from tests.system.conftest import MakeBoard
from tests.system.feeding import feed, feed_refused
from tests.system.host import OK, READY, Host, error
from tests.system.http_server import HttpServer
from tests.system.signing import padded, resigned_without_key, signed, tampered
from tests.system.upgrades import JOINED, after_restart, send_url, upgrade, version

pytestmark = pytest.mark.simulator("the key lies on the simulated board")

CONFIG = {"wifi_poll_ms": 20, "ota_timeout_ms": 5000, "ota_attempts": 1, "trial_ms": 600_000}
KEY_FILE = "ota_key.pem"
REFUSED = 0x010A0008
VERSIONS = ("2.0.0", "3.0.0")
NOT_KEYS = {
    "empty": b"",
    "text": b"not a key\n",
    "no-base64": b"-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n",
    "short": b"-----BEGIN PUBLIC KEY-----\nMIIBojAN\n-----END PUBLIC KEY-----\n",
    "binary": bytes(range(128, 256)) * 8,
}


@dataclass
class Guarded:
    """A board with a key, or without, on the network, and the server it upgrades from."""

    host: Host
    board: Board
    http: HttpServer

    def takes(self, make: Callable[[bytes], bytes], fed: bool = False) -> None:
        """An upgrade to what ``make`` makes of the image that does not run succeeds."""
        name = self.other()
        data = make(upgrades.image(name))
        if fed:
            feed(self.host, data)
            self.host.command(b"AT+USEROTAEND", patience=10)
            after_restart(self.host)
        else:
            self.http.files["/image.bin"] = data
            upgrade(self.host, self.http.url("/image.bin"))
        assert version(self.host) == name

    def refuses(self, data: bytes, fed: bool = False) -> None:
        """This is not taken, and nothing has changed."""
        running, boots = upgrades.running(self.board), len(self.board.boots)
        self.host.command(b"AT+SYSLOG=1")
        if fed:
            assert feed_refused(self.host, data)
        else:
            self.http.files["/image.bin"] = data
            send_url(self.host, self.http.url("/image.bin"))
            self.host.expect(error(REFUSED), 10)
        self.host.command(b"AT+SYSLOG=0")
        assert self.host.answer(b"AT+USEROTA?").startswith(b"+USEROTA:-1,")
        assert upgrades.running(self.board).label == running.label == upgrades.boot_slot(self.board)
        assert len(self.board.boots) == boots

    def other(self) -> str:
        """A version that does not run now."""
        now = version(self.host)
        return next(name for name in VERSIONS if name != now)


@pytest.fixture(scope="module")
def http() -> Iterator[HttpServer]:
    """A server with nothing on it."""
    with HttpServer() as server:
        yield server


def start(board: Board, http: HttpServer, ssid: bytes, password: bytes) -> Guarded:
    """Wait for the board's start and bring it onto the network."""
    host = Host(board.port)
    host.expect(READY, 20)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    host.command(b"AT+CWMODE=1,0")
    host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)
    return Guarded(host, board, http)


@pytest.fixture(scope="module")
def guarded(make_board: MakeBoard, http: HttpServer, ssid: bytes, password: bytes) -> Iterator[Guarded]:
    """A board that has the key ``owner``."""
    with make_board(CONFIG, {KEY_FILE: signing.public_key("owner")}) as board:
        guarded = start(board, http, ssid, password)
        yield guarded
        guarded.host.close()


@pytest.fixture(scope="module")
def good() -> bytes:
    """A sound image."""
    return upgrades.image(VERSIONS[0])


# With a key on the board.


@pytest.mark.parametrize("fed", [False, True], ids=["url", "fed"])
def test_signed_by_the_owner(guarded: Guarded, fed: bool) -> None:
    guarded.takes(lambda data: signed(data, "owner"), fed)


@pytest.mark.parametrize("keys", [("owner", "other"), ("other", "owner"), ("other", "third", "owner")])
def test_one_of_the_signatures_is_the_owners(guarded: Guarded, keys: tuple[str, ...]) -> None:
    guarded.takes(lambda data: signed(data, *keys))


def test_one_of_two_signatures_is_spoiled(guarded: Guarded) -> None:
    guarded.takes(lambda data: tampered(signed(data, "other", "owner"), "signature", mend=False))
    guarded.takes(lambda data: tampered(signed(data, "owner", "owner"), "signature", block=1))


@pytest.mark.parametrize("fed", [False, True], ids=["url", "fed"])
def test_not_signed(guarded: Guarded, good: bytes, fed: bool) -> None:
    guarded.refuses(good, fed)
    guarded.refuses(padded(good) + b"\xff" * signing.SECTOR, fed)
    guarded.refuses(padded(good) + bytes(signing.SECTOR), fed)


@pytest.mark.parametrize("fed", [False, True], ids=["url", "fed"])
def test_signed_by_others(guarded: Guarded, good: bytes, fed: bool) -> None:
    guarded.refuses(signed(good, "other"), fed)
    guarded.refuses(signed(good, "other", "third"), fed)


def test_cut_off_signature(guarded: Guarded, good: bytes) -> None:
    whole = signed(good, "owner")
    # What pads the block to a sector is not part of it.
    for left in (0, 1, signing.BLOCK // 2, signing.FIELDS["crc"][0] + 3):
        guarded.refuses(whole[: len(whole) - signing.SECTOR + left])


@pytest.mark.parametrize("mend", [False, True], ids=["crc-wrong", "crc-right"])
@pytest.mark.parametrize("field", ["magic", "version", "digest", "modulus", "signature"])
def test_one_bit_of_the_signature_block(guarded: Guarded, good: bytes, field: str, mend: bool) -> None:
    guarded.refuses(tampered(signed(good, "owner"), field, mend=mend))


def test_one_bit_of_the_image(guarded: Guarded, good: bytes) -> None:
    whole = signed(good, "owner")
    # Code, package, the padding up to the signature.
    for offset in (100, len(good) // 2, len(whole) - signing.SECTOR - 1):
        guarded.refuses(upgrades.flipped(whole, offset))


def test_another_image_with_this_signature(guarded: Guarded, good: bytes) -> None:
    other = upgrades.image(VERSIONS[1])
    guarded.refuses(padded(other) + signed(good, "owner")[-signing.SECTOR :])
    guarded.refuses(resigned_without_key(other, signed(good, "owner")))


def test_what_an_earlier_upgrade_left_behind_is_no_signature(guarded: Guarded, good: bytes) -> None:
    guarded.takes(lambda data: signed(data, "owner"))
    guarded.takes(lambda data: signed(data, "owner"))
    (slot,) = (slot for slot in guarded.board.flash.slots() if not slot.running)
    # The same image without its signature: the slot to be written holds both.
    guarded.refuses(upgrades.image(slot.version))


def test_a_signature_that_is_spliced_is_downloaded_anew(
    make_board: MakeBoard, http: HttpServer, ssid: bytes, password: bytes, good: bytes
) -> None:
    data = signed(good, "owner")
    breaking = Breaking(File(tampered(data, "signature")), [20_000, None])

    def before(number: int) -> None:
        if number == 2:
            breaking.file = File(data)

    breaking.before = before
    config = {**CONFIG, "ota_attempts": 3, "ota_pause_ms": 20}
    with make_board(config, {KEY_FILE: signing.public_key("owner")}) as board, breaking.serve() as server:
        guarded = start(board, http, ssid, password)
        upgrade(guarded.host, server.url())
        assert version(guarded.host) == VERSIONS[0]
        guarded.host.close()
    assert breaking.ranges() == [None, "bytes=20000-", None]


# Other keys, and none.


@pytest.mark.parametrize("key", NOT_KEYS.values(), ids=NOT_KEYS)
def test_a_key_file_that_is_none(
    make_board: MakeBoard, http: HttpServer, ssid: bytes, password: bytes, good: bytes, key: bytes
) -> None:
    with make_board(CONFIG, {KEY_FILE: key}) as board:
        guarded = start(board, http, ssid, password)
        guarded.refuses(signed(good, "owner"))
        guarded.refuses(good, fed=True)
        guarded.refuses(signed(good, "owner"), fed=True)
        guarded.host.close()


def test_without_a_key_signed_images_are_taken_too(
    make_board: MakeBoard, http: HttpServer, ssid: bytes, password: bytes
) -> None:
    with make_board(CONFIG) as board:
        guarded = start(board, http, ssid, password)
        for fed in (False, True):
            guarded.takes(lambda data: signed(data, "other"), fed)
            guarded.takes(lambda data: tampered(signed(data, "other"), "signature"), fed)
            guarded.takes(lambda data: data, fed)
        guarded.host.close()
