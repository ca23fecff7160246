"""Puts the working tree's firmware on a board for development, over USB, and takes it away again.

The files go to ``/user/development``, compiled as in the package, or as they are with ``--source``. Only what has
changed is sent. The file ``image``, which names the image that they are installed over and makes them run, is taken
away first and written last: after a power cut the package in the slot runs. boot.py and main.py are renewed where they
differ.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Sequence
from pathlib import PurePosixPath

from tools import ports, version
from tools.image import VFS_FILES
from tools.package import ROOT, PackageError, bytecode, bytecode_version, sources
from tools.ports import PortError
from tools.repl import Repl, ReplError

FOLDER = "/user/development"
MARKS = ("image", "failed", "started")
SECTOR = 4096
START_SECONDS = 15.0
# Files that fail do so within this time, as a rule.
PROOF_SECONDS = 5.0
TOLD = "at: development files"
RUN = "at: development files run"

# Run on the board. ``tree`` gives the digests of all files below a folder.
FUNCTIONS = """
import hashlib, os
from binascii import hexlify

def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while True:
            b = f.read(512)
            if not b:
                return hexlify(h.digest()).decode()
            h.update(b)

def tree(folder, found):
    try:
        entries = list(os.ilistdir(folder))
    except OSError:
        return found
    for e in entries:
        path = folder + "/" + e[0]
        if e[1] == 0x4000:
            tree(path, found)
        else:
            found[path] = digest(path)
    return found

def clear(folder):
    try:
        entries = list(os.ilistdir(folder))
    except OSError:
        return
    for e in entries:
        path = folder + "/" + e[0]
        if e[1] == 0x4000:
            clear(path)
        else:
            os.remove(path)
    os.rmdir(folder)
"""


class InstallError(Exception):
    """Why nothing was installed, in one line."""


def files(source: bool) -> dict[str, bytes]:
    """The working tree's firmware by path on the board."""
    current = version.current()
    found = (
        {name: text.encode() for name, text in sources(version=current).items()}
        if source
        else bytecode(version=current)
    )
    return {f"{FOLDER}/{name}": content for name, content in found.items()}


def look(board: Repl, source: bool) -> tuple[str, bool]:
    """The digest of the image that runs, and whether the package lies in its slot. Raises InstallError."""
    if board.ask("__import__('sys').implementation[0]") != "micropython":
        raise InstallError("this is no MicroPython")
    loads = board.ask("getattr(__import__('sys').implementation, '_mpy', 0) & 0xff")
    if not source and loads != bytecode_version():
        raise InstallError(
            f"the board loads bytecode of version {loads}, mpy-cross makes {bytecode_version()}: SOURCE=1"
        )
    try:
        board.run(
            "from firmware.development import running_digest\nfrom firmware.user_partition import mount_user_partition"
        )
    except ReplError as error:
        raise InstallError(f"no firmware that takes development files on this board ({error}): make flash") from error
    if not board.ask("mount_user_partition()"):
        raise InstallError("this board has no partition user, or it is broken: make flash")
    return str(board.ask("running_digest()")), bool(board.ask("__import__('firmware').__file__.startswith('/slot/')"))


def install(board: Repl, wanted: dict[str, bytes], image: str, renew: bool) -> str:
    """Bring the board's files up to date; what was done."""
    board.run(FUNCTIONS)
    present: dict[str, str] = board.ask(f"tree({FOLDER!r}, {{}})")
    for mark in MARKS:
        if f"{FOLDER}/{mark}" in present:
            board.run(f"os.remove({f'{FOLDER}/{mark}'!r})")
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in wanted.items()}
    surplus = [path for path in present if path not in wanted and path.removeprefix(f"{FOLDER}/") not in MARKS]
    for path in surplus:
        board.run(f"os.remove({path!r})")
    changed = {path: content for path, content in wanted.items() if present.get(path) != digests[path]}
    check_room(board, changed)
    for folder in sorted({str(parent) for path in wanted for parent in PurePosixPath(path).parents} - {"/", "/user"}):
        board.run(f"try:\n os.mkdir({folder!r})\nexcept OSError:\n pass")
    for path, content in changed.items():
        board.write(path, content)
    scripts = renewed(board) if renew else []
    board.write(f"{FOLDER}/image", image.encode())
    told = [f"{len(changed)} of {len(wanted)} files sent, {len(surplus)} taken away"]
    return "; ".join(told + [f"{name} renewed" for name in scripts])


def check_room(board: Repl, changed: dict[str, bytes]) -> None:
    """Raise InstallError if ``user`` has no room for files and folders; each takes whole sectors."""
    needed = sum(-(-len(content) // SECTOR) for content in changed.values()) + 8
    free = int(board.ask("os.statvfs('/user')[3]"))
    if needed > free:
        raise InstallError(f"the files take {needed * 4} KB, the partition user has {free * 4} KB free")


def renewed(board: Repl) -> list[str]:
    """Renew boot.py and main.py where they differ; those that were."""
    changed = []
    for name in VFS_FILES:
        content = (ROOT / name).read_bytes()
        there = board.ask(f"{name!r} in os.listdir('/') and digest({'/' + name!r})")
        if there != hashlib.sha256(content).hexdigest():
            board.write(f"/{name}", content)
            changed.append(name)
    return changed


def wait_for_word(board: Repl) -> str:
    """Restart the board; the last that its log says of development files, empty if it says nothing."""
    board.reset()
    word = ""
    deadline = time.monotonic() + START_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        line = board.read_line(left)
        if not line.startswith(TOLD):
            continue
        word = line
        if not word.startswith(RUN):
            break
        deadline = time.monotonic() + PROOF_SECONDS
    return word


def run_install(port: str, source: bool) -> str:
    """The whole course; what to tell at the end."""
    wanted = files(source)
    board = Repl(port)
    try:
        image, renew = look(board, source)
        done = install(board, wanted, image, renew)
        word = wait_for_word(board)
    finally:
        board.close()
    if word and not word.startswith(RUN):
        raise InstallError(word.removeprefix("at: "))
    state = "they run, AT+GMR says so" if word else "the board's log cannot be read, AT+GMR tells whether they run"
    return f"{done}; {state}; make uninstall ends it"


def run_uninstall(port: str) -> str:
    """Take the files away; what to tell at the end."""
    board = Repl(port)
    try:
        try:
            board.run("from firmware.user_partition import mount_user_partition\nmount_user_partition()")
        except ReplError as error:
            raise InstallError(f"no firmware that takes development files on this board ({error})") from error
        board.run(FUNCTIONS)
        present = board.ask(f"tree({FOLDER!r}, {{}})")
        board.run(f"try:\n os.remove({FOLDER + '/image'!r})\nexcept OSError:\n pass\nclear({FOLDER!r})")
        board.reset()
    finally:
        board.close()
    return f"{len(present)} files taken away: the slot's package runs" if present else "no development files were there"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.install", description="Run the working tree on a board.")
    parser.add_argument(
        "--port", help="the board's console: a device, or any URL that pyserial takes; found if only one"
    )
    parser.add_argument("--source", action="store_true", help="install the sources, for line numbers in tracebacks")
    parser.add_argument("--uninstall", action="store_true", help="take development files away")
    options = parser.parse_args(arguments)
    try:
        port = ports.find(options.port)
        print(run_uninstall(port) if options.uninstall else run_install(port, options.source))
    except (PortError, ReplError, InstallError, PackageError) as error:
        print(f"not {'un' if options.uninstall else ''}installed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
