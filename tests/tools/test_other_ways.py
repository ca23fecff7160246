"""The other ways onto a board: ``package.json`` for mpremote's mip, ``manifest.py`` for a build of one's own."""

from __future__ import annotations

import json
from pathlib import Path

from sim.board import Board
from sim.partitions import TABLE_ADDRESS, TYPE_APP, TYPE_DATA, Partition, build_table
from tests.system.host import ERROR, OK, READY, Host
from tools import app_image, package_json
from tools.package import ROOT, filesystem

# As in MicroPython's builds without OTA slots; the version that formatted vfs may have done so with smaller blocks.
PLAIN = (
    Partition(TYPE_DATA, 0x02, 0x9000, 0x6000, "nvs"),
    Partition(TYPE_DATA, 0x01, 0xF000, 0x1000, "phy_init"),
    Partition(TYPE_APP, 0x00, 0x10000, 0x1F0000, "factory"),
    Partition(TYPE_DATA, 0x81, 0x200000, 0x200000, "vfs"),
)


def test_package_json_names_the_files_of_the_firmware() -> None:
    assert (ROOT / "package.json").read_text() == package_json.content(), "run: python -m tools.package_json"


def test_what_mip_installs_runs_on_a_plain_build(tmp_path: Path) -> None:
    urls = json.loads((ROOT / "package.json").read_text())["urls"]
    files = {f"lib/{target}": (ROOT / url).read_bytes() for target, url in urls}
    files["main.py"] = (ROOT / "main.py").read_bytes()
    flash = bytearray(b"\xff") * 0x400000
    for address, content in (
        (TABLE_ADDRESS, build_table(PLAIN)),
        (PLAIN[2].address, app_image.synthetic_base()),
        (PLAIN[3].address, filesystem(files, PLAIN[3].size // 4096)),
    ):
        flash[address : address + len(content)] = content
    with Board(tmp_path / "board", flash_image=bytes(flash)) as board:
        host = Host(board.port)
        host.expect(READY, 30)
        host.command(b"AT", b"AT\r\n", OK)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        # There is no slot to go back to.
        host.command(b"AT+SYSROLLBACK", ERROR)
        host.close()


def test_the_manifest_freezes_the_firmware_and_main() -> None:
    called: list[tuple[str, str]] = []

    def note(kind: str) -> object:
        return lambda name, **options: called.append((kind, name))

    names = {kind: note(kind) for kind in ("include", "package", "module")}
    exec((ROOT / "manifest.py").read_text(), names)
    assert called == [
        ("include", "$(PORT_DIR)/boards/manifest.py"),
        ("package", "firmware"),
        ("module", "main.py"),
    ]
