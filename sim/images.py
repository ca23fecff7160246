"""What a new board's flash holds."""

from __future__ import annotations

import functools
from pathlib import Path

from tools.image import build_flash, build_image
from tools.package import build_package, smallest_filesystem


@functools.cache
def firmware_flash() -> bytes:
    """The flash of a new board with this tree's firmware."""
    return build_flash(build_image(build_package(), "0.0.0"))


@functools.cache
def bare_flash() -> bytes:
    """A flash with the project's partitions, an image without firmware, and no scripts in vfs."""
    return build_flash(build_image(smallest_filesystem({}), "0.0.0"), vfs_files={})


def provide_flash(path: Path, image: bytes | None, *, bare: bool) -> None:
    """Make the file of the flash, unless it is there."""
    if not path.exists():
        if image is None:
            image = bare_flash() if bare else firmware_flash()
        path.write_bytes(image)
