"""Back to the image before: by hand with AT+SYSROLLBACK, and by itself when a new image does not prove itself."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from sim.board import Board
from tests.system import slots, upgrades
from tests.system.conftest import MakeBoard
from tests.system.feeding import feed
from tests.system.host import ERROR, OK, READY, Host, error
from tests.system.upgrades import JOINED, after_restart, version

CONFIG = {"wifi_poll_ms": 20, "trial_ms": 600_000}
REFUSED = 0x010A0008
# What main.py waits before it starts a broken firmware again, and the start itself.
BROKEN_PATIENCE = 30.0

# A firmware whose part for upgrades is broken, in one place each.
BROKEN = {
    "the download": ("firmware/http_request.py", "import no_such_module\n"),
    "the commands": ("firmware/ota_commands.py", "from firmware.ota import NO_SUCH_NAME\n"),
    "does not find the other slot": (
        "firmware/slot_writer.py",
        "BLOCK = 1024\n\n\ndef other_slot():\n    raise OSError(1)\n",
    ),
}


def upgrade(host: Host, name: str) -> None:
    """Feed the version up to the new image's ready, before the first command."""
    host.command(b"AT+USEROTACFG=0,1")
    feed(host, upgrades.image(name))
    host.command(b"AT+USEROTAEND", OK, READY, JOINED, patience=20)


def other_version(host: Host) -> str:
    """A version that does not run now."""
    return "3.0.0" if version(host) == "2.0.0" else "2.0.0"


@pytest.fixture
def upgraded(staying: Host, board: Board) -> tuple[Host, str, str]:
    """A host of a module with two sound images: the version that runs and the one before."""
    before = version(staying)
    now = other_version(staying)
    upgrade(staying, now)
    staying.command(b"ATE0", b"ATE0\r\n", OK)
    return staying, now, before


Upgraded = tuple[Host, str, str]


def state(host: Host, number: int) -> None:
    """AT+USEROTA? must say this."""
    host.command(b"AT+USEROTA?", b"+USEROTA:%d,0,0\r\n" % number, OK)


# By hand.


def test_the_query_tells_where_and_what_the_two_images_are(upgraded: Upgraded, board: Board) -> None:
    host, now, before = upgraded
    running, other = board.flash.partition(upgrades.running(board).label), slots.other(board)
    told = b'+SYSROLLBACK:0x%x,"%s",0x%x,"%s"\r\n'
    host.command(
        b"AT+SYSROLLBACK?",
        told % (running.address, now.encode(), other.address, before.removesuffix("-dev").encode()),
        OK,
    )
    slots.clear(board)
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+SYSROLLBACK?", error(REFUSED))


def test_there_and_back(upgraded: Upgraded, board: Board) -> None:
    host, now, before = upgraded
    labels = []
    for expected in (before, now, before, now):
        host.command(b"AT+SYSROLLBACK", OK, READY, JOINED, patience=20)
        assert upgrades.running(board).state == "pending"
        host.command(b"ATE0", b"ATE0\r\n", OK)
        assert version(host) == expected
        assert upgrades.running(board).state == "valid"
        labels.append(upgrades.running(board).label)
    assert labels in (["ota_0", "ota_1"] * 2, ["ota_1", "ota_0"] * 2)


