"""Application and flash images, judged by esptool and by a reader of the test's own."""

from __future__ import annotations

import hashlib
import itertools
import struct
from pathlib import Path

import pytest

from sim.partitions import parse_table
from tests.tools.images import FlashedBase, image_info, info_field, make_descriptor, make_image, read_segments
from tests.tools.test_package import read_filesystem
from tools import app_image, flash_layout, image, micropython_build, package

PACKAGE = package.filesystem({"firmware/app.mpy": b"x" * 3000}, 8, 1024)
SLOT = slice(0x10000, 0x190000)


def check_with_esptool(path: Path, data: bytes, version: str) -> None:
    path.write_bytes(data)
    told = image_info(path)
    assert info_field(told, "Checksum").endswith("(valid)")
    assert info_field(told, "Validation hash").endswith("(valid)")
    assert info_field(told, "App version") == version
    assert info_field(told, "Project name") == "esp-at-micropython"


def test_synthetic_base(tmp_path: Path) -> None:
    built = image.build_image(PACKAGE, "1.2.3")
    check_with_esptool(tmp_path / "image.bin", built, "1.2.3")
    address, place, data = read_segments(built)[-1]
    assert (address, place % 4096, data) == (0, 0, PACKAGE)
    assert app_image.parse(built).package == PACKAGE


def test_official_base(tmp_path: Path, official: FlashedBase) -> None:
    built = image.build_image(PACKAGE, "1.2.3", micropython_build.read(official.data))
    check_with_esptool(tmp_path / "image.bin", built, "1.2.3")
    before, after = read_segments(official.data[0x10000 - 0x1000 :]), read_segments(built)
    assert after[1 : len(before)] == before[1:]
    assert (after[-1][0], after[-1][1] % 4096, after[-1][2]) == (0, 0, PACKAGE)
    assert [segment[0] for segment in after[len(before) :]] == [0, 0]


def test_only_version_and_project_of_the_descriptor_change(official: FlashedBase) -> None:
    before = read_segments(official.data[0x10000 - 0x1000 :])[0][2]
    after = read_segments(image.build_image(PACKAGE, "1.2.3", micropython_build.read(official.data)))[0][2]
    assert after[16:80] == b"1.2.3".ljust(32, b"\0") + b"esp-at-micropython".ljust(32, b"\0")
    assert (after[:16], after[80:]) == (before[:16], before[80:])


@pytest.mark.parametrize("size", [4, 4032, 4036, 4040, 4044, 4048, 4052, 8192])
def test_the_package_is_aligned_whatever_the_base_ends_on(tmp_path: Path, size: int) -> None:
    base = make_image([(0x3F400020, make_descriptor()), (0x40080000, bytes(size))])
    built = image.build_image(PACKAGE, "1", micropython_build.read(base))
    check_with_esptool(tmp_path / "image.bin", built, "1")
    segments = read_segments(built)
    assert all(data for _, _, data in segments)
    assert (segments[-1][1] % 4096, segments[-1][2]) == (0, PACKAGE)


def test_same_inputs_same_bytes(official: FlashedBase) -> None:
    assert image.build_image(PACKAGE, "1.2.3") == image.build_image(PACKAGE, "1.2.3")
    build = micropython_build.read(official.data)
    built = image.build_image(PACKAGE, "1.2.3", build)
    assert built == image.build_image(PACKAGE, "1.2.3", build)
    assert image.build_flash(built, build) == image.build_flash(built, build)


@pytest.mark.parametrize("version", ["", "x" * 32, "1.0\n", "1.0\0", "ä"])
def test_versions_that_do_not_fit(version: str) -> None:
    with pytest.raises(app_image.ImageError, match="printable ASCII"):
        image.build_image(PACKAGE, version)


def test_longest_version() -> None:
    assert app_image.parse(image.build_image(PACKAGE, "x" * 31)).version == "x" * 31


def test_too_large_for_the_slot() -> None:
    with pytest.raises(app_image.ImageError, match="a slot 1572864"):
        image.build_image(bytes(0x180000), "1")


def test_bases_that_are_refused() -> None:
    good = make_image([(0x3F400020, make_descriptor())])
    for place in (0x30, len(good) - 1, len(good) - 40):
        bad = bytearray(good)
        bad[place] ^= 1
        with pytest.raises(app_image.ImageError, match="does not match"):
            image.build_image(PACKAGE, "1", micropython_build.read(bytes(bad)))
    for data, reason in (
        (b"", "not an application image"),
        (good[:-1], "cut off"),
        (good[:40], "cut off"),
        (b"\x7fELF" + bytes(5000), "this is an ELF file"),
        (b"UF2\n" + bytes(5000), "this is a UF2 file; take the .bin"),
        (b"<!DOCTYPE html><html>", "this is a web page"),
        (make_image([(0x3F400020, make_descriptor())], chip=18), "chip 18; those known are esp32, esp32s3, esp32c3, "),
        (make_image([(0x40080000, bytes(512))]), "no application descriptor"),
        (make_image([(0x3F400020, make_descriptor())] + [(0x40080000, bytes(4))] * 14), "room for 16"),
        (image.build_image(PACKAGE, "1"), "has a package already"),
    ):
        with pytest.raises(app_image.ImageError, match=reason):
            image.build_image(PACKAGE, "2", micropython_build.read(data))


