"""Memory that the firmware holds while a host's driver works with it: every family of the basic, Wi-Fi and TCP/IP
commands loaded in turn while one link is open, on the 32-bit interpreter; and whether there is room for a block of 64
KB beside that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bench import boards, figures, small_heap, upgrade
from bench.figures import Figure
from tests.system import cycles, ram
from tests.system.all_commands import LINK_SETTINGS, WHEN_JOINED
from tests.system.host import OK, PROMPT, Host
from tests.system.servers import EchoServer

MOST_HELD = 48 * 1024
PATIENCE = 20.0
# A segment of TCP: what is held of a link whose data the host has not fetched.
DATA = bytes(range(146)) * 10
# As drivers begin; what comes in is fetched.
BEFORE = (
    *(b"AT", b"AT+GMR", b"AT+SYSSTORE=0", b"AT+CWMODE=1", b"AT+CWRECONNCFG=1,0", b"AT+CWLAPOPT=1,2047"),
    *(b"AT+CWLAP", b"AT+CWDHCP=1,1", b'AT+CWHOSTNAME="module"', upgrade.JOIN),
    *(b"AT+CIPSTAMAC?", b"AT+CIPSTA?", b"AT+CWJAP?", b"AT+CWSTATE?", b"AT+CIPMUX=1", b"AT+CIPDINFO=1"),
    *(b"AT+CIPRECVMODE=1", b'AT+CIPDOMAIN="localhost"'),
)
# Everything else of these commands that changes nothing.
BESIDE_A_LINK = (
    *(line for line in WHEN_JOINED + LINK_SETTINGS if line.endswith(b"?") and not line.startswith(b"AT+USER")),
    *(b"AT+CIPSTATUS", b"AT+CIPSTATE?", b"AT+CIPRECVLEN?", b"AT+CIFSR", b'AT+PING="127.0.0.1"', b"AT+SYSRAM?"),
)


def measure(folder: Path) -> Iterator[Figure]:
    """The most that is held after any of the commands, and the same dialogue beside a block."""
    with boards.firmware(folder / "held", own_commands="used.py", config=small_heap.CONFIG) as (_, host):
        held: list[int] = []
        # What a number on the stack seems to point at is kept at one look and not at the next.
        _work(host, lambda: held.append(min(cycles.used(host) for _ in range(3))))
        yield figures.amount("RAM held with a driver's commands and one link, most", max(held), "bytes", MOST_HELD)
    passed = _beside_a_block(folder / "block")
    yield figures.passes("a driver's commands and one link beside a block of 64 KB", passed)


def _work(host: Host, look: Callable[[], None]) -> None:
    """A driver's dialogue, and every other command beside its link; ``look`` after each."""
    for line in BEFORE:
        _command(host, line)
        look()
    with EchoServer() as server:
        _command(host, b'AT+CIPSTART=0,"TCP","127.0.0.1",%d' % server.port)
        look()
        host.command(b"AT+CIPSEND=0,%d" % len(DATA), PROMPT, patience=PATIENCE)
        host.write(DATA)
        host.expect(b"\r\nRecv %d bytes\r\n\r\nSEND OK\r\n" % len(DATA), PATIENCE)
        host.expect(b"\r\n+IPD,0,%d\r\n" % len(DATA), PATIENCE)
        look()
        for line in BESIDE_A_LINK:
            _command(host, line)
            look()
        answer = b'+CIPRECVDATA:%d,"127.0.0.1",%d,' % (len(DATA), server.port) + DATA + OK
        host.command(b"AT+CIPRECVDATA=0,%d" % len(DATA), answer, patience=PATIENCE)
        look()
        _command(host, b"AT+CIPCLOSE=0")


def _command(host: Host, line: bytes) -> None:
    answer = host.answer(line, PATIENCE)
    assert answer.endswith(OK), f"{line!r} was answered with {answer!r}"


def _beside_a_block(folder: Path) -> bool:
    heap = small_heap.HEAP + small_heap.BLOCK_AREA
    try:
        with boards.firmware(folder, heap=heap, config=small_heap.CONFIG) as (board, host):
            data = ram.fill(host, small_heap.BLOCK)
            _work(host, lambda: None)
            host.command(b"AT+USERRAM=3,%d" % len(data), ram.chunks(data), OK, patience=PATIENCE)
            return b"MemoryError" not in board.console
    except AssertionError as error:
        print(f"heap of {heap} bytes:", *str(error)[-small_heap.SHOWN :].split())
        return False
