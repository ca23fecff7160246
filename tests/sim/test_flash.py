"""The flash: NOR semantics, power cuts, the partition table, and what the command line shows of the slots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sim import otadata
from sim.bootloader import select
from sim.flash import SECTOR, Flash, PowerCut, Slot
from sim.partitions import TABLE_ADDRESS, Partition, TableError, build_table, parse_table
from tests.sim.images import IMAGE, corrupt, make_flash


@pytest.fixture
def flash(tmp_path: Path) -> Iterator[Flash]:
    flash = Flash(tmp_path / "flash.bin", 16 * SECTOR)
    yield flash
    flash.close()


def test_a_new_flash_is_erased(flash: Flash) -> None:
    assert flash.read(0, flash.size) == b"\xff" * 16 * SECTOR


def test_writing_only_clears_bits(flash: Flash) -> None:
    flash.write(5, b"\xf0\x0f\xff\x00")
    flash.write(5, b"\x3c\x3c\x3c\x3c")
    assert flash.read(4, 6) == b"\xff\x30\x0c\x3c\x00\xff"


def test_erasing_sets_whole_sectors(flash: Flash) -> None:
    flash.write(0, bytes(4 * SECTOR))
    flash.erase(SECTOR, 2 * SECTOR)
    assert flash.read(0, 4 * SECTOR) == bytes(SECTOR) + b"\xff" * 2 * SECTOR + bytes(SECTOR)


@pytest.mark.parametrize(("address", "size"), [(1, SECTOR), (0, 1), (SECTOR, 100)])
def test_only_whole_sectors_can_be_erased(flash: Flash, address: int, size: int) -> None:
    with pytest.raises(ValueError, match="not whole sectors"):
        flash.erase(address, size)


@pytest.mark.parametrize("address", [-1, 16 * SECTOR - 1, 1 << 40])
def test_nothing_outside_of_the_flash(flash: Flash, address: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        flash.read(address, 2)
    with pytest.raises(ValueError, match="outside"):
        flash.write(address, b"ab")
    assert flash.operations == 0


def test_the_file_keeps_what_was_written(flash: Flash) -> None:
    flash.write(100, b"kept")
    again = Flash(flash.path)
    assert again.size == flash.size
    assert again.read(100, 4) == b"kept"
    again.close()


@pytest.mark.parametrize(
    ("address", "size", "operations"), [(0, 1, 1), (0, SECTOR, 1), (SECTOR - 1, 2, 2), (10, 2 * SECTOR, 3), (0, 0, 0)]
)
def test_a_write_counts_once_per_sector(flash: Flash, address: int, size: int, operations: int) -> None:
    flash.write(address, bytes(size))
    assert flash.operations == operations


def test_an_erase_counts_once_per_sector(flash: Flash) -> None:
    flash.erase(0, 3 * SECTOR)
    assert flash.operations == 3


def test_on_busy_hears_of_each_operation(flash: Flash) -> None:
    heard: list[float] = []
    flash.on_busy = heard.append
    flash.erase(0, 2 * SECTOR)
    flash.write(0, bytes(SECTOR + SECTOR // 2))
    assert heard == [0.045, 0.045, 0.012, 0.006]


@pytest.mark.parametrize(
    ("after", "torn", "expected"),
    [
        (1, False, (SECTOR, 0)),
        (1, True, (SECTOR // 2, 0)),
        (2, False, (0, 0)),
        (2, True, (0, 50)),
    ],
)
def test_a_power_cut(flash: Flash, after: int, torn: bool, expected: tuple[int, int]) -> None:
    """What is left: zeros of the old content that the erase did not reach, ones of the new content."""
    cuts: list[str] = []
    flash.write(0, bytes(SECTOR))
    flash.on_power_cut = lambda: cuts.append("cut")
    flash.cut_after(after, torn)

    def replace() -> None:
        flash.erase(0, SECTOR)
        flash.write(0, b"\x01" * 100)

    with pytest.raises(PowerCut):
        replace()
    content = flash.read(0, SECTOR)
    assert (content.count(0), content.count(1)) == expected
    assert cuts == ["cut"]
    replace()
    assert flash.read(0, SECTOR) == b"\x01" * 100 + b"\xff" * (SECTOR - 100)


def test_a_large_write_dies_in_the_middle(flash: Flash) -> None:
    flash.cut_after(2, torn=True)
    with pytest.raises(PowerCut):
        flash.write(0, bytes(3 * SECTOR))
    assert flash.read(0, 3 * SECTOR) == bytes(SECTOR + SECTOR // 2) + b"\xff" * (SECTOR + SECTOR // 2)


def test_a_power_cut_can_be_called_off(flash: Flash) -> None:
    flash.cut_after(1)
    flash.cut_after(None)
    flash.write(0, b"\x00")
    assert flash.read(0, 1) == b"\x00"


def test_operations_count_from_one(flash: Flash) -> None:
    with pytest.raises(ValueError, match="from 1"):
        flash.cut_after(0)


PARTITIONS = [Partition(1, 2, 0x9000, 0x4000, "nvs"), Partition(0, 0x10, 0x10000, 0x180000, "a_label_16_bytes", True)]


def test_a_partition_table_survives_the_round_trip() -> None:
    assert parse_table(build_table(PARTITIONS)) == PARTITIONS


@pytest.mark.parametrize(
    ("position", "reason"), [(0, "begins with"), (5, "MD5"), (64 + 20, "MD5")], ids=["magic", "entry", "digest"]
)
def test_a_broken_partition_table_is_refused(position: int, reason: str) -> None:
    table = bytearray(build_table(PARTITIONS))
    table[position] ^= 1
    with pytest.raises(TableError, match=reason):
        parse_table(bytes(table))


def test_an_erased_partition_table_is_refused() -> None:
    with pytest.raises(TableError, match="empty"):
        parse_table(b"\xff" * 0xC00)


def test_partitions_are_found(tmp_path: Path) -> None:
    flash = make_flash(tmp_path)
    assert [p.label for p in flash.find(0)] == ["ota_0", "ota_1"]
    assert [p.label for p in flash.find(1, 2)] == ["nvs"]
    assert flash.partition("vfs").address == 0x310000
    with pytest.raises(KeyError):
        flash.partition("none")
    flash.close()


def test_the_summary_of_the_slots(tmp_path: Path) -> None:
    flash = make_flash(tmp_path)
    select(flash)
    assert flash.slots() == [
        Slot("ota_0", True, "", "1.0", "test", 1, "valid", True, True),
        Slot("ota_1", False, "invalid magic byte (nothing flashed here?)", "", "", None, None, False, False),
    ]
    flash.write(flash.partition("ota_1").address, IMAGE)
    otadata.set_boot(flash, flash.partition("ota_1"))
    corrupt(flash, "ota_0")
    assert flash.slots() == [
        Slot("ota_0", False, "image hash failed - image is corrupt", "", "", 1, "valid", True, False),
        Slot("ota_1", True, "", "1.0", "test", 2, "new", False, True),
    ]
    flash.close()


def test_the_summary_without_a_partition_table(tmp_path: Path) -> None:
    flash = make_flash(tmp_path)
    flash.erase(TABLE_ADDRESS, SECTOR)
    assert flash.slots() == []
    flash.close()
