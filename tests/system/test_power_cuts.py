"""Power cuts and decay beyond a download's (``test_power_cuts_download``): whatever happens, the board starts, answers,
and can be upgraded.

Each cut is made at one flash operation after another, from the first to the last that the course takes; ``torn`` cuts
leave that operation half done. The image has some twenty sectors.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from sim.board import Board
from sim.flash import SECTOR
from tests.system import upgrades
from tests.system.conftest import MakeBoard
from tests.system.feeding import feed
from tests.system.host import OK, PROMPT, READY, Host
from tests.system.upgrades import RESTART_PATIENCE, running, version

pytestmark = [pytest.mark.simulator("cuts the power and spoils the flash"), pytest.mark.timeout(300)]

CONFIG = {"trial_ms": 600_000}
VERSIONS = ("2.0.0", "3.0.0")
FULL_SIZE = 1_400_000
PATIENCE = 30.0
TORN = pytest.mark.parametrize("torn", [False, True], ids=["clean", "torn"])

Record = Callable[[str, object], None]


@dataclass
class Victim:
    """A board whose power fails; ``more`` bytes make its images larger."""

    host: Host
    board: Board
    more: int = 0

    def image(self, name: str) -> bytes:
        data = upgrades.image(name)
        return upgrades.enlarged(data, self.more) if self.more else data

    def other(self) -> str:
        """A version that does not run now."""
        now = version(self.host)
        return next(name for name in VERSIONS if name != now)

    def started(self) -> None:
        """It has started and answers."""
        self.host.expect(READY, RESTART_PATIENCE)
        self.host.command(b"ATE0", b"ATE0\r\n", OK)

    def power_on(self) -> str:
        """Switch on again; the version that answers."""
        self.host.clear(0.01)
        self.board.power_on()
        self.started()
        return version(self.host)

    def prepare(self) -> str:
        """Feed the other version, up to the restart that would start it; returns its name."""
        name = self.other()
        self.host.command(b"AT+USEROTACFG=0,0")
        feed(self.host, self.image(name))
        self.host.command(b"AT+USEROTAEND", patience=PATIENCE)
        return name

    def upgrade(self) -> None:
        """An upgrade works, and the new image stays."""
        name = self.prepare()
        self.host.command(b"AT+RST")
        self.started()
        assert version(self.host) == name
        assert (running(self.board).version, running(self.board).state) == (name, "valid")

    def cut_at(self, operation: int, torn: bool, course: Callable[[], None]) -> None:
        """Let the power fail at this operation of ``course``, which cannot know when."""
        self.board.flash.cut_after(operation, torn=torn)
        with contextlib.suppress(AssertionError):
            course()
        deadline = time.monotonic() + PATIENCE
        while self.board.powered and time.monotonic() < deadline:
            time.sleep(0.002)
        assert not self.board.powered

    def operations(self, course: Callable[[], None]) -> int:
        """How many flash operations the course takes if it is not disturbed."""
        before = self.board.flash.operations
        course()
        return self.board.flash.operations - before


@pytest.fixture
def victim(host: Host, board: Board) -> Iterator[Victim]:
    """A board with an image in each slot; at the end it can be upgraded."""
    found = Victim(host, board)
    host.command(b"AT+USEROTAABORT")
    while not all(slot.version in VERSIONS and slot.state == "valid" for slot in board.flash.slots()):
        found.upgrade()
    yield found
    found.upgrade()


class Courses:
    """What happens while the power fails. Reading breaks off at the cut, with an AssertionError."""

    def __init__(self, victim: Victim) -> None:
        self.victim = victim
        self.host = victim.host

    def first_start(self) -> None:
        """The restart after an upgrade, up to the first command, with which the image has proven itself."""
        self.host.command(b"AT+RST")
        self._answer()

    def reverted(self) -> None:
        """The new image starts, a restart takes it back, and the old one answers."""
        self.host.command(b"AT+RST")
        self._ready()
        self.victim.board.reset()
        self._answer()

    def rolled_back(self) -> None:
        """AT+SYSROLLBACK as the first command to an image on trial."""
        self.host.command(b"AT+RST")
        self._ready()
        self._send(b"AT+SYSROLLBACK", OK)
        self._answer()

    def _answer(self) -> None:
        self._ready()
        self._send(b"AT", OK)

    def _ready(self) -> None:
        self.expect(READY)

    def _send(self, line: bytes, answer: bytes) -> None:
        self.host.send(line)
        self.expect(line + b"\r\n" + answer)

    def expect(self, expected: bytes) -> None:
        """As the host's, but no longer than there is power."""
        data = b""
        while len(data) < len(expected):
            more = self.host.read(len(expected) - len(data), 0.01)
            assert more or self.victim.board.powered
            data += more
        assert data == expected


