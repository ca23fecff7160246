"""What takes long to make is made once, by however many processes."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tools import cache, package
from tools.shrink import shrink


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setattr(cache, "FOLDER", tmp_path / "cache")
    return tmp_path / "cache"


def test_made_once(folder: Path) -> None:
    made = []

    def make() -> bytes:
        made.append(1)
        return b"data"

    assert [cache.kept(b"of this", make) for _ in range(3)] == [b"data"] * 3
    assert len(made) == 1
    assert cache.kept(b"of that", make) == b"data"
    assert len(made) == 2


def test_old_files_go(folder: Path) -> None:
    for number in range(cache.MOST + 5):
        cache.kept(bytes([number]), lambda: b"data")
        for path in folder.iterdir():
            os.utime(path, (path.stat().st_mtime - 10,) * 2)
    assert len(list(folder.iterdir())) == cache.MOST
    assert cache.kept(bytes([cache.MOST + 4]), lambda: b"made anew") == b"data"
    assert cache.kept(b"\0", lambda: b"made anew") == b"made anew"


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(cache, "FOLDER", tmp_path / "file" / "cache")
    assert cache.kept(b"of this", lambda: b"data") == b"data"


def test_others_wait_for_the_one_who_makes_it(folder: Path) -> None:
    made = []

    def make() -> bytes:
        made.append(1)
        time.sleep(0.1)
        return b"data"

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: cache.kept(b"of this", make), range(4))) == [b"data"] * 4
    assert len(made) == 1
    assert len(list(folder.iterdir())) == 1


def test_the_package_is_what_it_would_be_without(folder: Path) -> None:
    for version in (None, "a'b"):
        smaller = shrink(package.sources(version=version))
        expected = {f"{name[:-3]}.mpy": package.compile_module(name, text) for name, text in smaller.items()}
        for _ in range(2):
            assert package.bytecode(version=version) == expected
