"""boot.py and main.py in the interpreter, over a slot and a machine of the test's own."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tests.tools.images import FlashedBase, make_descriptor, make_image
from tools import image, interpreter, micropython_build, package

SLOT_SIZE = 0x180000
BITS = pytest.mark.parametrize("bits", [32, 64])

# The modules of the ESP32 that boot.py and main.py use, and what MicroPython does after reset.
BOARD = """
import sys, vfs

class Partition:
    RUNNING = 1

    def __init__(self, which):
        self.file = open("slot.bin", "rb")

    def info(self):
        return (0, 16, 0x10000, 0x180000, "ota_0", False)

    def readblocks(self, block, buffer, offset=0):
        place = block * 4096 + offset
        if place + len(buffer) > 0x180000:
            raise OSError(-260, "ESP_ERR_INVALID_SIZE")
        self.file.seek(place)
        self.file.readinto(buffer)

class Module:
    pass

esp32 = Module()
esp32.Partition = Partition
machine = Module()
machine.reset = lambda: print("RESET")
watchdog = []
machine.WDT = lambda timeout: watchdog.append(timeout)
sys.modules["esp32"] = esp32
sys.modules["machine"] = machine
time = Module()
time.sleep = lambda seconds: print("PAUSE", seconds)
sys.modules["time"] = time
sys.path[:] = [""]
"""
RUN = "exec(open({!r}).read())\n"


def run(folder: Path, slot: bytes, code: str, bits: int = 64) -> str:
    """Run ``code`` after the stand-ins, with ``slot`` as the running slot; what it printed."""
    (folder / "slot.bin").write_bytes(slot.ljust(SLOT_SIZE, b"\xff"))
    (folder / "start.py").write_text(BOARD + code)
    for name in ("boot.py", "main.py"):
        shutil.copy(package.ROOT / name, folder)
    done = subprocess.run([interpreter.find(bits), "start.py"], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_board(folder: Path, slot: bytes, bits: int = 64) -> str:
    return run(folder, slot, RUN.format("boot.py") + RUN.format("main.py"), bits)


def aligned(payload: bytes, before: int = 0) -> list[tuple[int, bytes]]:
    """A padding segment and one with ``payload`` at a multiple of 4096, behind ``before`` bytes of the image."""
    return [(0, bytes(4096 - before - 24 - 16)), (0, payload)]


@BITS
def test_the_package_runs_from_the_slot(tree: Path, tmp_path: Path, bits: int) -> None:
    slot = image.build_image(package.build_package(tree, "1.2.3"), "1.2.3")
    assert run_board(tmp_path, slot, bits) == "running 1.2.3 /slot/firmware/app.mpy\n"


@BITS
def test_on_an_official_base(tree: Path, tmp_path: Path, official: FlashedBase, bits: int) -> None:
    slot = image.build_image(package.build_package(tree, "4.5.6"), "4.5.6", micropython_build.read(official.data))
    assert run_board(tmp_path, slot, bits) == "running 4.5.6 /slot/firmware/app.mpy\n"


def test_the_slot_comes_before_everything_else_on_the_path(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware" / "app.py").write_text("def main():\n    print('the wrong one')\n")
    slot = image.build_image(package.build_package(tree, "1"), "1")
    assert run_board(tmp_path, slot).startswith("running 1 ")


def test_a_package_with_blocks_of_a_sector(tree: Path, tmp_path: Path) -> None:
    files = {"firmware/app.mpy": package.compile_module("firmware/app.py", "def main(): print('sectors')")}
    slot = image.build_image(package.smallest_filesystem(files, 4096), "1")
    assert run_board(tmp_path, slot) == "sectors\n"


def test_a_littlefs_behind_padding_in_the_same_segment(tree: Path, tmp_path: Path) -> None:
    padded = bytes(4096 - 32) + package.build_package(tree, "1")
    assert run_board(tmp_path, make_image([(0, padded)])).startswith("running 1 ")


def test_the_package_cannot_be_written_to(tree: Path, tmp_path: Path) -> None:
    slot = image.build_image(package.build_package(tree), "1")
    writes = """
import os
create, remove = lambda: open("/slot/new", "w"), lambda: os.remove("/slot/firmware/app.mpy")
for action in (create, remove, lambda: os.mkdir("/slot/x")):
    try:
        action()
    except OSError as error:
        print(error.errno)
print(os.listdir("/slot"))
"""
    assert run(tmp_path, slot, RUN.format("boot.py") + writes) == "30\n30\n30\n['firmware']\n"


def test_a_start_reads_each_piece_of_the_flash_about_once(tmp_path: Path) -> None:
    """Each read stops both cores. Every third module of this package is looked for and read as an import does."""
    names = sorted(Path(name).stem for name in package.bytecode())[::3]
    loading = """
