"""A simulated board for the example hosts, and a file that has the level of its wake pin."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sim.board import Board
from tests.system.boards import flash_with
from tests.system.host import READY, Host
from tests.system.upgrades import image

NEW_VERSION = "1.1.0"
WAKE_GPIO = 18
START_PATIENCE = 20.0
LOOK_SECONDS = 0.005


def started_board(folder: Path) -> Board:
    """A board that has said ready; stop it after use."""
    board = Board(folder, flash_image=flash_with({}))
    board.start()
    host = Host(board.port)
    host.expect(READY, START_PATIENCE)
    host.close()
    return board


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """One for all tests of a file."""
    board = started_board(tmp_path_factory.mktemp("board"))
    yield board
    board.stop()


@pytest.fixture(scope="session")
def new_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an image to upgrade to."""
    path = tmp_path_factory.mktemp("image") / "new.bin"
    path.write_bytes(image(NEW_VERSION))
    return path


@pytest.fixture
def wake_level(board: Board, tmp_path: Path) -> Iterator[Path]:
    """A file that has the level of the wake pin as a line, as Linux shows that of a GPIO."""
    path = tmp_path / "value"
    path.write_text("0\n")
    over = threading.Event()

    def follow(level: Callable[[int], int | None]) -> None:
        while not over.wait(LOOK_SECONDS):
            new = path.with_suffix(".new")
            new.write_text(f"{level(WAKE_GPIO) or 0}\n")
            new.rename(path)

    thread = threading.Thread(target=follow, args=(board.pins.level,))
    thread.start()
    yield path
    over.set()
    thread.join()
