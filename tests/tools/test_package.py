"""The package: what it holds, that it is small, and that the same sources give the same bytes."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from littlefs import LittleFS, UserContext

from tools import interpreter, package


def read_filesystem(image: bytes) -> dict[str, bytes]:
    """All files of a littlefs, read with the geometry that its superblock tells."""
    assert image[8:16] == b"littlefs"
    version, block_size, blocks = struct.unpack_from("<III", image, 20)
    assert (version, block_size * blocks) == (0x00020000, len(image))
    littlefs = LittleFS(UserContext(buffsize=len(image)), mount=False, block_size=block_size, block_count=blocks)
    littlefs.context.buffer[:] = image
    littlefs.mount()
    found = {}
    for folder, _, names in littlefs.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with littlefs.open(path, "rb") as file:
                found[path] = file.read()
    return found


def test_content(tree: Path) -> None:
    files = read_filesystem(package.build_package(tree))
    assert sorted(files) == ["/firmware/__init__.mpy", "/firmware/app.mpy", "/firmware/version.mpy"]
    for content in files.values():
        assert content[:2] == b"M\x06"  # .mpy, version 6: MicroPython 1.25 and later
        assert content[3] == 31  # small integers have 31 bits, as on the ESP32


def test_names_in_tracebacks_do_not_depend_on_the_machine(tree: Path) -> None:
    files = read_filesystem(package.build_package(tree))
    assert b"firmware.app\0" in files["/firmware/app.mpy"]
    assert b"firmware\0" in files["/firmware/__init__.mpy"]
    assert str(tree).encode() not in b"".join(files.values())


def test_version(tree: Path) -> None:
    files = read_filesystem(package.build_package(tree, "1.2.3"))
    assert b"1.2.3" in files["/firmware/version.mpy"]
    assert b"0.0.0-dev" not in files["/firmware/version.mpy"]
    assert "0.0.0-dev" in (tree / package.VERSION_FILE).read_text()


def test_same_sources_same_bytes(tree: Path) -> None:
    assert package.build_package(tree, "1.2.3") == package.build_package(tree, "1.2.3")
    assert package.build_package(tree, "1.2.3") != package.build_package(tree, "1.2.4")


def test_as_small_as_fits(tree: Path) -> None:
    image = package.build_package(tree)
    files = {name.lstrip("/"): content for name, content in read_filesystem(image).items()}
    blocks = len(image) // package.PACKAGE_BLOCK
    with pytest.raises(package.PackageError, match="do not fit"):
        package.filesystem(files, blocks - 1, package.PACKAGE_BLOCK)


def test_subpackages(tree: Path) -> None:
    (tree / "firmware" / "deep" / "er").mkdir(parents=True)
    (tree / "firmware" / "deep" / "er" / "leaf.py").write_text("X = 1\n")
    assert "/firmware/deep/er/leaf.mpy" in read_filesystem(package.build_package(tree))


def test_a_mistake_is_named(tree: Path) -> None:
    (tree / "firmware" / "bad.py").write_text("def (:\n")
    with pytest.raises(package.PackageError, match=r"^firmware/bad\.py: SyntaxError"):
        package.build_package(tree)


def test_what_cannot_be_shrunk_is_named(tree: Path) -> None:
    (tree / "firmware" / "base.py").write_text("class Base:\n    def __init__(self):\n        self._one = 1\n")
    text = "from firmware.base import Base\n\n\nclass Leaf(Base):\n    def keep(self):\n        self._two = 2\n"
    (tree / "firmware" / "leaf.py").write_text(text)
    with pytest.raises(package.PackageError, match=r"^firmware/leaf\.py: class Leaf and its bases"):
        package.build_package(tree)


def test_the_sources_are_shrunk(tree: Path) -> None:
    (tree / "firmware" / "app.py").write_text("from micropython import const\n\nPORT = const(1234)\n_own = [PORT]\n")
    content = read_filesystem(package.build_package(tree))["/firmware/app.mpy"]
    assert b"PORT" not in content
    assert b"_own" not in content


def test_no_package(tmp_path: Path) -> None:
    with pytest.raises(package.PackageError, match="no Python files"):
        package.build_package(tmp_path)


@pytest.mark.parametrize("bits", [32, 64])
def test_the_interpreter_runs_it(tree: Path, tmp_path: Path, bits: int) -> None:
    for name, content in read_filesystem(package.build_package(tree, "1.2.3")).items():
        path = tmp_path / name.lstrip("/")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    command = [str(interpreter.find(bits)), "-c", "import firmware.app; firmware.app.main()"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "running 1.2.3 firmware/app.mpy\n"


def test_a_filesystem_of_sectors() -> None:
    image = package.filesystem({"boot.py": b"# boot\n", "lib/x.py": b"X = 1\n"}, 16)
    assert len(image) == 16 * 4096
    assert read_filesystem(image) == {"/boot.py": b"# boot\n", "/lib/x.py": b"X = 1\n"}


@pytest.mark.parametrize("count", [33, 59])
def test_where_littlefs_finds_no_room_for_a_name(count: int) -> None:
    with pytest.raises(package.PackageError, match=f"^{count} files do not fit into 4 blocks of 512 bytes$"):
        package.filesystem(
            {f"folder/module_{number:02d}.mpy": bytes(10) for number in range(count)}, 4, package.PACKAGE_BLOCK
        )