import os
reads = 0
read = Partition.readblocks

def counted(self, *arguments):
    global reads
    reads += 1
    read(self, *arguments)

Partition.readblocks = counted
size = 0
for name in NAMES:
    for ending in ("", ".py", ".mpy"):
        try:
            os.stat("/slot/firmware/" + name + ending)
        except OSError:
            continue
    size += len(open("/slot/firmware/" + name + ".mpy", "rb").read())
print(reads, size)
"""
    slot = image.build_image(package.build_package(), "1")
    printed = run(tmp_path, slot, RUN.format("boot.py") + loading.replace("NAMES", repr(names)))
    reads, size = map(int, printed.split())
    assert len(names) > 25
    assert reads < 2 * size // 512


NO_PACKAGE = "boot: no package in ota_0"
NO_FIRMWARE = "ImportError: no module named 'firmware'"
RESTART = ["main: restart in 5 s, Ctrl-C for the REPL", "PAUSE 5", "RESET"]


def lying(payload: bytes, block_size: int, blocks: int) -> bytes:
    """A package whose superblock tells another geometry."""
    return payload[:24] + struct.pack("<II", block_size, blocks) + payload[32:]


EMPTY = package.filesystem({}, 2)
WITHOUT_PACKAGE = {
    "erased": b"",
    "zeros": bytes(4096),
    "no padding segment": make_image([(0x3F400020, make_descriptor())]),
    "padding only": make_image(aligned(b"not a littlefs".ljust(4096, b"\0"))),
    "segment ends in the superblock": make_image(aligned(bytes(8) + b"littlefs")),
    "no blocks": make_image(aligned(lying(EMPTY, 0, 0))),
    "littlefs larger than its segment": make_image(aligned(lying(EMPTY, 4096, 3))),
    "littlefs in a segment that is loaded": make_image([(0x40080000, bytes(4096 - 32)), (0x40080000, EMPTY)]),
    "no segments": make_image([]),
}
NOT_MOUNTABLE = {
    "segment past the end of the slot": b"\xe9\x0f" + bytes(22) + struct.pack("<II", 0x40080000, 0x7FFFFFF0),
    "cut off": make_image(aligned(EMPTY[:40].ljust(len(EMPTY), b"\xff"))),
}


@pytest.mark.parametrize("what", WITHOUT_PACKAGE)
def test_a_slot_without_a_package_is_left_by_a_restart(tmp_path: Path, what: str) -> None:
    lines = run_board(tmp_path, WITHOUT_PACKAGE[what]).splitlines()
    assert lines[0] == NO_PACKAGE
    assert lines[-4:] == [NO_FIRMWARE, *RESTART]


@pytest.mark.parametrize("what", NOT_MOUNTABLE)
def test_boot_never_raises(tmp_path: Path, what: str) -> None:
    lines = run_board(tmp_path, NOT_MOUNTABLE[what]).splitlines()
    assert lines[0].startswith("boot: the package cannot be mounted: ")
    assert lines[-4:] == [NO_FIRMWARE, *RESTART]


def failing_slot(app: str) -> bytes:
    files = {"firmware/app.mpy": package.compile_module("firmware/app.py", app)}
    return image.build_image(package.smallest_filesystem(files), "1")


@pytest.mark.parametrize(
    ("app", "line"),
    [
        ("def main(): raise ValueError('broken')", "ValueError: broken"),
        ("def main(): bytearray(1 << 29)", "MemoryError: memory allocation failed, allocating 536870912 bytes"),
        ("import missing", "ImportError: no module named 'missing'"),
        ("x = 1", "AttributeError: 'module' object has no attribute 'main'"),
    ],
)
def test_a_firmware_that_fails_is_started_again_after_a_pause(tmp_path: Path, app: str, line: str) -> None:
    lines = run_board(tmp_path, failing_slot(app)).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-4:] == [line, *RESTART]


@pytest.mark.parametrize("kind", ["KeyboardInterrupt", "SystemExit"])
def test_ctrl_c_and_soft_reset_are_left_to_micropython(tmp_path: Path, kind: str) -> None:
    code = f"try:\n    exec(open('main.py').read())\nexcept {kind}:\n    print('left, watchdog', watchdog)\n"
    printed = run(tmp_path, failing_slot(f"def main(): raise {kind}"), RUN.format("boot.py") + code)
    assert printed == "left, watchdog [30000, 1073741823]\n"