def cut_everywhere(victim: Victim, course: str, torn: bool, record: Record) -> int:
    """Cut the power at each operation of a course that begins with an image ready to be started."""
    run = getattr(Courses(victim), course)
    victim.prepare()
    total = victim.operations(run)
    victim.host.command(b"ATE0", b"ATE0\r\n", OK)
    answered: dict[str, int] = {"old": 0, "new": 0}
    for operation in range(1, total + 1):
        # The upgrade that repeats the one before.
        new = victim.prepare()
        victim.cut_at(operation, torn, run)
        answered["new" if victim.power_on() == new else "old"] += 1
    report(
        record,
        f"{course}, {'torn' if torn else 'clean'}",
        total,
        f"a further upgrade after each, which answered: {answered}",
    )
    return total


def report(record: Record, course: str, total: int, result: str) -> None:
    """Tell the figure."""
    text = f"{course}: {total} cut points; after each it started and answered; {result}"
    record("power cuts", text)
    print(text)


# Power cuts.


@TORN
@pytest.mark.parametrize(("course", "least"), [("first_start", 5), ("reverted", 4), ("rolled_back", 9)])
def test_cuts_around_a_start(victim: Victim, course: str, least: int, torn: bool, record_property: Record) -> None:
    assert cut_everywhere(victim, course, torn, record_property) >= least


def cut_while_fed(victim: Victim, torn: bool, record: Record, complete: int) -> int:
    """Cut the power at each operation of an upgrade that the host feeds. The next attempt gets one operation further;
    each ``complete``-th cut is followed by one that is not cut.
    """

    def course() -> None:
        host, data = victim.host, victim.image(victim.other())
        host.send(b"AT+USEROTASTART=%d" % len(data))
        powered(OK)
        for begin in range(0, len(data), SECTOR):
            piece = data[begin : begin + SECTOR]
            host.send(b"AT+USEROTADATA=%d" % len(piece))
            powered(PROMPT)
            host.write(piece)
            powered(b"\r\nRecv %d bytes\r\n" % len(piece) + OK)
        host.send(b"AT+USEROTAEND")
        powered(OK)

    powered = Courses(victim).expect
    victim.host.command(b"AT+USEROTACFG=0,0")
    total = victim.operations(course)
    victim.host.command(b"AT+RST")
    victim.started()
    for operation in range(1, total + 1):
        old = version(victim.host)
        victim.host.command(b"AT+USEROTACFG=0,0")
        victim.cut_at(operation, torn, course)
        assert victim.power_on() == old
        if operation % complete == 0:
            victim.upgrade()
    report(record, f"fed, {'torn' if torn else 'clean'}", total, f"a further upgrade after each {complete}. one")
    return total


