"""Upgrades that do not restart, and what they left in the slot that does not run."""

from __future__ import annotations

from sim.board import Board
from sim.partitions import Partition
from tests.system import upgrades
from tests.system.host import OK, Host, error
from tests.system.upgrades import send_url

SECTOR = 4096
PATIENCE = 30.0


def other(board: Board) -> Partition:
    """The slot that does not run."""
    running = upgrades.running(board).label
    return next(part for part in board.flash.partitions if part.label.startswith("ota_") and part.label != running)


def content(board: Board, size: int) -> bytes:
    """The beginning of the slot that does not run."""
    return board.flash.read(other(board).address, size)


def clear(board: Board) -> None:
    """No image is in the slot that does not run."""
    board.flash.erase(other(board).address, SECTOR)


def otadata(board: Board) -> bytes:
    """What says which slot boots."""
    partition = board.flash.partition("otadata")
    return board.flash.read(partition.address, partition.size)


def take_back(board: Board, before: bytes) -> None:
    """An upgrade without a restart has not been: otadata is what it was before, and no image is in the other slot."""
    clear(board)
    partition = board.flash.partition("otadata")
    board.flash.erase(partition.address, partition.size)
    board.flash.write(partition.address, before)


def download(host: Host, board: Board, url: str, data: bytes) -> None:
    """An upgrade without a restart: ``data`` is in the other slot then, to the byte."""
    send_url(host, url)
    host.expect(OK, PATIENCE)
    assert content(board, len(data)) == data
    assert upgrades.boot_slot(board) == other(board).label


def refused(host: Host, board: Board, url: str, code: int) -> None:
    """An upgrade that ends with this code (after AT+SYSLOG=1), and leaves no image behind."""
    send_url(host, url)
    host.expect(error(code), PATIENCE)
    assert content(board, 16) == b"\xff" * 16
