"""``python -m tools.upgrade`` against simulated boards: both ways, and every way to fail."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from sim.board import Board
from sim.images import firmware_flash
from sim.models import ESP32C3
from tests.system.boards import flash_with
from tests.system.host import READY, Host
from tests.system.upgrades import image, image_with
from tests.tools.images import make_official
from tools import app_image, at_line, file_server, upgrade
from tools.flash_layout import LARGEST_SLOT

JOIN = ("--ssid", "sim-ap", "--password", "sim-password")
HERE = ("--http-host", "127.0.0.1")
NEW = "2.0.0"


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """A board that runs and is on no network; it is there, however busy this machine is."""
    monkeypatch.setattr(at_line, "TRY_SECONDS", 10.0)
    with Board(tmp_path / "board", flash_image=flash_with({"config.json": b'{"ota_timeout_ms": 1000}'})) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        host.close()
        yield board


@pytest.fixture
def new_image(tmp_path: Path) -> Path:
    return write(tmp_path, image(NEW))


def write(folder: Path, data: bytes) -> Path:
    path = folder / "new.bin"
    path.write_bytes(data)
    return path


def ask(board: Board, line: bytes) -> bytes:
    """What the board answers, to someone who comes later."""
    with serial.serial_for_url(board.port, 115200, timeout=5) as port:
        port.write(line + b"\r\n")
        return bytes(port.read_until(b"\r\nOK\r\n"))


def fails(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line that tells why."""
    assert upgrade.main([str(argument) for argument in arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    found = re.findall(r"^no upgrade: (.*)\n\Z", captured.err, re.MULTILINE)
    assert len(found) == 1, captured.err
    return str(found[0])


def test_an_image_for_another_chip(tmp_path: Path, capsys: pytest.CaptureFixture[str], new_image: Path) -> None:
    with Board(tmp_path / "board", model="esp32c3", flash_image=firmware_flash(ESP32C3)) as board:
        assert fails(capsys, board.port, new_image, "--uart") == f"{new_image} is for esp32, the board is an ESP32C3"
        assert ask(board, b"AT").endswith(b"AT\r\n\r\nOK\r\n")


def test_the_file_for_a_new_board_is_no_upgrade(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, make_official().data)
    reason = "this is for make flash; an upgrade takes the file without -flash in its name"
    assert fails(capsys, tmp_path / "no-port", path) == f"{path}: {reason}"


def test_by_wifi(board: Board, new_image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert upgrade.main([board.port, str(new_image), *JOIN, *HERE]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"version {NEW} answers\n"
    assert f"upgrade to {NEW}" in captured.err
    assert [slot for _, slot in board.boots] == ["ota_0", "ota_1"]
    assert "+USEROTA:0,0,0" in ask(board, b"AT+USEROTA?").decode()


def test_by_wifi_that_the_board_has_joined_already(board: Board, new_image: Path) -> None:
    assert upgrade.main([board.port, str(new_image), *JOIN, *HERE]) == 0
    # The settings survive the upgrade, so the board joins again by itself.
    with serial.serial_for_url(board.port, 115200, timeout=10) as port:
        assert port.read_until(b"WIFI GOT IP\r\n").endswith(b"WIFI GOT IP\r\n")
    assert upgrade.main([board.port, str(write(new_image.parent, image("2.0.1"))), *HERE]) == 0


def test_through_the_port(board: Board, new_image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert upgrade.main([board.port, str(new_image), "--uart"]) == 0
    assert capsys.readouterr().out == f"version {NEW} answers\n"
    assert [slot for _, slot in board.boots] == ["ota_0", "ota_1"]


def test_a_piece_that_lost_bytes_is_sent_again(
    board: Board, new_image: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    send, sent = at_line.AtLine.send_data, []

    def lose(line: at_line.AtLine, data: bytes) -> None:
        sent.append(len(data))
        send(line, data[:-100] if len(sent) == 3 else data)

    monkeypatch.setattr(at_line.AtLine, "send_data", lose)
    monkeypatch.setattr(upgrade, "PROMPT_IDLE_MS", 200)
    assert upgrade.main([board.port, str(new_image), "--uart"]) == 0
    assert sum(sent) == len(image(NEW)) + upgrade.PIECE
    assert capsys.readouterr().out == f"version {NEW} answers\n"


def test_bytes_that_always_get_lost(
    board: Board, new_image: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    send = at_line.AtLine.send_data
    monkeypatch.setattr(at_line.AtLine, "send_data", lambda line, data: send(line, data[:-1]))
    monkeypatch.setattr(upgrade, "PROMPT_IDLE_MS", 100)
    assert fails(capsys, board.port, new_image, "--uart") == (
        "bytes get lost on the way to the board: check the wiring and the baud rate"
    )
    assert "+USERPROMPT:0" in ask(board, b"AT+USERPROMPT?").decode()


def test_an_image_that_does_not_start(board: Board, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = write(tmp_path, image_with("3.0.0", {"firmware/app.py": "import machine\n\nmachine.reset()\n"}))
    reason = fails(capsys, board.port, broken, "--uart")
    assert reason == "version 3.0.0 did not start properly: 0.0.0-dev answers again"


def test_no_wifi(board: Board, new_image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fails(capsys, board.port, new_image) == upgrade.NO_WIFI
    assert ask(board, b"AT") == b"AT\r\n\r\nOK\r\n"  # echo is as it was


def test_an_access_point_that_is_not_there(board: Board, new_image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fails(capsys, board.port, new_image, "--ssid", "elsewhere").startswith("AT+CWJAP: ")


def test_a_machine_that_the_board_cannot_reach(
    board: Board, new_image: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(file_server.FileServer, "url", "http://127.0.0.1:9/image.bin")
    assert fails(capsys, board.port, new_image, *JOIN, *HERE) == (
        "the board cannot reach http://127.0.0.1:9/image.bin: say --http-host, or open the firewall"
    )
    assert "+USEROTACFG:0,1" in ask(board, b"AT+USEROTACFG?").decode()


def test_an_image_that_the_board_refuses(board: Board, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = app_image.synthetic_base()  # sound, but of another project
    reason = "the image is refused; the log on UART0 says why"
    assert fails(capsys, board.port, write(tmp_path, data), *JOIN, *HERE) == f"AT+USEROTA: {reason}"
    assert fails(capsys, board.port, write(tmp_path, data), "--uart") == f"AT+USEROTAEND: {reason}"
    assert [slot for _, slot in board.boots] == ["ota_0"]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: b"no image at all" * 100, "not an application image"),
        (lambda data: data[:50_000], "the image is cut off"),
        (lambda data: data[:-1] + bytes((data[-1] ^ 1,)), "the image's SHA-256 does not match"),
        (lambda data: data.ljust(LARGEST_SLOT + 1, b"\0"), f"{LARGEST_SLOT + 1} bytes, but a slot has 4194304 at most"),
        (
            lambda data: data[:12] + struct.pack("<H", 18) + data[14:],
            "an image for chip 18; those known are esp32, esp32s3, esp32c3, esp32c6",
        ),
    ],
)
def test_a_file_that_is_no_image(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[bytes], bytes], reason: str
) -> None:
    path = write(tmp_path, spoil(image(NEW)))
    # Found before the port is looked at.
    assert fails(capsys, tmp_path / "no-port", path) == f"{path}: {reason}"


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No such file" in fails(capsys, tmp_path / "no-port", tmp_path / "no-image.bin")


def test_a_port_that_is_not_there(new_image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fails(capsys, "/dev/no-such-port", new_image).startswith("cannot open /dev/no-such-port: ")
    assert fails(capsys, "nonsense://port", new_image).startswith("cannot open nonsense://port: ")


def test_a_port_where_nobody_answers(
    new_image: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(at_line, "TRY_SECONDS", 0.1)
    master, slave = os.openpty()
    try:
        port = os.ttyname(slave)
        assert fails(capsys, port, new_image) == (f"no answer on {port}: is it the AT port, and the baud rate right?")
    finally:
        os.close(master)
        os.close(slave)


def test_the_address_on_the_way_to_the_board() -> None:
    assert file_server.address_towards("127.0.0.1") == "127.0.0.1"
