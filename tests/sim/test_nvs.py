"""NVS: values, errors, and a power cut at every operation of the flash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sim.flash import SECTOR, Flash, PowerCut
from sim.nvs import Nvs
from sim.partitions import Partition
from sim.rpc import DeviceError

PARTITION = Partition(1, 2, SECTOR, 4 * SECTOR, "nvs")
NS = b"settings"


@pytest.fixture
def flash(tmp_path: Path) -> Iterator[Flash]:
    flash = Flash(tmp_path / "flash.bin", 6 * SECTOR)
    yield flash
    flash.close()


@pytest.fixture
def nvs(flash: Flash) -> Nvs:
    return Nvs(flash, PARTITION)


def error_of(action: Callable[[], object]) -> tuple[object, ...]:
    with pytest.raises(DeviceError) as caught:
        action()
    return caught.value.arguments


def test_values_outlive_a_restart(flash: Flash, nvs: Nvs) -> None:
    nvs.set_i32(NS, b"number", -5)
    nvs.set_blob(NS, b"blob", b"hello")
    nvs.set_i32(b"other", b"number", 7)
    again = Nvs(flash, PARTITION)
    assert again.get_i32(NS, b"number") == -5
    assert again.get_blob(NS, b"blob", 100) == b"hello"
    assert again.get_i32(b"other", b"number") == 7


def test_the_last_value_counts(flash: Flash, nvs: Nvs) -> None:
    for value in range(2000):
        nvs.set_i32(NS, b"counter", value)
    nvs.set_i32(NS, b"gone", 1)
    nvs.erase_key(NS, b"gone")
    again = Nvs(flash, PARTITION)
    assert again.get_i32(NS, b"counter") == 1999
    assert error_of(lambda: again.get_i32(NS, b"gone")) == (-4354, "ESP_ERR_NVS_NOT_FOUND")


def test_an_unchanged_value_is_not_written(flash: Flash, nvs: Nvs) -> None:
    nvs.set_i32(NS, b"number", 1)
    before = flash.operations
    nvs.set_i32(NS, b"number", 1)
    assert flash.operations == before


def test_kinds_do_not_mix(nvs: Nvs) -> None:
    nvs.set_i32(NS, b"number", 1)
    nvs.set_blob(NS, b"blob", b"")
    assert error_of(lambda: nvs.get_blob(NS, b"number", 10)) == (-4354, "ESP_ERR_NVS_NOT_FOUND")
    assert error_of(lambda: nvs.get_i32(NS, b"blob")) == (-4354, "ESP_ERR_NVS_NOT_FOUND")
    assert nvs.get_blob(NS, b"blob", 0) == b""


def test_long_names(nvs: Nvs) -> None:
    assert error_of(lambda: nvs.set_i32(NS, b"k" * 16, 1)) == (-4361, "ESP_ERR_NVS_KEY_TOO_LONG")
    nvs.set_i32(NS, b"k" * 15, 1)
    nvs.set_i32(NS, b"k" * 16, 1)
    assert nvs.get_i32(NS, b"k" * 16) == 1
    assert error_of(lambda: nvs.set_i32(NS, b"k" * 16, 2)) == (-4361, "ESP_ERR_NVS_KEY_TOO_LONG")
    assert error_of(lambda: nvs.open(b"n" * 16)) == (-4361, "ESP_ERR_NVS_KEY_TOO_LONG")
    nvs.open(b"n" * 15)
    nvs.open(b"n" * 16)


def test_sizes(nvs: Nvs) -> None:
    nvs.set_blob(NS, b"blob", bytes(4000))
    nvs.set_blob(NS, b"blob", b"\x01" * 4000)
    assert nvs.get_blob(NS, b"blob", 4000) == b"\x01" * 4000
    assert error_of(lambda: nvs.get_blob(NS, b"blob", 3999)) == (-4364, "ESP_ERR_NVS_INVALID_LENGTH")
    assert error_of(lambda: nvs.set_blob(NS, b"blob", bytes(12001))) == (-4366, "ESP_ERR_NVS_VALUE_TOO_LONG")
    assert error_of(lambda: nvs.set_blob(NS, b"more", bytes(4200))) == (-4357, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")
    assert nvs.get_blob(NS, b"blob", 4000) == b"\x01" * 4000


def test_erasing_what_is_not_there(nvs: Nvs) -> None:
    assert error_of(lambda: nvs.erase_key(NS, b"none")) == (-4354, "ESP_ERR_NVS_NOT_FOUND")


def test_a_partition_of_garbage_starts_empty(flash: Flash) -> None:
    flash.write(PARTITION.address, b"garbage" * 2000)
    nvs = Nvs(flash, PARTITION)
    assert flash.read(PARTITION.address, PARTITION.size) == b"\xff" * PARTITION.size
    nvs.set_i32(NS, b"number", 3)
    assert Nvs(flash, PARTITION).get_i32(NS, b"number") == 3


def test_a_broken_record_ends_the_log(flash: Flash, nvs: Nvs) -> None:
    nvs.set_i32(NS, b"first", 1)
    nvs.set_i32(NS, b"second", 2)
    position = flash.read(0, flash.size).index(b"second")
    flash.write(position, b"\0")
    again = Nvs(flash, PARTITION)
    assert again.get_i32(NS, b"first") == 1
    assert error_of(lambda: again.get_i32(NS, b"second")) == (-4354, "ESP_ERR_NVS_NOT_FOUND")
    again.set_i32(NS, b"second", 4)
    assert Nvs(flash, PARTITION).get_i32(NS, b"second") == 4


def write_all(nvs: Nvs, state: dict[bytes, bytes], steps: list[dict[bytes, bytes]]) -> None:
    """Change values one by one; ``steps`` gets what must be readable before and after each change."""
    for number in range(40):
        key = b"key%d" % (number % 3)
        value = bytes([number]) * (400 + 37 * number)
        steps.append({**state, key: value})
        nvs.set_blob(NS, key, value)
        state[key] = value


def read_all(nvs: Nvs) -> dict[bytes, bytes]:
    found = {}
    for key in (b"key0", b"key1", b"key2"):
        try:
            found[key] = nvs.get_blob(NS, key, 4000)
        except DeviceError:
            continue
    return found


@pytest.mark.parametrize("torn", [False, True])
def test_a_power_cut_at_every_operation(tmp_path: Path, torn: bool) -> None:
    counting = Flash(tmp_path / "counting.bin", 6 * SECTOR)
    write_all(Nvs(counting, PARTITION), {}, [])
    operations = counting.operations
    counting.close()
    assert operations > 50
    for cut in range(1, operations + 1):
        flash = Flash(tmp_path / f"{cut}.bin", 6 * SECTOR)
        state: dict[bytes, bytes] = {}
        steps: list[dict[bytes, bytes]] = []
        flash.cut_after(cut, torn)
        with pytest.raises(PowerCut):
            write_all(Nvs(flash, PARTITION), state, steps)
        again = Nvs(flash, PARTITION)
        assert read_all(again) in (state, steps[-1])
        again.set_blob(NS, b"key0", b"after")
        assert read_all(Nvs(flash, PARTITION)) == {**read_all(again), b"key0": b"after"}
        flash.close()
        flash.path.unlink()
