"""``make install`` and ``make uninstall`` on a simulated board, over its console's tty and over TCP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from littlefs import LittleFS, UserContext

from sim.board import Board
from sim.images import firmware_flash
from tests.system.bridge import Bridge
from tests.system.host import OK, READY, Host
from tests.system.test_development import GMR_LINE
from tools import install, package
from tools.flash_layout import BOARD
from tools.image import build_flash, build_image
from tools.package import SECTOR, filesystem, smallest_filesystem

SMALL = {
    "firmware/__init__.py": "",
    "firmware/version.py": "VERSION = '1.2.3'\n",
    "firmware/app.py": """\
import time

def main():
    print("this tree runs: 1")
    while True:
        time.sleep(1)
""",
}
# Before boot.py had a version.
OLD_BOOT = (package.ROOT / "boot.py").read_bytes().partition(b"\n")[2]


@pytest.fixture(autouse=True)
def tree(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The working tree's sources: a firmware that is quickly installed; a test may change it."""
    sources = dict(SMALL)
    monkeypatch.setattr(install, "bytecode", lambda version: compiled(sources))
    monkeypatch.setattr(install, "sources", lambda version: sources)
    monkeypatch.setattr(install, "PROOF_SECONDS", 0.2)
    return sources


def compiled(sources: dict[str, str]) -> dict[str, bytes]:
    return {f"{name[:-3]}.mpy": package.compile_module(name, text) for name, text in sources.items()}


@pytest.fixture(scope="module")
def powered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Board, Host]]:
    """A board and the host at its AT port."""
    with Board(tmp_path_factory.mktemp("board")) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        yield board, host
        host.close()


@pytest.fixture
def board(powered: tuple[Board, Host]) -> Board:
    """The board, as new: the package runs."""
    board, host = powered
    board.power_cut()
    partition = board.flash.partition("user")
    board.flash.erase(partition.address, partition.size)
    host.clear()
    board.power_on()
    host.expect(READY, 20)
    return board