@pytest.mark.parametrize(
    ("torn", "complete"),
    [(True, 16), pytest.param(False, 1, marks=pytest.mark.full), pytest.param(True, 1, marks=pytest.mark.full)],
    ids=["torn", "full-clean", "full-torn"],
)
def test_cuts_while_the_host_feeds(victim: Victim, torn: bool, complete: int, record_property: Record) -> None:
    sectors = -(-len(upgrades.image(VERSIONS[0])) // SECTOR)
    # An erase and a write for each sector, the header, and otadata.
    assert cut_while_fed(victim, torn, record_property, complete) >= 2 * sectors + 3


@pytest.mark.full
@pytest.mark.timeout(7200)
@TORN
def test_cuts_while_the_host_feeds_a_full_image(victim: Victim, torn: bool, record_property: Record) -> None:
    victim.more = FULL_SIZE
    assert cut_while_fed(victim, torn, record_property, 50) >= 2 * FULL_SIZE // SECTOR


# What decays while the board is off.


def garbage(size: int) -> bytes:
    """Bytes without any order, the same ones each time."""
    return random.Random(size).randbytes(size)


SPOILED = {
    "erased": lambda before: b"\xff" * len(before),
    "zeros": lambda before: bytes(len(before)),
    "garbage": lambda before: garbage(len(before)),
    "one-bit": lambda before: bytes([before[0] ^ 1]) + before[1:],
    "half-erased": lambda before: b"\xff" * (len(before) // 2) + before[len(before) // 2 :],
}
SPOIL = pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
Spoil = Callable[[bytes], bytes]


def rewrite(board: Board, address: int, data: bytes) -> None:
    """Put other bytes into whole sectors of a board that is off."""
    board.flash.erase(address, len(data))
    board.flash.write(address, data)


def spoil_sectors(board: Board, label: str, spoil: Spoil, sectors: range | None = None) -> None:
    """Spoil each sector of a partition, or some of them."""
    partition = board.flash.partition(label)
    for sector in sectors or range(partition.size // SECTOR):
        address = partition.address + sector * SECTOR
        rewrite(board, address, spoil(board.flash.read(address, SECTOR)))


@pytest.mark.parametrize("sectors", [range(1), range(1, 2), range(2)], ids=["first", "second", "both"])
def test_otadata(victim: Victim, sectors: range) -> None:
    for spoil in SPOILED.values():
        victim.board.power_cut()
        spoil_sectors(victim.board, "otadata", spoil, sectors)
        assert victim.power_on() in VERSIONS
        victim.board.power_cut()
        assert victim.power_on() in VERSIONS
        victim.upgrade()


@pytest.mark.parametrize("spoil", [SPOILED["erased"], SPOILED["garbage"]], ids=["erased", "garbage"])
def test_otadata_of_an_image_on_trial(victim: Victim, spoil: Spoil) -> None:
    victim.prepare()
    victim.host.command(b"AT+RST")
    victim.host.expect(READY, RESTART_PATIENCE)
    victim.board.power_cut()
    spoil_sectors(victim.board, "otadata", spoil, range(2))
    assert victim.power_on() in VERSIONS


@pytest.mark.parametrize("place", ["header", "descriptor", "package", "checksum", "digest"])
def test_a_slot_that_decays_after_having_been_marked_valid(victim: Victim, place: str) -> None:
    old = victim.other()
    slot, size = running(victim.board), len(upgrades.image(version(victim.host)))
    assert slot.state == "valid"
    offset = {"header": 0, "descriptor": 60, "package": size // 2, "checksum": size - 33, "digest": size - 1}[place]
    victim.board.power_cut()
    address = victim.board.flash.partition(slot.label).address + offset // SECTOR * SECTOR
    sector = victim.board.flash.read(address, SECTOR)
    rewrite(victim.board, address, upgrades.flipped(sector, offset % SECTOR))
    assert victim.power_on() == old
    assert running(victim.board).label != slot.label


@SPOIL
def test_corrupt_nvs(victim: Victim, spoil: Spoil) -> None:
    now = version(victim.host)
    victim.board.power_cut()
    spoil_sectors(victim.board, "nvs", spoil)
    assert victim.power_on() == now


@pytest.mark.parametrize("spoil", [SPOILED["erased"], SPOILED["garbage"]], ids=["erased", "garbage"])
def test_corrupt_nvs_of_an_image_on_trial(victim: Victim, spoil: Spoil) -> None:
    old = version(victim.host)
    new = victim.prepare()
    victim.board.power_cut()
    spoil_sectors(victim.board, "nvs", spoil)
    assert victim.power_on() == new
    victim.host.command(b"AT+SYSROLLBACK", patience=PATIENCE)
    victim.started()
    assert version(victim.host) == old


FILL_NVS = b"""\
from esp32 import NVS
from firmware.command import command


def fill(at):
    storage = NVS("filler")
    for size in (500, 100, 10, 1):
        for number in range(1000):
            try:
                storage.set_blob("%d-%d" % (size, number), bytes(size))
            except OSError:
                break
    storage.commit()


COMMANDS = (command("+FILL", execute=fill),)
"""


def test_full_nvs(make_board: MakeBoard) -> None:
    with make_board(CONFIG, {"commands.py": FILL_NVS}) as board:
        victim = Victim(Host(board.port), board)
        victim.started()
        victim.host.command(b"AT+FILL", patience=PATIENCE)
        for _ in range(2):
            victim.upgrade()
        assert board.wait_for_console(b"at: slot on trial not stored: ")
        victim.host.close()


@SPOIL
def test_corrupt_user_partition(make_board: MakeBoard, spoil: Spoil) -> None:
    with make_board(CONFIG) as board:
        victim = Victim(Host(board.port), board)
        victim.started()
        board.power_cut()
        spoil_sectors(board, "user", spoil)
        victim.power_on()
        for _ in range(2):
            victim.upgrade()
        victim.host.close()


def test_full_user_partition(make_board: MakeBoard) -> None:
    with make_board(CONFIG, {"filler": garbage(880 * 1024)}) as board:
        victim = Victim(Host(board.port), board)
        victim.started()
        for _ in range(2):
            victim.upgrade()
        victim.host.close()
