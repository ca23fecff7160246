"""``make image``: both files from builds of every chip, judged by esptool and by simulated boards, and refusals."""

from __future__ import annotations

import functools
import hashlib
import subprocess
from pathlib import Path

import pytest

from sim.board import Board
from sim.models import ESP32
from tests.system.host import OK, READY, Host
from tests.tools.images import (
    CHIPS,
    OTA_PARTITIONS,
    PLAIN_PARTITIONS,
    FlashedBase,
    image_info,
    info_field,
    make_official,
)
from tests.tools.test_package import read_filesystem
from tools import app_image, flash_layout, image, interpreter, package, version


@pytest.fixture(autouse=True)
def _package_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package takes longest to build."""
    monkeypatch.setattr(image, "build_package", built_package)


@functools.cache
def built_package(*, version: str) -> bytes:
    return package.build_package(version=version)


def make(folder: Path, build: bytes | None, *options: str) -> tuple[int, Path, Path]:
    """Run the tool on the bytes of a build: its exit code, and where the two files are if it made them."""
    output = folder / "out" / "image.bin"
    arguments = ["--version", "1.2.3", "-o", str(output), *options]
    if build is not None:
        path = folder / "build.bin"
        path.write_bytes(build)
        arguments += ["--micropython", str(path)]
    return image.main(arguments), output, output.with_name("image-flash.bin")


def test_for_the_simulated_board(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, output, flash = make(tmp_path, None)
    assert (code, flash.exists()) == (0, False)
    assert info_field(image_info(output), "App version") == "1.2.3"
    files = read_filesystem(app_image.parse(output.read_bytes()).package or b"")
    assert b"1.2.3" in files["/firmware/version.mpy"]
    assert capsys.readouterr().out.startswith(f"{output}: {output.stat().st_size} bytes, package ")


@pytest.mark.parametrize(("chip", "slots"), [("esp32", True), *((chip, False) for chip in CHIPS)])
def test_both_files(tmp_path: Path, chip: str, slots: bool, capsys: pytest.CaptureFixture[str]) -> None:
    base = make_official(chip, b"1.26.1", OTA_PARTITIONS if slots else PLAIN_PARTITIONS)
    code, output, flash = make(tmp_path, base.data)
    assert code == 0
    told = image_info(output)
    assert info_field(told, "Validation hash").endswith("(valid)")
    assert info_field(told, "Detected image type").lower().replace("-", "") == chip
    assert info_field(image_info(flash), "Validation hash").endswith("(valid)")  # the boot loader
    content = flash.read_bytes()
    assert content[: 0x8000 - base.start] == base.data[: 0x8000 - base.start]
    assert content[0x10000 - base.start :].startswith(output.read_bytes())
    # nvs, otadata: a new board
    assert content[0x9000 - base.start : 0x10000 - base.start] == b"\xff" * 0x7000
    printed = capsys.readouterr().out
    assert "MicroPython 1.26.1, Generic ESP32 module with ESP32, 4MB of flash\n" in printed
    assert f"{flash}: for address 0x{base.start:x} of a new {chip}; make flash\n" in printed


def test_the_flash_file_holds_all_of_a_new_board(tmp_path: Path, official: FlashedBase) -> None:
    _, output, flash = make(tmp_path, official.data)
    whole, target = image.whole_flash(flash.read_bytes())
    assert (len(whole), target) == (0x400000, ESP32)
    layout = flash_layout.choose(0x400000, output.stat().st_size)
    vfs, user = layout.partition("vfs"), layout.partition("user")
    assert read_filesystem(whole[vfs.address : vfs.end]).keys() == {"/boot.py", "/main.py"}
    assert read_filesystem(whole[user.address : user.end]) == {}
    assert flash.stat().st_size == user.address + 0x2000 - 0x1000


def test_the_flash_file_runs(tmp_path: Path, official: FlashedBase) -> None:
    _, output, flash = make(tmp_path, official.data)
    with Board(tmp_path / "board", flash_image=image.whole_flash(flash.read_bytes())[0]) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        answer = host.answer(b"AT+GMR")
        assert b"\r\nBin version:1.2.3(ESP32)\r\n" in answer
        assert [slot.label for slot in board.flash.slots() if slot.running] == ["ota_0"]
        host.close()


@pytest.mark.parametrize("chip", ["esp32s3", "esp32c3", "esp32c6"])
def test_the_flash_file_of_another_chip_runs(tmp_path: Path, chip: str) -> None:
    _, _, flash = make(tmp_path, make_official(chip, b"1.26.1", PLAIN_PARTITIONS).data)
    whole, target = image.whole_flash(flash.read_bytes())
    assert target.name == chip
    with Board(tmp_path / "board", model=chip, flash_image=whole) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        assert b"\r\nBin version:1.2.3(%s)\r\n" % chip.upper().encode() in host.answer(b"AT+GMR")
        host.close()


@pytest.mark.parametrize(("size", "code"), [("8MB", 3), ("16", 4)])
def test_a_larger_flash_is_told_in_both_headers(tmp_path: Path, size: str, code: int) -> None:
    base = make_official(partitions=PLAIN_PARTITIONS)
    _, output, flash = make(tmp_path, base.data, "--flash-size", size)
    for path in (output, flash):
        assert path.read_bytes()[3] == code << 4
        assert info_field(image_info(path), "Flash size") == f"{4 << (code - 2)}MB"
        assert info_field(image_info(path), "Validation hash").endswith("(valid)")


def test_same_inputs_same_bytes(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        _, output, flash = make(tmp_path / name, make_official().data)
        digests.add(hashlib.sha256(output.read_bytes() + flash.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_an_application_alone_gives_no_file_to_flash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, output, flash = make(tmp_path, make_official().data[0x10000 - 0x1000 :])
    assert (code, output.exists(), flash.exists()) == (0, True, False)
    assert "no file to flash: this is an application alone, without a boot loader\n" in capsys.readouterr().out


def changed(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


OFFICIAL = make_official().data
REFUSED = {
    "nothing": (b"", "not an application image"),
    "web page": (b"<!doctype html>", "this is a web page"),
    "cut off": (OFFICIAL[:-100], "the image is cut off"),
    "damaged": (changed(OFFICIAL, len(OFFICIAL) - 100), "checksum does not match"),
    "damaged boot loader": (changed(OFFICIAL, 50), "checksum does not match"),
    "too old": (make_official(version=b"1.24.1").data, "MicroPython 1.24.1 is too old: those known are 1.25 to 1.28"),
    "too new": (
        make_official(version=b"1.29.0-preview.12.gabc").data,
        "MicroPython 1.29.0-preview.12.gabc is not known",
    ),
    "2.0": (make_official(version=b"2.25.0").data, "MicroPython 2.25.0 is not known yet"),
    "another program": (OFFICIAL.replace(b"MicroPython", b"CircuitPyth"), "does not match"),
    "too large": (
        make_official(partitions=PLAIN_PARTITIONS, size=0x1D0000).data,
        "the largest slots on 4MB of flash have 1966080: take a smaller build",
    ),
    "shifted": (make_official("esp32c3").data[0x1000:], "a build for esp32c3 begins at 0x0, not at 0x1000"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_told_in_one_line(tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    data, reason = REFUSED[what]
    code, output, flash = make(tmp_path, data)
    error = capsys.readouterr().err
    assert (code, output.exists(), flash.exists()) == (1, False, False)
    assert error.startswith("no image: ")
    assert reason in error
    assert error.count("\n") == 1


def test_an_application_that_is_not_micropython(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make(tmp_path, app_image.synthetic_base())[0] == 1
    assert "no MicroPython, or one that does not tell its version; those known are " in capsys.readouterr().err


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert image.main(["--version", "1", "--micropython", str(tmp_path / "missing.bin")]) == 1
    assert capsys.readouterr().err.startswith("no image: [Errno 2] No such file")


def test_the_interpreter_of_make_run_is_no_build(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "image.bin"
    path = str(interpreter.find(64))
    for name in (path, f"{path}:{path}"):
        assert image.main(["--version", "1", "--micropython", name, "-o", str(output)]) == 0
        assert "is an interpreter for this machine, not a build for the ESP32\n" in capsys.readouterr().out
        assert app_image.parse(output.read_bytes()).version == "1"


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_the_version_is_what_git_says(tree: Path) -> None:
    assert version.current(tree) == "0.0.0-dev"
    git(tree, "init")
    git(tree, "add", ".")
    git(tree, "commit", "-m", "one")
    told = version.current(tree)
    assert told.startswith("0.0.0-dev-g")
    assert len(told) == len("0.0.0-dev-g") + 8
    (tree / package.VERSION_FILE).write_text('VERSION = "0.0.1-dev"\n')
    assert version.current(tree) == told.replace("0.0.0", "0.0.1") + "-dirty"
    git(tree, "commit", "-am", "two")
    git(tree, "tag", "v1.2.3")
    assert version.current(tree) == "1.2.3"
    git(tree, "commit", "--allow-empty", "-m", "three")
    assert version.current(tree).startswith("1.2.3-1-g")
