"""Images to upgrade to, good and bad, and the host's part of an upgrade."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import struct
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from sim.board import Board
from sim.flash import Slot
from sim.models import ESP32C3
from tests.system.host import OK, PROMPT, READY, Host
from tools import app_image, micropython_build
from tools.image import SLOT_SIZE, build_image
from tools.package import ROOT, build_package

BASE_VARIABLE = "MICROPYTHON_IMAGE"
JOINED = b"WIFI CONNECTED\r\nWIFI GOT IP\r\n"
HASH_SIZE = 32
UPGRADE_PATIENCE = 60.0
RESTART_PATIENCE = 20.0


@functools.cache
def official_base() -> micropython_build.Build | None:
    """The MicroPython build that the environment names, None without one."""
    name = os.environ.get(BASE_VARIABLE)
    return micropython_build.read(Path(name).read_bytes()) if name else None


@functools.cache
def image(version: str, official: bool = False) -> bytes:
    """This tree's firmware with another version."""
    return build_image(build_package(version=version), version, official_base() if official else None)


def image_with(version: str, sources: Mapping[str, str]) -> bytes:
    """This tree's firmware with other source files (path: text)."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(ROOT / "firmware", root / "firmware", ignore=shutil.ignore_patterns("__pycache__"))
        for name, text in sources.items():
            (root / name).write_text(text)
        return build_image(build_package(root, version), version)


def for_another_chip(data: bytes) -> bytes:
    """The image, sound but for the ESP32-C3."""
    parsed = app_image.parse(data)
    header = bytearray(parsed.header)
    struct.pack_into("<H", header, app_image.CHIP_OFFSET, ESP32C3.number)
    return app_image.assemble(bytes(header), [(part.load_address, part.data) for part in parsed.segments])


def of_project(data: bytes, project: str, version: str = "2.0.0") -> bytes:
    """The image, sound but for another project and version in its descriptor."""
    parsed = app_image.parse(data)
    segments = [(part.load_address, part.data) for part in parsed.segments]
    place = next(number for number, part in enumerate(parsed.segments) if part is parsed.descriptor)
    address, old = segments[place]
    names = struct.pack("<32s32s", version.encode(), project.encode())
    segments[place] = (address, old[:16] + names + old[80:])
    return app_image.assemble(parsed.header, segments)


def enlarged(data: bytes, more: int) -> bytes:
    """The image with one more segment, of so many bytes (a multiple of 4)."""
    parsed = app_image.parse(data)
    segments = [(part.load_address, part.data) for part in parsed.segments]
    return app_image.assemble(parsed.header, [*segments, (0, bytes(more))])


def too_large(data: bytes) -> bytes:
    """The image with more than fits into a slot."""
    return enlarged(data, SLOT_SIZE)


def flipped(data: bytes, offset: int) -> bytes:
    """The image with one bit changed."""
    changed = bytearray(data)
    changed[offset] ^= 0x10
    return bytes(changed)


def with_wrong_checksum(data: bytes) -> bytes:
    """The image with another checksum, and a digest that fits that."""
    changed = flipped(data, len(data) - HASH_SIZE - 1)[:-HASH_SIZE]
    return changed + hashlib.sha256(changed).digest()


def join(host: Host, ssid: bytes, password: bytes) -> None:
    """Join the access point, unless the module is on the network; nothing of it is stored."""
    if not host.answer(b"AT+CWSTATE?").startswith(b"+CWSTATE:2,"):
        host.command(b"AT+CWMODE=1,0")
        host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)


def version(host: Host) -> str:
    """What AT+GMR says (echo off)."""
    answer = host.answer(b"AT+GMR").split(b"\r\n")
    (line,) = (line for line in answer if line.startswith(b"Bin version:"))
    return line[12:].partition(b"(")[0].decode()


def send_url(host: Host, url: str) -> None:
    """Begin an upgrade: up to the word that the URL has arrived."""
    data = url.encode()
    host.command(b"AT+USEROTA=%d" % len(data), PROMPT)
    host.write(data)
    host.expect(b"\r\nRecv %d bytes\r\n" % len(data))


def wait_for_progress(host: Host, count: int, patience: float = UPGRADE_PATIENCE) -> None:
    """Wait until so many bytes of a download have arrived and been written."""
    received = 0
    deadline = time.monotonic() + patience
    while received < count:
        assert time.monotonic() < deadline, f"only {received} bytes have arrived"
        state = host.answer(b"AT+USEROTA?")
        assert state.startswith(b"+USEROTA:1,"), state
        received = int(state.split(b",")[1])
        # The question is served between two pieces of the download: leave it time for these.
        time.sleep(0.05)


def after_restart(host: Host) -> None:
    """From the module's ready to its connection, and echo off."""
    host.expect(READY, RESTART_PATIENCE)
    host.expect(JOINED, RESTART_PATIENCE)
    host.command(b"ATE0", b"ATE0\r\n", OK)


def upgrade(host: Host, url: str) -> None:
    """An upgrade that works, from a module with echo off and on a network to the new one in the same state."""
    send_url(host, url)
    host.expect(OK, UPGRADE_PATIENCE)
    after_restart(host)


def running(board: Board) -> Slot:
    """The slot that runs."""
    return next(slot for slot in board.flash.slots() if slot.running)


def boot_slot(board: Board) -> str:
    """The label of the slot that a restart would start."""
    return next(slot.label for slot in board.flash.slots() if slot.boot)
