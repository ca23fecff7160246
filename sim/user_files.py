"""Files in the ``user`` partition of a board that is off."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from littlefs import LittleFS, UserContext
from littlefs.errors import LittleFSError

from sim.control import ControlError
from sim.flash import SECTOR, Flash
from sim.partitions import TableError

LABEL = "user"
DISK_VERSION = 0x00020000  # what MicroPython's ESP32 port writes


def put(flash: Flash, source: str, path: str) -> str:
    """Copy the file ``source`` to ``path`` (absolute, as the firmware sees it below /user)."""
    try:
        data = Path(source).read_bytes()
        partition = flash.partition(LABEL)
    except OSError as error:
        raise ControlError(str(error)) from error
    except (KeyError, TableError) as error:
        raise ControlError("this flash has no user partition") from error
    target = PurePosixPath("/") / path
    if target.is_relative_to(f"/{LABEL}"):
        target = PurePosixPath("/") / target.relative_to(f"/{LABEL}")
    context = UserContext(partition.size)
    context.buffer[:] = flash.read(partition.address, partition.size)
    try:
        filesystem = _mount(context, partition.size)
        filesystem.makedirs(str(target.parent), exist_ok=True)
        with filesystem.open(str(target), "wb") as file:
            file.write(data)
        filesystem.unmount()
    except (LittleFSError, OSError) as error:
        raise ControlError(f"{target} cannot be written: {error}") from error
    for start in range(0, partition.size, SECTOR):
        _store(flash, partition.address + start, bytes(context.buffer[start : start + SECTOR]))
    return f"{len(data)} bytes in /{LABEL}{target}"


def _mount(context: UserContext, size: int) -> LittleFS:
    filesystem = LittleFS(
        context, block_size=SECTOR, block_count=size // SECTOR, disk_version=DISK_VERSION, name_max=255, mount=False
    )
    try:
        filesystem.mount()
    except LittleFSError:
        filesystem.format()
        filesystem.mount()
    return filesystem


def _store(flash: Flash, address: int, data: bytes) -> None:
    """Write a sector if it is another."""
    if flash.read(address, SECTOR) != data:
        flash.erase(address, SECTOR)
        flash.write(address, data)
