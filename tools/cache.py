"""Keeps what takes long to make in ``build/cache``, by a digest of all that it is made of.

Several processes may use it at once: a file appears whole or not at all. Files that are old go.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "build" / "cache"
MOST = 40


def kept(made_of: bytes, make: Callable[[], bytes]) -> bytes:
    """What ``make`` returns, which depends on nothing but ``made_of``: made now, or kept from before."""
    path = FOLDER / hashlib.sha256(made_of).hexdigest()
    with contextlib.suppress(OSError):
        return path.read_bytes()
    data = make()
    # Without a place to keep it, it is made anew each time.
    with contextlib.suppress(OSError):
        _store(path, data)
    return data


def _store(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix="new", delete=False) as file:
        file.write(data)
    Path(file.name).replace(path)
    oldest_first = sorted(path.parent.iterdir(), key=lambda each: each.stat().st_mtime)
    for old in oldest_first[:-MOST]:
        old.unlink(missing_ok=True)