def run(capsys: pytest.CaptureFixture[str], port: str, *options: str) -> tuple[int, str]:
    """The tool's exit code and what it says."""
    code = install.main(["--port", port, *options])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def files_in(board: Board, label: str) -> dict[str, bytes]:
    """All files of a filesystem to which the board may have written."""
    partition = board.flash.partition(label)
    context = UserContext(partition.size)
    context.buffer[:] = board.flash.read(partition.address, partition.size)
    littlefs = LittleFS(context, block_size=SECTOR, block_count=partition.size // SECTOR)
    found = {}
    for folder, _, names in littlefs.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with littlefs.open(path, "rb") as file:
                found[path] = file.read()
    return found


def done(sent: int, of: int, removed: int = 0) -> tuple[int, str]:
    said = f"{sent} of {of} files sent, {removed} taken away; they run, AT+GMR says so; make uninstall ends it\n"
    return 0, said


def test_from_install_to_uninstall(
    powered: tuple[Board, Host], board: Board, capsys: pytest.CaptureFixture[str], tree: dict[str, str]
) -> None:
    assert run(capsys, board.console_port) == done(3, 3)
    assert board.wait_for_console(b"this tree runs: 1")
    assert {name for name in files_in(board, "user") if name.endswith(".mpy")} == {
        f"/development/{name}" for name in compiled(tree)
    }
    # Only what has changed, been added, or been taken away.
    tree["firmware/app.py"] = tree["firmware/app.py"].replace("runs: 1", "runs: 2")
    assert run(capsys, board.console_port) == done(1, 3)
    assert board.wait_for_console(b"this tree runs: 2")
    tree["firmware/deep/leaf.py"] = "X = 1\n"
    assert run(capsys, board.console_port) == done(1, 4)
    del tree["firmware/deep/leaf.py"]
    assert run(capsys, board.console_port) == done(0, 3, removed=1)
    assert run(capsys, board.console_port, "--source") == done(3, 3, removed=3)
    assert files_in(board, "user")["/development/firmware/app.py"] == tree["firmware/app.py"].encode()
    host = powered[1]
    host.clear()
    assert run(capsys, board.console_port, "--uninstall") == (0, "5 files taken away: the slot's package runs\n")
    host.expect(READY, 20)
    assert files_in(board, "user") == {}
    assert run(capsys, board.console_port, "--uninstall") == (0, "no development files were there\n")


def test_over_tcp(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    with Bridge(board.console_port) as bridge:
        assert run(capsys, bridge.url) == done(3, 3)


def test_files_that_fail_are_told(
    board: Board, capsys: pytest.CaptureFixture[str], tree: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = dict(tree)
    monkeypatch.setattr(install, "PROOF_SECONDS", 20.0)
    tree["firmware/app.py"] = "import no_such_module\n"
    assert run(capsys, board.console_port) == (
        1,
        "not installed: development files are off until the next make install: they ended with an exception\n",
    )
    tree.update(good)
    monkeypatch.setattr(install, "PROOF_SECONDS", 0.2)
    assert run(capsys, board.console_port) == done(1, 3)


def old_vfs() -> bytes:
    """A filesystem with another boot.py."""
    main = (package.ROOT / "main.py").read_bytes()
    return filesystem({"boot.py": OLD_BOOT, "main.py": main}, BOARD.partition("vfs").size // SECTOR)


def started(board: Board, host: Host, begin: int) -> bool:
    """Wait until the files that were installed run, or the firmware in the slot has said ready."""
    said = b""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        said += host.read(len(READY), 0.05)
        if said == READY or board.wait_for_console(b"this tree runs: 1", 0, begin):
            return True
    return False


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("operation", [3, 12, *(pytest.param(n, marks=pytest.mark.full) for n in range(4, 48, 3))])
def test_a_power_cut_leaves_a_board_that_starts(
    powered: tuple[Board, Host],
    board: Board,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    operation: int,
    torn: bool,
) -> None:
    """Cut at one of the operations of the flash: the files run whole or not at all, and so do boot.py and main.py. With
    the power the console goes away, as the USB of a chip that has its own.
    """
    host = powered[1]
    board.power_cut()
    vfs = board.flash.partition("vfs")
    board.flash.erase(vfs.address, vfs.size)
    board.flash.write(vfs.address, old_vfs())
    board.power_on()
    host.expect(READY, 20)
    cut = board.flash.on_power_cut
    assert cut
    with Bridge(board.console_port) as bridge, monkeypatch.context() as until_cut:

        def cut_both() -> None:
            cut()
            bridge.hang_up()

        until_cut.setattr(board.flash, "on_power_cut", cut_both)
        board.flash.cut_after(operation, torn)
        code, _ = run(capsys, bridge.url)
        board.flash.cut_after(None)
    if code == 0:
        return  # there are fewer operations
    begin = len(board.console)
    board.power_on()
    assert started(board, host, begin)
    boot_py = files_in(board, "vfs")
    assert boot_py.pop("/main.py") == (package.ROOT / "main.py").read_bytes()
    assert boot_py["/boot.py"] in (OLD_BOOT, (package.ROOT / "boot.py").read_bytes())
    assert run(capsys, board.console_port)[0] == 0
    assert board.wait_for_console(b"this tree runs: 1", start=begin)


def test_boot_py_and_main_py_are_renewed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boot, main = ((package.ROOT / name).read_bytes() for name in ("boot.py", "main.py"))
    slot = BOARD.partition("ota_0")
    vfs = {"boot.py": OLD_BOOT, "main.py": main}
    old = build_flash(firmware_flash()[slot.address : slot.end], vfs_files=vfs)
    with Board(tmp_path / "board", flash_image=old) as board:
        assert board.wait_for_console(b"boot.py is version 0, not 1: make flash or make install renews it")
        assert run(capsys, board.console_port) == (
            0,
            done(3, 3)[1].replace("; they", "; boot.py renewed; they"),
        )
        assert files_in(board, "vfs") == {"/boot.py": boot, "/main.py": main}
        assert board.console.count(b"boot.py is version 0") == 1


def test_a_board_without_the_firmware(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flash = build_flash(build_image(smallest_filesystem({}), "0.0.0"), vfs_files={})
    with Board(tmp_path / "board", flash_image=flash) as board:
        assert board.wait_for_console(b">>> ")
        assert run(capsys, board.console_port) == (
            1,
            "not installed: no firmware that takes development files on this board "
            "(the board says ImportError: no module named 'firmware'): make flash\n",
        )


def test_a_port_where_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "/dev/no-such-port") == (
        1,
        "not installed: cannot open /dev/no-such-port: [Errno 2] could not open port /dev/no-such-port: "
        "[Errno 2] No such file or directory: '/dev/no-such-port'\n",
    )


@pytest.mark.full
def test_the_whole_tree(powered: tuple[Board, Host], board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    host = powered[1]
    assert install.main(["--port", board.console_port]) == 0
    host.expect(READY, 20)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    assert host.answer(b"AT+GMR").endswith(GMR_LINE + OK)
