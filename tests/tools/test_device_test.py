"""make device-test, with a simulated board in place of the real one: the scripts pass there too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.board import Board
from sim.wires import Wires
from tests.system.boards import flash_with
from tests.system.host import READY, Host
from tools import device_test, install
from tools.image import build_image
from tools.package import build_package

# Between the AT port and UART2, as loopback.py has them.
WIRES = ((17, 5), (16, 4))


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """A board whose firmware runs, as one has it that somebody connects."""
    with Board(tmp_path_factory.mktemp("board")) as board:
        host = Host(board.port)
        host.expect(READY, 30)
        host.close()
        yield board


def run(board: Board, *arguments: str) -> int:
    return device_test.main(["--port", board.console_port, *arguments])


@pytest.mark.timeout(300)
def test_all_scripts_pass(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    with Wires(board, *WIRES, uarts=True):
        assert run(board, "--ssid", "sim-ap", "--password", "sim-password") == 0
    printed = capsys.readouterr().out
    assert "\nfailed" not in printed
    assert "\nskipped" not in printed
    assert printed.splitlines()[-1] == f"{printed.count('passed  ')} passed, 0 failed, 0 skipped"
    assert {line[:-1] for line in printed.splitlines() if line.endswith(":")} >= {
        path.stem for path in device_test.scripts([])
    }


def test_the_board_is_as_before(board: Board) -> None:
    """Its stored settings, and that it starts."""
    host = Host(board.port)
    board.reset()
    host.read_until(READY, 30)
    host.command(b"ATE0", b"ATE0\r\n", b"\r\nOK\r\n")
    host.command(b"AT+CWMODE?", b"+CWMODE:0\r\n", b"\r\nOK\r\n")
    host.command(b"AT+CWJAP", b"\r\nERROR\r\n")
    host.close()


def test_without_wires_and_an_access_point_tests_are_skipped(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    board.network.drop()
    assert run(board, "loopback", "wifi") == 0
    board.network.restore()
    printed = capsys.readouterr().out
    assert "skipped everything: no wires GPIO17-GPIO5, GPIO16-GPIO4\n" in printed
    assert "skipped a_scan_finds_something: no access point in reach\n" in printed
    assert "skipped join_and_leave: no SSID given\n" in printed
    assert printed.splitlines()[-1] == "2 passed, 0 failed, 6 skipped"


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("async def bad(host):\n    assert 1 == 2, 'no'\nrun(bad)", ["failed  bad: AssertionError('no',)"]),
        ("1 / 0", ["failed  broken: the board says ZeroDivisionError: divide by zero"]),
        ("pass", ["failed  broken: the script did not come to its end"]),
    ],
)
def test_a_failure_is_told(
    board: Board,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: str,
    lines: list[str],
) -> None:
    (tmp_path / "broken.py").write_text(script)
    monkeypatch.setattr(device_test, "FOLDER", tmp_path)
    assert run(board) == 1
    printed = capsys.readouterr().out.splitlines()
    assert set(lines) <= set(printed), printed
    assert printed[-1] == "0 passed, 1 failed, 0 skipped"


def test_a_script_that_is_not_there(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(board, "nothing") == 2
    assert "nothing.py: there are basic, figures," in capsys.readouterr().err


def test_development_files_are_tested_where_they_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {path.removeprefix("/user/"): content for path, content in install.files(source=False).items()}
    files["development/image"] = build_image(build_package(), "0.0.0")[-32:].hex().encode()
    with Board(tmp_path, flash_image=flash_with(files)) as board:
        assert board.wait_for_console(b"development files run", 30)
        assert run(board, "basic") == 0
    assert "development files are tested, from /user/development\n" in capsys.readouterr().out


def test_a_port_that_is_no_console(capsys: pytest.CaptureFixture[str]) -> None:
    assert device_test.main(["--port", "/dev/null", "basic"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "0 passed, 1 failed, 0 skipped"
