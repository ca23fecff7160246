"""A firmware that breaks starts again, and a configuration that makes no sense breaks nothing."""

from __future__ import annotations

import pytest

from sim.board import Board
from tests.system.conftest import MakeBoard
from tests.system.host import OK, READY, Host

USER_FILES = {
    "commands.py": b"""\
from firmware.command import command


def spoil(at):
    at.line = None


COMMANDS = (command("+SPOIL", execute=spoil),)
"""
}
# main.py gives the person at the console 5 s before it restarts.
RESTART_PATIENCE = 30


def test_a_port_that_breaks_restarts(board: Board, host: Host) -> None:
    boots = len(board.boots)
    host.command(b"AT+SPOIL")
    host.send(b"AT")
    host.expect(READY, RESTART_PATIENCE)
    assert len(board.boots) == boots + 1


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"[]", b"null", b"1", b'{"uart": "x"}', b'{"uart": 1.5}', b'{"nothing": 1}', b"\x00\xff"],
)
def test_a_configuration_that_makes_no_sense_is_ignored(make_board: MakeBoard, content: bytes) -> None:
    with make_board(user_files={"config.json": content}) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        host.send(b"AT")
        host.expect(b"AT\r\n" + OK)
        assert board.wait_for_console(b"/user/config.json: ")
        host.close()
