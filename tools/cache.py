"""Keeps what takes long to make in ``build/cache``, by a digest of all that it is made of.

Several processes may use it at once: a file appears whole or not at all, and one of them makes it while the others
wait. Files that are old go.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "build" / "cache"
MOST = 40


def kept(made_of: bytes, make: Callable[[], bytes]) -> bytes:
    """What ``make`` returns, which depends on nothing but ``made_of``: made now, or kept from before."""
    path = FOLDER / hashlib.sha256(made_of).hexdigest()
    with contextlib.suppress(OSError):
        return path.read_bytes()
    with _alone(path.with_suffix(".lock")):
        with contextlib.suppress(OSError):
            return path.read_bytes()
        data = make()
        # Without a place to keep it, it is made anew each time.
        with contextlib.suppress(OSError):
            _store(path, data)
        return data


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """No other process is in here with the same lock, where there can be one."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = held.enter_context(lock.open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
            held.callback(lock.unlink, missing_ok=True)
        yield


def _store(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix="new", delete=False) as file:
        file.write(data)
    Path(file.name).replace(path)
    stored = [each for each in path.parent.iterdir() if not each.suffix]
    oldest_first = sorted(stored, key=lambda each: each.stat().st_mtime)
    for old in oldest_first[:-MOST]:
        old.unlink(missing_ok=True)
