"""At the line's real speed, where a board loses what it does not take in time: nothing gets lost."""

from __future__ import annotations

import pytest

from sim.board import Board
from tests.system.conftest import MakeBoard
from tests.system.host import OK, READY, Host
from tests.system.ram import chunks, fill

pytestmark = pytest.mark.simulator("runs at the line's speed and counts lost bytes")
PATIENCE = 20.0


def ready(board: Board) -> Host:
    """The host of a board that has just started, with echo off."""
    host = Host(board.port)
    host.expect(READY, PATIENCE)
    host.send(b"ATE0")
    host.expect(b"ATE0\r\n" + OK)
    return host


@pytest.mark.parametrize(("baudrate", "size", "heeds_rts"), [(115200, 12_000, False), (921600, 65536, True)])
def test_a_block_goes_there_and_back(make_board: MakeBoard, baudrate: int, size: int, heeds_rts: bool) -> None:
    with make_board({"baudrate": baudrate}, timed=True) as board:
        host = ready(board)
        board.uart(1).host_honours_rts = heeds_rts
        data = fill(host, size)
        host.command(b"AT+USERRAM=3,%d" % size, chunks(data), OK, patience=PATIENCE)
        assert board.uart(1).lost == 0
        host.close()


def test_lines_in_one_burst(make_board: MakeBoard) -> None:
    with make_board(timed=True) as board:
        host = ready(board)
        host.write(b"AT+SYSLOG?\r\n" * 300)
        host.expect((b"+SYSLOG:0\r\n" + OK) * 300, PATIENCE)
        assert board.uart(1).lost == 0
        host.close()


def test_a_host_that_heeds_rts_loses_nothing_while_the_module_stands_still(make_board: MakeBoard) -> None:
    with make_board(user_files={"commands.py": STANDSTILL}, timed=True) as board:
        host = ready(board)
        board.uart(1).host_honours_rts = True
        host.write(b"AT+STAND\r\n" + b"AT+SYSLOG?\r\n" * 500)
        host.expect(OK + (b"+SYSLOG:0\r\n" + OK) * 500, PATIENCE)
        assert board.uart(1).lost == 0
        host.close()


def test_a_host_that_does_not_loses_bytes_but_not_the_module(make_board: MakeBoard) -> None:
    with make_board(user_files={"commands.py": STANDSTILL}, timed=True) as board:
        host = ready(board)
        board.uart(1).host_honours_rts = False
        host.write(b"AT+STAND\r\n" + b"AT+SYSLOG?\r\n" * 500 + b"\n")
        answers = host.clear(1)
        assert answers.startswith(OK + b"+SYSLOG:0\r\n" + OK)
        assert board.uart(1).lost > 0
        host.command(b"AT")
        host.close()


# A plain handler that lets nothing else run for longer than the driver's buffer lasts.
STANDSTILL = b"""\
import time

from firmware.command import command


def stand(at):
    time.sleep_ms(600)


COMMANDS = (command("+STAND", execute=stand),)
"""
