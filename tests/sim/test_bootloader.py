"""The boot loader beside what tests/port/test_ota_transitions.py replays: broken otadata, no image, power cuts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sim import otadata
from sim.bootloader import select
from sim.flash import SECTOR, Flash, PowerCut
from sim.otadata import Entry, State, sequence_crc
from sim.partitions import (
    TABLE_ADDRESS,
    TYPE_APP,
    TYPE_DATA,
    Partition,
    build_table,
)
from sim.rpc import DeviceError
from tests.sim.images import IMAGE, corrupt, make_flash

GARBAGE = b"\x12\x34\x56\x78" * 8


@pytest.fixture
def flash(tmp_path: Path) -> Iterator[Flash]:
    """Both slots hold a valid image."""
    flash = make_flash(tmp_path, IMAGE, IMAGE)
    yield flash
    flash.close()


def entry(sequence: int, state: int) -> Entry:
    return Entry(sequence=sequence, state=state, crc=sequence_crc(sequence))


def write_entries(flash: Flash, *entries: Entry | None) -> None:
    for sector, what in enumerate(entries):
        if what is not None:
            otadata.write_entry(flash, sector, what)


def spoil(flash: Flash, sector: int) -> None:
    address = flash.partition("otadata").address + sector * SECTOR
    flash.erase(address, SECTOR)
    flash.write(address, GARBAGE)


def books(flash: Flash) -> list[tuple[int, int] | None]:
    """(sequence, state) of both sectors; None is erased."""
    return [None if e.sequence == otadata.NO_SEQUENCE else (e.sequence, e.state) for e in otadata.read_entries(flash)]


def test_the_known_crc_of_sequence_1() -> None:
    assert sequence_crc(1) == 0x4743989A


def test_the_first_start(flash: Flash) -> None:
    selection = select(flash)
    assert selection.label == "ota_0"
    assert flash.running == selection.slot
    assert books(flash) == [(1, 2), None]
    assert flash.operations == 2
    assert "Set actual ota_seq=1 in otadata[0]\r\n" in selection.log


def test_a_valid_choice_is_not_written_again(flash: Flash) -> None:
    write_entries(flash, entry(1, State.VALID), entry(2, State.VALID))
    flash.operations = 0
    assert select(flash).label == "ota_1"
    assert flash.operations == 0


@pytest.mark.parametrize(("spoilt", "label"), [(0, "ota_1"), (1, "ota_0")])
def test_one_broken_sector_leaves_the_other_to_decide(flash: Flash, spoilt: int, label: str) -> None:
    write_entries(flash, entry(1, State.VALID), entry(2, State.VALID))
    spoil(flash, spoilt)
    assert select(flash).label == label


def test_two_broken_sectors_start_the_first_slot_and_stay_broken(flash: Flash) -> None:
    spoil(flash, 0)
    spoil(flash, 1)
    flash.operations = 0
    selection = select(flash)
    assert selection.label == "ota_0"
    assert "no factory, will try all partitions" in selection.log
    assert flash.operations == 0
    with pytest.raises(DeviceError) as caught:
        otadata.mark_valid(flash)
    assert caught.value.arguments == (1, "ESP_FAIL")
    otadata.set_boot(flash, flash.partition("ota_0"))
    assert books(flash)[0] == (1, 0)


def test_the_crc_covers_the_sequence_alone(flash: Flash) -> None:
    write_entries(flash, Entry(sequence=1, state=State.VALID, crc=sequence_crc(1)), entry(2, State.VALID))
    changed = Entry(sequence=2, label=b"a" * 20, state=State.NEW, crc=sequence_crc(2))
    otadata.write_entry(flash, 1, changed)
    assert select(flash).label == "ota_1"
    assert books(flash)[1] == (2, State.PENDING)


def test_an_image_left_on_trial_is_given_up(flash: Flash) -> None:
    write_entries(flash, entry(1, State.VALID), entry(2, State.NEW))
    assert select(flash).label == "ota_1"
    assert books(flash) == [(1, 2), (2, 1)]
    assert select(flash).label == "ota_0"
    assert books(flash) == [(1, 2), (2, 4)]


def test_with_all_given_up_the_first_slot_starts_and_nothing_is_written(flash: Flash) -> None:
    write_entries(flash, entry(3, State.PENDING), entry(4, State.ABORTED))
    assert select(flash).label == "ota_0"
    assert books(flash) == [(3, 4), (4, 4)]
    with pytest.raises(DeviceError) as caught:
        otadata.mark_valid(flash)
    assert caught.value.arguments == (1, "ESP_FAIL")


@pytest.mark.parametrize(("chosen", "other"), [("ota_0", "ota_1"), ("ota_1", "ota_0")])
def test_a_corrupt_image_is_passed_over(flash: Flash, chosen: str, other: str) -> None:
    select(flash)
    otadata.set_boot(flash, flash.partition(chosen))
    corrupt(flash, chosen)
    selection = select(flash)
    assert selection.label == other
    assert f"OTA app partition slot {chosen[-1]} is not bootable\r\n" in selection.log


def test_nothing_to_start(flash: Flash) -> None:
    corrupt(flash, "ota_0")
    corrupt(flash, "ota_1")
    selection = select(flash)
    assert (selection.slot, selection.image, flash.running) == (None, None, None)
    assert selection.log.endswith("No bootable app partitions in the partition table\r\n")
    assert books(flash) == [None, None]


def test_no_partition_table(flash: Flash) -> None:
    flash.erase(TABLE_ADDRESS, SECTOR)
    selection = select(flash)
    assert selection.slot is None
    assert "load partition table error!" in selection.log


FACTORY_TABLE = [
    Partition(TYPE_DATA, 0, 0xD000, 0x2000, "otadata"),
    Partition(TYPE_APP, 0, 0x10000, 0x10000, "factory"),
    Partition(TYPE_APP, 0x10, 0x20000, 0x10000, "ota_0"),
]


def factory_flash(folder: Path) -> Flash:
    flash = Flash(folder / "factory.bin")
    flash.write(TABLE_ADDRESS, build_table(FACTORY_TABLE))
    for label in ("factory", "ota_0"):
        flash.write(flash.partition(label).address, IMAGE)
    return flash


def test_the_factory_slot(tmp_path: Path) -> None:
    flash = factory_flash(tmp_path)
    assert select(flash).label == "factory"
    otadata.set_boot(flash, flash.partition("ota_0"))
    assert select(flash).label == "ota_0"
    otadata.set_boot(flash, flash.partition("factory"))
    assert books(flash) == [None, None]
    assert select(flash).label == "factory"
    flash.close()


def test_a_table_without_otadata(tmp_path: Path) -> None:
    flash = Flash(tmp_path / "plain.bin")
    flash.write(TABLE_ADDRESS, build_table(FACTORY_TABLE[1:]))
    flash.write(0x10000, IMAGE)
    assert select(flash).label == "factory"
    assert [(s.label, s.boot) for s in flash.slots()] == [("factory", False), ("ota_0", False)]
    flash.close()


def switch(flash: Flash) -> None:
    """What an upgrade does to otadata, from the choice to the end of the trial."""
    select(flash)
    otadata.set_boot(flash, flash.partition("ota_1"))
    select(flash)
    otadata.mark_valid(flash)


def after_power_is_back(flash: Flash, action: Callable[[Flash], None]) -> str:
    with pytest.raises(PowerCut):
        action(flash)
    select(flash)
    return select(flash).label


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("cut", range(1, 9))
def test_a_power_cut_at_every_operation_of_a_switch(flash: Flash, cut: int, torn: bool) -> None:
    """First entry, choice, trial, valid: an erase and a write each. A slot always starts, and the books stay sound."""
    flash.cut_after(cut, torn)
    assert after_power_is_back(flash, switch) in ("ota_0", "ota_1")
    otadata.set_boot(flash, flash.partition("ota_1"))
    assert select(flash).label == "ota_1"
    otadata.mark_valid(flash)
    assert select(flash).label == "ota_1"


def test_a_switch_takes_eight_operations(flash: Flash) -> None:
    switch(flash)
    assert flash.operations == 8
