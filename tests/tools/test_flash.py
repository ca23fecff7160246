"""``make flash``: esptool writes a file to a chip that is played by the test, and what is there then runs."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest

from sim.board import Board
from tests.system.host import OK, READY, Host
from tests.tools.images import make_official
from tests.tools.rom_loader import ESP32_S2, RomLoader
from tools import flash, image, micropython_build
from tools.package import build_package


@functools.cache
def flash_file(chip: str = "esp32") -> bytes:
    build = micropython_build.read(make_official(chip).data)
    built, layout = image.image_and_layout(build_package(version="1.2.3"), "1.2.3", build, None)
    return image.build_flash_file(built, build, layout)


def write(folder: Path, data: bytes, name: str = "esp-at-1.2.3-flash.bin") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_flashed_board_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, flash_file())
    chip = RomLoader()
    assert flash.main(["--port", chip.url, str(path)]) == 0
    chip.close()
    assert chip.steps == ["erase", "write 0x1000", "digest", "digest"]
    assert bytes(chip.flash) == image.whole_flash(flash_file())[0]
    assert capsys.readouterr().out.endswith(f"{path}: version 1.2.3 is on the board at {chip.url}\n")
    with Board(tmp_path / "board", flash_image=bytes(chip.flash)) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"AT", b"AT\r\n", OK)
        host.close()


def test_a_file_for_another_chip_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chip = RomLoader()
    assert flash.main(["--port", chip.url, str(write(tmp_path, flash_file("esp32c3")))]) == 1
    chip.close()
    assert chip.steps == []
    assert "is an ESP32, " in capsys.readouterr().err
    other = RomLoader(magic=ESP32_S2)
    assert flash.main(["--port", other.url, str(write(tmp_path, flash_file()))]) == 1
    other.close()
    assert other.steps == []
    assert "is an ESP32-S2, " in capsys.readouterr().err


def test_files_that_are_not_for_a_new_board(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    application = flash_file()[0x10000 - 0x1000 :]
    for data, reason in (
        (b"nothing", "not an application image"),
        (application, "not an application image"),
        (make_official().data, "an image of other"),
        (flash_file()[:0x8000], "not an application image"),
    ):
        path = write(tmp_path, data)
        assert flash.main(["--port", "socket://127.0.0.1:9", str(path)]) == 1
        error = capsys.readouterr().err
        assert error == f"not flashed: {path} is no file for a new board: {reason} (make image makes *-flash.bin)\n"


def test_the_newest_file_is_taken(tmp_path: Path) -> None:
    with pytest.raises(flash.FlashError, match="make image MICROPYTHON="):
        flash.newest(tmp_path)
    older, newer = write(tmp_path, b"", "b-flash.bin"), write(tmp_path, b"", "a-flash.bin")
    os.utime(older, (1, 1))
    write(tmp_path, b"", "c.bin")
    assert flash.newest(tmp_path) == newer


def test_nothing_at_the_port(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, flash_file())
    assert flash.main(["--port", "/dev/no-such-port", str(path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("not flashed: ")
    assert error.count("\n") == 1
