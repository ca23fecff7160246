"""The firmware with its working memory fits into the first area of a board's heap, 56,000 bytes."""

from __future__ import annotations

import pytest

from tests.system.all_commands import Walk
from tests.system.conftest import MakeBoard
from tests.system.host import OK, READY, Host
from tests.system.http_server import HttpServer

HEAP = 54 * 1024
BLOCK = 64 * 1024
# A further area of the heap, with MicroPython's tables: 3 bits for each 16 bytes.
BLOCK_AREA = BLOCK + BLOCK * 3 // 128


@pytest.mark.parametrize(("heap", "block"), [(HEAP, 0), (HEAP + BLOCK_AREA, BLOCK)])
def test_all_commands_in_a_small_heap(make_board: MakeBoard, heap: int, block: int) -> None:
    board = make_board(heap=heap)
    with board, HttpServer() as server:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        Walk(host, server).run(block)
        host.close()
        errors = [line for line in board.console.splitlines() if b"Error" in line]
        # The file that is not there.
        assert errors == [b"at: upgrade failed: HttpError status 404"]