def read_table(flash: bytes) -> list[tuple[str, int, int, int, int]]:
    """The partition table at 0x8000, read entry by entry; its MD5 is checked."""
    rows: list[tuple[str, int, int, int, int]] = []
    for place in range(0x8000, 0x8C00, 32):
        magic, kind, subtype, address, size, label, flags = struct.unpack_from("<HBBII16sI", flash, place)
        if magic == 0xEBEB:
            assert flash[place + 16 : place + 32] == hashlib.md5(flash[0x8000:place]).digest()
            assert flash[place + 32 : 0x9000] == b"\xff" * (0x9000 - place - 32)
            return rows
        assert (magic, flags) == (0x50AA, 0)
        rows.append((label.rstrip(b"\0").decode(), kind, subtype, address, size))
    raise AssertionError("no MD5 entry")


TABLE = """\
nvs,      1, 0x02, 0x9000,   0x4000
otadata,  1, 0x00, 0xd000,   0x2000
phy_init, 1, 0x01, 0xf000,   0x1000
ota_0,    0, 0x10, 0x10000,  0x180000
ota_1,    0, 0x11, 0x190000, 0x180000
vfs,      1, 0x81, 0x310000, {vfs}
"""


def table_rows(text: str) -> list[tuple[str, int, int, int, int]]:
    rows = []
    for line in text.splitlines():
        label, *numbers = line.split(",")
        kind, subtype, address, size = (int(number, 0) for number in numbers)
        rows.append((label, kind, subtype, address, size))
    return rows


def test_flash() -> None:
    built = image.build_image(PACKAGE, "1.2.3")
    flash = image.build_flash(built)
    assert len(flash) == 0x400000
    assert read_table(flash) == table_rows(TABLE.format(vfs="0x10000") + "user, 1, 0x83, 0x320000, 0xe0000\n")
    assert flash[:0x8000] == b"\xff" * 0x8000
    assert flash[0x9000:0x10000] == b"\xff" * 0x7000  # nvs, otadata, phy_init: erased
    assert flash[SLOT] == built.ljust(0x180000, b"\xff")
    assert flash[0x190000:0x310000] == b"\xff" * 0x180000
    vfs = read_filesystem(flash[0x310000:0x320000])
    assert vfs == {f"/{name}": (package.ROOT / name).read_bytes() for name in ("boot.py", "main.py")}
    assert read_filesystem(flash[0x320000:]) == {}


def test_flash_with_an_official_base(official: FlashedBase, tmp_path: Path) -> None:
    build = micropython_build.read(official.data)
    flash = image.build_flash(image.build_image(PACKAGE, "1", build), build)
    boot_loader = tmp_path / "boot_loader.bin"
    boot_loader.write_bytes(flash[0x1000:0x8000].rstrip(b"\xff"))
    assert info_field(image_info(boot_loader), "Validation hash").endswith("(valid)")
    assert flash[0x1000:0x8000] == official.data[:0x7000]
    assert read_table(flash)[-1] == ("user", 1, 0x83, 0x320000, 0xE0000)


def test_a_whole_flash_is_a_base_too(official: FlashedBase) -> None:
    whole = b"\xff" * 0x1000 + official.data
    assert micropython_build.read(whole) == micropython_build.read(official.data)


def test_official_partition_table() -> None:
    partitions = flash_layout.official_ota_partitions()
    flash = image.build_flash(image.build_image(PACKAGE, "1"), partitions=partitions, vfs_files={})
    assert read_table(flash) == table_rows(TABLE.format(vfs="0xf0000"))
    assert read_filesystem(flash[0x310000:]) == {}


def test_the_official_build_has_the_table_that_this_project_says(official: FlashedBase) -> None:
    assert tuple(parse_table(official.data[0x7000:])) == flash_layout.official_ota_partitions()


def test_larger_flashes_have_larger_slots() -> None:
    for megabytes, slot, user in ((8, 0x270000, 0x500000), (16, 0x300000, 0x620000)):
        layout = flash_layout.choose(megabytes << 20, 0x180001)
        flash = image.build_flash(image.build_image(PACKAGE, "1"), layout=layout)
        assert len(flash) == megabytes << 20
        assert read_table(flash)[3:] == [
            ("ota_0", 0, 0x10, 0x10000, slot),
            ("ota_1", 0, 0x11, 0x10000 + slot, slot),
            ("vfs", 1, 0x81, user - 0x10000, 0x10000),
            ("user", 1, 0x83, user, (megabytes << 20) - user),
        ]


@pytest.mark.parametrize(
    ("size", "slot", "user"),
    [(0x170000, 0x180000, 0xE0000), (0x170001, 0x1C0000, 0x60000), (0x1E0000, 0x1E0000, 0x20000)],
)
def test_larger_images_have_larger_slots(size: int, slot: int, user: int) -> None:
    """And later versions have 64 KB to grow, if there is a larger slot."""
    layout = flash_layout.choose(4 << 20, size)
    assert (layout.slot_size, layout.partition("user").size) == (slot, user)
    assert layout.partition("user").end == 4 << 20


@pytest.mark.parametrize(
    ("flash", "size", "reason"),
    [
        (2, 0, "two slots are made for 4MB, 8MB, 16MB of flash, not for 2MB"),
        (32, 0, "not for 32MB"),
        (4, 0x1E0001, "the largest slots on 4MB of flash have 1966080: .* FLASH_SIZE=8MB or 16MB"),
        (16, 0x400001, "or FLASH_SIZE=none larger"),
    ],
)
def test_flashes_that_do_not_do(flash: int, size: int, reason: str) -> None:
    with pytest.raises(flash_layout.LayoutError, match=reason):
        flash_layout.choose(flash << 20, size)


def test_partitions_follow_each_other() -> None:
    for flash_size, slot_sizes in flash_layout.SLOT_SIZES.items():
        for slot_size in slot_sizes:
            partitions = flash_layout.make(flash_size, slot_size).partitions
            assert all(one.end == two.address for one, two in itertools.pairwise(partitions))
            assert all(part.address % 0x10000 == 0 for part in partitions if part.label.startswith("ota_"))
