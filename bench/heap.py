"""Heap that the firmware allocates for each command and each kilobyte, and holds when idle, on the 32-bit interpreter.

An own command (``device/heap_commands.py``) tells inside the running firmware how much is in use while nothing is
collected. What a bare asyncio loop allocates for the same bytes is subtracted: the figures are what is above it. The
simulated peripherals allocate nothing for what commands do (``device/peripherals.py`` counts that as a figure), but for
the timed UART's reading, which is in both.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import boards, figures, transfers
from bench.figures import Figure
from sim.board import Board
from tests.system.host import OK, Host

HEAP = 4 << 20  # enough for all rounds without a collection
ROUNDS = 200
COMMANDS: tuple[tuple[str, tuple[tuple[bytes, bytes], ...]], ...] = (
    ("AT", ((b"AT", OK),)),
    ("USERRAM?", ((b"AT+USERRAM?", b"+USERRAM:0\r\n" + OK),)),
    ("USERMCUSLEEP, wake GPIO", ((b"AT+USERMCUSLEEP=1", OK), (b"AT+USERMCUSLEEP=0", OK))),
)
MOST_PER_COMMAND = 200
MOST_PER_KILOBYTE = 64
MOST_IDLE = 36 * 1024
BAUDRATE = 921600
SMALL = 1024


def measure(folder: Path) -> Iterator[Figure]:
    """For each command, and for each kilobyte of data."""
    with boards.script(folder / "peripherals", "peripherals.py", {}) as (board, _):
        yield figures.amount("heap per call of the simulated peripherals", max(boards.printed(board, "heap")), "bytes")
    with (
        boards.firmware(folder / "firmware", own_commands="heap_commands.py", heap=HEAP) as (_, host),
        boards.script(folder / "bare", "echo.py", {}, heap=HEAP) as (_, bare),
    ):
        loop = _per_line(bare)
        host.command(b"AT+USERWKMCUCFG=1,1,18,1,1000,1")
        for name, lines in COMMANDS:
            value = _per_command(host, lines)
            yield figures.above(f"heap per command above a bare loop: {name}", value, "bytes", loop, MOST_PER_COMMAND)
    yield from _measure_data(folder / "data")


def measure_idle(folder: Path) -> Iterator[Figure]:
    """What the firmware and its data hold after start, and the task that tells it."""
    with boards.firmware(folder, own_commands="idle_task.py") as (board, _):
        yield figures.amount("RAM of the firmware after start", boards.printed(board, "idle")[0], "bytes", MOST_IDLE)


def _per_line(host: Host) -> float:
    """What the bare loop allocates for a line."""

    def used() -> int:
        host.write(b"M\r\n")
        return int(host.read_until(b"\r\n"))

    own = -(used() - used())
    before = used()
    for _ in range(ROUNDS):
        host.write(b"AT\r\n")
        host.expect(b"AT\r\n")
    return (used() - before - own) / ROUNDS


def _per_command(host: Host, lines: Sequence[tuple[bytes, bytes]]) -> float:
    """What the firmware allocates for a command, by many rounds of ``lines`` with their answers."""
    host.command(b"AT+HEAP=1")
    own = -(_used(host) - _used(host))
    before = _used(host)
    for _ in range(ROUNDS):
        for line, answer in lines:
            host.command(line, answer)
    after = _used(host)
    host.command(b"AT+HEAP=0")
    return (after - before - own) / ROUNDS / len(lines)


def _measure_data(folder: Path) -> Iterator[Figure]:
    """On the timed board, whose bytes come tick by tick; a small transfer is subtracted from a large one."""
    data = os.urandom(transfers.BLOCK)
    settings = {"baudrate": BAUDRATE, "size": len(data), "sizes": (SMALL, SMALL, len(data))}
    config = {"baudrate": BAUDRATE}
    with boards.script(folder / "bare", "heap_loop.py", settings, timed=True, heap=HEAP) as (board, bare):
        loop = _loop_per_kilobyte(board, bare, data)
    with boards.firmware(
        folder / "firmware", own_commands="heap_commands.py", config=config, timed=True, heap=HEAP
    ) as (_, host):
        for index, (name, transfer) in enumerate((("write", transfers.write), ("read", transfers.read))):
            small, large = (_per_transfer(host, transfer, piece) for piece in (data[:SMALL], data))
            value = (large - small) / (len(data) - SMALL) * 1024
            text = f"heap per KB above a bare loop: USERRAM {name}"
            yield figures.above(text, value, "bytes", loop[index], MOST_PER_KILOBYTE)


def _loop_per_kilobyte(board: Board, host: Host, data: bytes) -> list[float]:
    """What the bare loop allocates for a kilobyte in, and out."""
    for size in (SMALL, SMALL, len(data)):
        host.write(data[:size])
        host.read_exactly(size)
    return [
        (boards.printed(board, f"{name}{len(data)}")[0] - boards.printed(board, f"{name}{SMALL}")[0])
        / (len(data) - SMALL)
        * 1024
        for name in ("in", "out")
    ]


def _per_transfer(host: Host, transfer: transfers.Transfer, data: bytes) -> int:
    host.command(b"AT+USERRAM=1,%d" % len(data))
    transfers.write(host, data)
    host.command(b"AT+HEAP=1")
    before = _used(host)
    transfer(host, data)
    after = _used(host)
    host.command(b"AT+HEAP=0")
    host.command(b"AT+USERRAM=0")
    return after - before


def _used(host: Host) -> int:
    """Bytes of heap in use."""
    return int(host.answer(b"AT+HEAP?").split(b"\r\n")[0].rpartition(b":")[2])
