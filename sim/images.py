"""What a new board's flash holds."""

from __future__ import annotations

import functools
from pathlib import Path

from sim.models import ESP32, Target
from tools.image import build_flash, build_image
from tools.package import build_package, smallest_filesystem


@functools.cache
def firmware_flash(target: Target = ESP32) -> bytes:
    """The flash of a new board with this tree's firmware."""
    return build_flash(build_image(build_package(), "0.0.0", target=target))


@functools.cache
def bare_flash(target: Target = ESP32) -> bytes:
    """A flash with the project's partitions, an image without firmware, and no scripts in vfs."""
    return build_flash(build_image(smallest_filesystem({}), "0.0.0", target=target), vfs_files={})


def provide_flash(path: Path, image: bytes | None, *, bare: bool, target: Target) -> None:
    """Make the file of the flash, unless it is there."""
    if not path.exists():
        if image is None:
            image = bare_flash(target) if bare else firmware_flash(target)
        path.write_bytes(image)
