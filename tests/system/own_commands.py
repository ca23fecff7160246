"""Commands of the tests' own for a simulated board: ways to be busy, to report, and to see what arguments arrive as.

``AT+NAP=<ms>`` is in progress for so long, ``AT+HOLD`` until it is told to end (``held``), and ``AT+STAND`` too, with
nothing else running meanwhile; ``AT+TALK=<lines>,<ms>`` sends a line and waits, again and again; ``AT+LATER=<ms>`` is
OK at once and reports ``+LATER`` after that time, ``AT+WHEN`` when it is told to (``tell``); ``AT+SHOW=...`` answers
its parameters' values; ``AT+FAIL=<kind>`` raises something.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sim.board import Board
from tests.system.boards import wait_for_level, wait_until
from tests.system.host import Host

# GPIOs: the first two are the test's to drive, the last one tells that AT+HOLD has begun.
HELD, TOLD, BEGUN = 23, 21, 22

COMMANDS_PY = b"""\
import asyncio
import time

from machine import Pin

from firmware.command import command, integer, string


async def nap(at, ms):
    await asyncio.sleep_ms(ms)


async def hold(at):
    begun = Pin(22, Pin.OUT, value=1)
    while Pin(23).value():
        await asyncio.sleep_ms(2)
    begun.value(0)


async def stand(at):
    begun = Pin(22, Pin.OUT, value=1)
    while Pin(23).value():
        time.sleep_ms(2)
    begun.value(0)


async def talk(at, lines, ms):
    for number in range(lines):
        at.info("+TALK:%d" % number)
        await asyncio.sleep_ms(ms)


def later(at, ms):
    async def report():
        await asyncio.sleep_ms(ms)
        at.report("+LATER")

    asyncio.create_task(report())


def when(at):
    async def report():
        while not Pin(21).value():
            await asyncio.sleep_ms(2)
        at.report("+LATER")

    asyncio.create_task(report())


def show(at, *values):
    at.info("+SHOW:" + repr(values))


def fail(at, what):
    if what == 0:
        raise ValueError("a bug")
    if what == 1:
        raise MemoryError
    raise OSError(5)


SHOWN = (string(0, 300), integer(-5, 5, optional=True), string(2, 4, optional=True))
COMMANDS = (
    command("+NAP", (integer(1, 60000),), set=nap),
    command("+HOLD", execute=hold),
    command("+STAND", execute=stand),
    command("+TALK", (integer(1, 10000), integer(0, 1000)), set=talk),
    command("+LATER", (integer(0, 60000),), set=later),
    command("+WHEN", execute=when),
    command("+SHOW", SHOWN, set=show),
    command("+FAIL", (integer(0, 2),), set=fail),
)
"""

NEEDED = "has own commands on its partition user"


@contextmanager
def held(host: Host, board: Board, line: bytes = b"AT+HOLD") -> Iterator[None]:
    """AT+HOLD, or AT+STAND, is in progress meanwhile; its result comes afterwards."""
    board.pins.drive(HELD, 1)
    host.send(line)
    wait_for_level(board, BEGUN, 1)
    try:
        yield
    finally:
        board.pins.drive(HELD, 0)


def arrive(host: Host, board: Board, data: bytes) -> None:
    """Send bytes, and wait until they have arrived in the module."""

    def arrived() -> int:
        return sum(len(frames.data) for frames in board.uart(1).rx_trace.frames)

    enough = arrived() + len(data)
    host.write(data)
    assert wait_until(lambda: arrived() == enough)


def will_tell(host: Host, board: Board) -> None:
    """AT+WHEN: a report comes after ``tell``."""
    board.pins.drive(TOLD, 0)
    host.command(b"AT+WHEN")


def tell(board: Board) -> None:
    """Have AT+WHEN report."""
    board.pins.drive(TOLD, 1)
