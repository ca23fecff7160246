"""Flashes a new board with a file that ``tools.image`` has made: erases all of the flash, writes, verifies, restarts.

By esptool, on any port that pyserial takes. The chip is asked what it is first: a file for another one is not written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import serial
from esptool.cmds import attach_flash, detect_chip, erase_flash, reset_chip, run_stub, verify_flash, write_flash
from esptool.util import FatalError

from tools import app_image, ports
from tools.app_image import ImageError
from tools.image import BUILD, PROJECT
from tools.ports import PortError

PATTERN = "*-flash.bin"
FIRST_BAUDRATE = 115200
BAUDRATE = 460800
FIRST_SLOT = 0x10000


class FlashError(Exception):
    """Why nothing was flashed, in one line."""


def newest(folder: Path) -> Path:
    """The file that was made last. Raises FlashError."""
    found = sorted(folder.glob(PATTERN), key=lambda path: path.stat().st_mtime)
    if not found:
        raise FlashError(f"no {folder / PATTERN}: make image MICROPYTHON=ESP32_GENERIC-....bin makes one")
    return found[-1]


def read(path: Path) -> tuple[bytes, app_image.AppImage, app_image.AppImage]:
    """The file's bytes, its boot loader and its application, both checked. Raises FlashError."""
    try:
        data = path.read_bytes()
        boot_loader = app_image.parse(data)
        app = app_image.parse(data[FIRST_SLOT - boot_loader.target.boot_loader :])
        if app.project != PROJECT:
            raise ImageError(f"an image of {app.project or 'another project'}")
    except (OSError, ImageError) as error:
        raise FlashError(f"{path} is no file for a new board: {error} (make image makes {PATTERN})") from error
    return data, boot_loader, app


def flash(port: str, path: Path, baudrate: int = BAUDRATE) -> str:
    """Flash the board at ``port``; what to tell at the end. Raises FlashError."""
    data, boot_loader, app = read(path)
    target = boot_loader.target
    contents = [(target.boot_loader, data)]
    try:
        with detect_chip(port, FIRST_BAUDRATE) as found:
            chip = found.CHIP_NAME.lower().replace("-", "")
            if chip != target.name:
                raise FlashError(f"the board at {port} is an {found.CHIP_NAME}, {path} is for {target.name}")
            esp = run_stub(found)
            if baudrate != FIRST_BAUDRATE:
                esp.change_baud(baudrate)
            attach_flash(esp)
            erase_flash(esp)
            write_flash(esp, contents)
            verify_flash(esp, contents)
            reset_chip(esp, "hard-reset")
    except (FatalError, serial.SerialException, OSError) as error:
        raise FlashError(" ".join(str(error).split())) from error
    return f"{path}: version {app.version} is on the board at {port}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.flash", description="Flash a new board, erasing all of it.")
    parser.add_argument("image", type=Path, nargs="?", help="default: the newest build/*-flash.bin")
    parser.add_argument(
        "--port", help="the board's console: a device, or any URL that pyserial takes; found if only one"
    )
    parser.add_argument("--baudrate", type=int, default=BAUDRATE, help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        path = options.image or newest(BUILD)
        print(flash(ports.find(options.port), path, options.baudrate))
    except (FlashError, PortError) as error:
        print(f"not flashed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
