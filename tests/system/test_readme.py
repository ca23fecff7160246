"""What README.md and docs/upgrade.md show is what a board answers."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sim.board import Board
from tests.system.conftest import START_PATIENCE, MakeBoard
from tests.system.host import ERROR, OK, READY, Host
from tests.system.http_server import HttpServer
from tools import upgrade
from tools.image import build_image
from tools.package import build_package

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
FIRST, WOKEN, UPGRADE = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
(OWN_COMMAND,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
(SIGNING,) = re.findall(r"```sh\n(\.venv/bin/espsecure .*?)```", (ROOT / "docs" / "upgrade.md").read_text(), re.DOTALL)
URL = "http://127.0.0.1:8000/esp-at-1.1.0.bin"


def play(host: Host, transcript: str) -> None:
    """Type what a person types in a transcript, and expect all that the terminal shows, echo included."""
    for line in transcript.splitlines(keepends=True):
        shown = line.replace("\n", "\r\n").encode()
        if line.startswith("AT"):
            host.write(shown)
            host.expect(shown)
        elif line.startswith(">"):
            host.expect(b">")
            host.write(shown[1:].rstrip(b"\r\n"))
            host.expect(b"\r\n")
        else:
            host.expect(shown)


def wait_for(condition: Callable[[], bool], patience: float = 5.0) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def terminal(make_board: MakeBoard) -> Iterator[tuple[Board, Host]]:
    with make_board(user_files={"commands.py": OWN_COMMAND.encode()}) as board:
        host = Host(board.port)
        host.expect(READY, START_PATIENCE)
        yield board, host
        host.close()


def test_the_transcripts(terminal: tuple[Board, Host]) -> None:
    board, host = terminal
    play(host, FIRST)
    assert board.pins.level(18) == 0
    board.network.drop()
    wait_for(lambda: board.pins.level(18) == 1)
    play(host, WOKEN)
    assert board.pins.level(18) == 0
    board.network.restore()
    host.expect(b"WIFI CONNECTED\r\nWIFI GOT IP\r\n")
    assert f"AT+USEROTA={len(URL)}\n" in UPGRADE
    with HttpServer() as server:
        server.files["/esp-at-1.1.0.bin"] = build_image(build_package(version="1.1.0"), "1.1.0")
        url = server.url("/esp-at-1.1.0.bin")
        # The lengths first: a port's number may look like one.
        play(host, UPGRADE.replace(str(len(URL)), str(len(url))).replace(URL, url))
    host.expect(b"WIFI CONNECTED\r\nWIFI GOT IP\r\n")
    host.send(b"AT+GMR")
    assert b"Bin version:1.1.0(" in host.read_answer()


def test_the_own_command(terminal: tuple[Board, Host]) -> None:
    _, host = terminal
    play(host, "ATE0\n")
    host.expect(OK)
    for line, answer in (
        (b"AT+ADD=1,2", b"+ADD:3\r\n" + OK),
        (b"AT+ADD=1", ERROR),
        (b"AT+ADD=?", b"+ADD:(0-1000),(0-1000)\r\n" + OK),
    ):
        host.send(line)
        host.expect(answer)


def test_signed_images(make_board: MakeBoard, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unsigned = tmp_path / "build" / "esp-at-1.1.0.bin"
    unsigned.parent.mkdir()
    unsigned.write_bytes(build_image(build_package(version="1.1.0"), "1.1.0"))
    for line in SIGNING.splitlines()[:3]:
        program, *arguments = shlex.split(line)
        assert program == ".venv/bin/espsecure"
        subprocess.run([sys.executable, "-m", "espsecure", *arguments], cwd=tmp_path, check=True, capture_output=True)
    ((source, target),) = re.findall(r" cp (\S+) :/user/(\S+)", SIGNING)
    with make_board(user_files={target: (tmp_path / source).read_bytes()}) as board:
        assert upgrade.main([board.port, str(unsigned), "--uart"]) == 1
        assert "the image is refused" in capsys.readouterr().err
        assert upgrade.main([board.port, str(tmp_path / "signed.bin"), "--uart"]) == 0