def test_what_is_told_after_going_back_by_hand(upgraded: Upgraded, board: Board) -> None:
    host, now, before = upgraded
    # The upgrade has been taken back, and that lasts until there is another one.
    for line in (b"AT+SYSROLLBACK", b"AT+RST"):
        host.command(line, OK, READY, JOINED, patience=20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        assert version(host) == before
        state(host, 4)
    # Forward again: a new image, on trial and then accepted.
    host.command(b"AT+SYSROLLBACK", OK, READY, JOINED, patience=20)
    host.command(b"AT+USEROTA?", b"AT+USEROTA?\r\n+USEROTA:3,0,0\r\n", OK)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    state(host, 0)
    assert version(host) == now


def test_going_back_that_does_not_hold_is_told(upgraded: Upgraded, board: Board) -> None:
    host, now, before = upgraded
    host.command(b"AT+SYSROLLBACK", OK, READY, JOINED, patience=20)
    board.reset()
    after_restart(host)
    assert version(host) == now
    state(host, -1)
    host.command(b"AT+SYSROLLBACK", OK, READY, JOINED, patience=20)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    assert version(host) == before
    state(host, 4)


def test_forward_again_by_hand_after_a_revert(staying: Host, board: Board) -> None:
    before, new = version(staying), other_version(staying)
    upgrade(staying, new)
    board.reset()
    after_restart(staying)
    assert version(staying) == before
    state(staying, 4)
    staying.command(b"AT+SYSROLLBACK", OK, READY, JOINED, patience=20)
    staying.command(b"AT+USEROTA?", b"AT+USEROTA?\r\n+USEROTA:3,0,0\r\n", OK)
    staying.command(b"ATE0", b"ATE0\r\n", OK)
    assert version(staying) == new
    state(staying, 0)


def test_settings_survive_both_ways(staying: Host) -> None:
    joined = staying.answer(b"AT+CWJAP?")
    assert joined.startswith(b'+CWJAP:"')
    for forward in (True, False):
        if forward:
            upgrade(staying, other_version(staying))
        else:
            staying.command(b"AT+SYSROLLBACK", OK, READY, JOINED, patience=20)
        staying.command(b"ATE0", b"ATE0\r\n", OK)
        staying.command(b"AT+CWMODE?", b"+CWMODE:1\r\n", OK)
        assert staying.answer(b"AT+CWJAP?") == joined


def test_a_restart_right_after_ready_stays(upgraded: Upgraded) -> None:
    host, _, before = upgraded
    host.command(b"AT+SYSROLLBACK", OK, READY, patience=20)
    host.write(b"AT+RST\r\n")
    host.read_until(b"AT+RST\r\n" + OK)
    # The connection may still be told before the restart.
    host.read_until(READY, 20)
    host.expect(JOINED, 20)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    assert version(host) == before


def test_the_image_gone_back_to_is_on_trial(upgraded: Upgraded, board: Board) -> None:
    host, now, _ = upgraded
    host.command(b"AT+SYSROLLBACK", OK, READY, patience=20)
    board.power_cut()
    # The connection may have been told already.
    host.clear()
    board.power_on()
    after_restart(host)
    assert version(host) == now


def test_back_from_an_upgrade_that_was_not_started(upgraded: Upgraded, board: Board) -> None:
    host, now, _ = upgraded
    host.command(b"AT+USEROTACFG=0,0")
    third = upgrades.image("4.0.0")
    feed(host, third)
    host.command(b"AT+USEROTAEND", patience=10)
    # The other slot holds the new image: that is what starts, on trial.
    host.command(b"AT+SYSROLLBACK", OK, READY, JOINED, patience=20)
    assert upgrades.running(board).version == "4.0.0"
    board.reset()
    after_restart(host)
    assert version(host) == now
    assert upgrades.running(board).state == "valid"
    state(host, 4)


def test_nothing_to_go_back_to(make_board: MakeBoard) -> None:
    with make_board(CONFIG) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"AT+SYSLOG=1", b"AT+SYSLOG=1\r\n", OK)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        host.command(b"AT+SYSROLLBACK", error(REFUSED))
        board.reset()
        host.expect(READY, 20)
        assert upgrades.running(board).label == "ota_0"
        host.close()


def test_an_upgrade_that_decays_before_it_is_started(upgraded: Upgraded, board: Board) -> None:
    host, now, _ = upgraded
    host.command(b"AT+USEROTACFG=0,0")
    feed(host, upgrades.image("4.0.0"))
    host.command(b"AT+USEROTAEND", patience=10)
    damage_package(board)
    host.command(b"AT+RST", OK, READY, JOINED, patience=20)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    assert version(host) == now
    state(host, 4)
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+SYSROLLBACK", error(REFUSED))
    state(host, 4)


