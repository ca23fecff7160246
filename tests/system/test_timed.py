"""At the line's real speed, where a board loses what it does not take in time: nothing gets lost."""

from __future__ import annotations

import pytest

from sim.board import Board
from tests.system.conftest import MakeBoard
from tests.system.host import ERROR, OK, PROMPT, READY, WRITE_OK, Host
from tests.system.ram import chunks, fill, pattern

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


@pytest.mark.parametrize("flow", [1, 0])
def test_bursts_while_wifi_collection_and_flash_are_busy(make_board: MakeBoard, flow: int) -> None:
    """At 921600 baud a kilobyte comes in 11 ms: with RTS nothing is lost, without it much is."""
    with make_board(user_files={"commands.py": BUSY}, timed=True) as board:
        host = ready(board)
        uart = board.uart(1)
        uart.heeds_baudrate = True
        host.command(b"AT+UART_CUR=921600,8,1,0,%d" % flow)
        host.expect_nothing(0.1)
        host.set_baudrate(921600)
        uart.host_honours_rts = True
        host.command(b"AT+USERPROMPT=1000")
        host.command(b"AT+BUSY")
        data = pattern(40_000)
        host.command(b"AT+USERRAM=1,%d" % len(data))
        host.command(b"AT+USERRAM=2,%d" % len(data), PROMPT, patience=PATIENCE)
        host.write(data)
        host.expect(WRITE_OK if flow else ERROR, PATIENCE)
        assert (uart.lost == 0) == bool(flow)
        if flow:
            host.command(b"AT+USERRAM=3,%d" % len(data), chunks(data), OK, patience=PATIENCE)
            host.write(b"AT+SYSLOG?\r\n" * 500)
            host.expect((b"+SYSLOG:0\r\n" + OK) * 500, PATIENCE)
            assert uart.lost == 0
        host.close()


# The other things that a board does, again and again. A scan blocks a real one for longer than the simulated one.
BUSY = b"""\
import asyncio
import gc
import time

from esp32 import Partition
from firmware.command import command
from network import STA_IF, WLAN

tasks = []


async def work():
    slot = Partition(Partition.RUNNING).get_next_update()
    wlan = WLAN(STA_IF)
    wlan.active(True)
    while True:
        for sector in range(4):
            slot.ioctl(6, sector)
        wlan.scan()
        time.sleep_ms(100)
        gc.collect()
        await asyncio.sleep_ms(10)


def start(at):
    tasks.append(asyncio.create_task(work()))


COMMANDS = (command("+BUSY", execute=start),)
"""

# A plain handler that lets nothing else run for longer than the driver's buffer lasts.
STANDSTILL = b"""\
import time

from firmware.command import command


def stand(at):
    time.sleep_ms(600)


COMMANDS = (command("+STAND", execute=stand),)
"""