def damage_magic(board: Board) -> None:
    slots.clear(board)


def damage_package(board: Board) -> None:
    board.flash.erase(slots.other(board).address + 8 * slots.SECTOR, slots.SECTOR)


def damage_digest(board: Board) -> None:
    start = slots.other(board).address
    size = len(upgrades.image("2.0.0"))
    last = board.flash.read(start + size - 1, 1)[0]
    assert last
    board.flash.write(start + size - 1, bytes([last & (last - 1)]))


@pytest.mark.parametrize("damage", [damage_magic, damage_package, damage_digest])
def test_a_broken_image_is_refused(staying: Host, board: Board, damage: Callable[[Board], None]) -> None:
    now = other_version(staying)
    upgrade(staying, now)
    staying.command(b"ATE0", b"ATE0\r\n", OK)
    staying.command(b"AT+SYSLOG=1")
    damage(board)
    operations = board.flash.operations
    staying.command(b"AT+SYSROLLBACK", error(REFUSED))
    assert board.flash.operations == operations
    assert upgrades.boot_slot(board) == upgrades.running(board).label
    board.reset()
    after_restart(staying)
    assert version(staying) == now


def test_forms_that_it_does_not_have(host: Host) -> None:
    for line in (b"AT+SYSROLLBACK=1", b"AT+SYSROLLBACK=?"):
        host.command(line, ERROR)
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+SYSROLLBACK=", error(0x010C0000))


# By itself.


def test_a_reverted_upgrade_is_told(staying: Host, board: Board) -> None:
    before, new = version(staying), other_version(staying)
    joined = staying.answer(b"AT+CWJAP?")
    upgrade(staying, new)
    board.reset()
    after_restart(staying)
    assert version(staying) == before
    state(staying, 4)
    assert staying.answer(b"AT+CWJAP?") == joined
    # Until there is another upgrade.
    staying.command(b"AT+RST", OK)
    after_restart(staying)
    state(staying, 4)
    upgrade(staying, new)
    staying.command(b"ATE0", b"ATE0\r\n", OK)
    state(staying, 0)
    assert version(staying) == new
    board.reset()
    after_restart(staying)
    state(staying, 0)


def test_the_trials_end_is_told(staying: Host) -> None:
    upgrade(staying, other_version(staying))
    staying.command(b"AT+USEROTA?", b"AT+USEROTA?\r\n+USEROTA:3,0,0\r\n", OK)
    staying.command(b"ATE0", b"ATE0\r\n", OK)
    state(staying, 0)


def test_an_image_that_could_not_upgrade_again_is_not_kept(make_board: MakeBoard) -> None:
    with contextlib.ExitStack() as stack:
        boards, hosts = [], []
        for _ in BROKEN:
            boards.append(stack.enter_context(make_board(CONFIG)))
            # At once: opening the line drops what has arrived.
            hosts.append(stack.enter_context(contextlib.closing(Host(boards[-1].port))))
        # All at once: each waits some seconds before it starts again.
        for host, (path, text) in zip(hosts, BROKEN.values(), strict=True):
            host.expect(READY, 20)
            host.command(b"ATE0", b"ATE0\r\n", OK)
            feed(host, upgrades.image_with("2.0.0", {path: text}))
            host.command(b"AT+USEROTAEND", OK, patience=10)
        for board, host, name in zip(boards, hosts, BROKEN, strict=True):
            host.expect(READY, BROKEN_PATIENCE)
            host.command(b"ATE0", b"ATE0\r\n", OK)
            assert [slot for _, slot in board.boots] == ["ota_0", "ota_1", "ota_0"], name
            state(host, 4)
