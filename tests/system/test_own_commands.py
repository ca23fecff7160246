"""Commands of the user's own: everything that docs/own-commands.md shows, and files that are broken."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sim.board import Board
from tests.system.boards import flash_with, wait_for_level
from tests.system.host import ERROR, OK, READY, Host, error
from tools.package import ROOT

MakeBoard = Callable[..., Board]

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DRIVEN = re.compile(r"\(GPIO(\d+) goes to ([01])\)")
SEEN = re.compile(r"\(GPIO(\d+) becomes ([01])\)")
# Lines with an empty one before them: final results, busy, and whatever handlers return.
RESULTS = ("OK", "ERROR", "TAKEN", "busy p...")
BOARD_PATIENCE = 20.0

pytestmark = pytest.mark.simulator("puts files on the board's partition user")


def blocks() -> list[tuple[str, str]]:
    """The blocks of the document as (language, text)."""
    return BLOCK.findall((ROOT / "docs" / "own-commands.md").read_text())


def examples() -> list[tuple[str, str]]:
    """Each Python block of the document with the session that follows it."""
    found = blocks()
    return [(text, found[i + 1][1]) for i, (language, text) in enumerate(found) if language == "python"]


def name(source: str) -> str:
    """The name of the first function of a file."""
    return source.partition("def ")[2].partition("(")[0]


@contextmanager
def running(make_board: MakeBoard, source: str, **more: bytes) -> Iterator[tuple[Board, Host]]:
    """A board with this ``commands.py`` that has said ready, with echo off."""
    files = {"commands.py": source.encode()} | {f"{module}.py": data for module, data in more.items()}
    with make_board(user_files=files) as board:
        host = Host(board.port)
        host.expect(READY, BOARD_PATIENCE)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        yield board, host
        host.command(b"AT")
        host.close()


def play(board: Board, host: Host, session: str) -> None:
    """Do what a session of the document shows; every byte of the module must be as shown."""
    for line in session.splitlines():
        if line.startswith("AT"):
            host.send(line.encode())
        elif line.startswith("> "):
            host.expect(b"\r\n>")
            host.write(line[2:].encode())
        elif line in RESULTS:
            host.expect(f"\r\n{line}\r\n".encode())
        elif match := DRIVEN.fullmatch(line):
            board.pins.drive(int(match[1]), int(match[2]))
        elif match := SEEN.fullmatch(line):
            wait_for_level(board, int(match[1]), int(match[2]))
        else:
            host.expect(f"{line}\r\n".encode())


@pytest.mark.parametrize(("source", "session"), examples(), ids=[name(source) for source, _ in examples()])
def test_the_document(make_board: MakeBoard, source: str, session: str) -> None:
    with running(make_board, source) as (board, host):
        play(board, host, session)
        host.expect_nothing()


def test_the_documents_own_test(make_board: MakeBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = (text for language, text in blocks() if language == "py")
    (tmp_path / "commands.py").write_text(examples()[0][0])
    monkeypatch.chdir(tmp_path)
    names: dict[str, Callable[[MakeBoard], None]] = {}
    exec(source, names)
    names["test_the_led"](make_board)


def test_own_commands_are_listed_and_have_a_test_form(make_board: MakeBoard) -> None:
    with running(make_board, examples()[1][0]) as (_, host):
        listed = host.answer(b"AT+CMD?")
        assert re.search(rb'\r\n\+CMD:\d+,"AT\+GREET",1,0,1,0\r\n', listed)
        host.command(b"AT+GREET=?", b'+GREET:"1-20"[,(1-9)]\r\n', OK)


def test_codes_of_wrong_parameters(make_board: MakeBoard) -> None:
    with running(make_board, examples()[1][0]) as (_, host):
        host.command(b"AT+SYSLOG=1")
        for parameters, code in (
            (b"=Ann", 0x01080000),
            (b"=5", 0x01050000),
            (b'="' + b"x" * 21 + b'"', 0x01040000),
            (b'="Ann",10', 0x01070001),
            (b'="Ann",1,1', 0x01060203),
            (b"?", 0x010C0000),
            (b"", 0x010C0000),
        ):
            host.command(b"AT+GREET" + parameters, error(code))


def test_a_built_in_command_can_be_replaced(make_board: MakeBoard) -> None:
    source = """
from firmware.command import command

def versions(at):
    at.info("my own")

COMMANDS = (command("+GMR", execute=versions),)
"""
    with running(make_board, source) as (_, host):
        host.command(b"AT+GMR", b"my own\r\n", OK)
        assert host.answer(b"AT+CMD?").count(b'"AT+GMR"') == 1


def test_a_file_beside_it(make_board: MakeBoard) -> None:
    source = """
from beside import answer
from firmware.command import command

COMMANDS = (command("+ANSWER", query=answer),)
"""
    beside = b"def answer(at):\n    at.info('+ANSWER:42')\n"
    with running(make_board, source, beside=beside) as (_, host):
        host.command(b"AT+ANSWER?", b"+ANSWER:42\r\n", OK)


def test_a_long_command_that_listens(make_board: MakeBoard) -> None:
    source = """
import asyncio
from firmware.command import command, integer

async def take(at, size):
    data = bytearray(size)
    await at.data(memoryview(data))
    at.listen()
    at.report("+EARLY")
    await asyncio.sleep_ms(200)
    at.info(b"+TAKE:" + data)

COMMANDS = (command("+TAKE", (integer(1, 99),), set=take),)
"""
    with running(make_board, source) as (_, host):
        host.command(b"AT+TAKE=3", OK + b"\r\n>")
        host.write(b"abc")
        host.expect(b"+EARLY\r\n")
        host.command(b"AT", b"\r\nbusy p...\r\n+TAKE:abc\r\n", OK)


# What is wrong with a handler or a task.

WRONG_HANDLERS = """
import asyncio
from firmware.command import command, integer

def divide(at, by):
    at.info("+DIVIDE:%d" % (100 // by))

async def fail_later(at):
    await asyncio.sleep_ms(20)
    raise OSError(5)

async def fail_at_once(at):
    raise RuntimeError("broken task")

async def tell(at):
    await asyncio.sleep_ms(50)
    at.report("+STILL:HERE")

COMMANDS = (
    command("+DIVIDE", (integer(0, 10),), set=divide),
    command("+LATER", execute=fail_later),
    command("+NUMBER", execute=lambda at: 5),
    command("+NOTHING", execute=5),
)
TASKS = (fail_at_once, 5, lambda at: 5, tell)
"""


def test_handlers_and_tasks_that_raise(make_board: MakeBoard) -> None:
    with running(make_board, WRONG_HANDLERS) as (board, host):
        host.expect(b"+STILL:HERE\r\n")
        host.command(b"AT+DIVIDE=5", b"+DIVIDE:20\r\n", OK)
        host.command(b"AT+DIVIDE=0", ERROR)
        host.command(b"AT+LATER", ERROR)
        host.command(b"AT+NUMBER", ERROR)
        host.command(b"AT+NOTHING", ERROR)
        host.command(b"AT+SYSLOG=1")
        host.command(b"AT+DIVIDE=0", error(0x010A0000))
        for text in (b"ZeroDivisionError", b"OSError: [Errno 5]", b"own task ended:", b"RuntimeError: broken task"):
            assert text in board.console
        assert b"Warning" not in board.console
        assert len(board.boots) == 1


# Files that are broken: the log says so, and the firmware starts without them.


@pytest.mark.parametrize(
    ("source", "logged"),
    [
        ("COMMANDS = (", b"SyntaxError"),
        ("import no_such_module\n", b"ImportError: no module named 'no_such_module'"),
        ("from firmware.command import no_such_name\n", b"ImportError"),
        ("1 / 0\n", b"ZeroDivisionError"),
        ("raise SystemExit\n", b"SystemExit"),
        ("raise MemoryError\n", b"MemoryError"),
        ("big = bytearray(1 << 24)\n", b"MemoryError"),
        ("COMMANDS = 5\n", b"TypeError"),
        ("COMMANDS = (5,)\n", b"TypeError"),
        ("COMMANDS = ('+X',)\n", b"TypeError"),
        ("from firmware.command import command\nCOMMANDS = command('+X', execute=print)\n", b"TypeError"),
        ("from firmware.command import command\nCOMMANDS = (command('+X', execute=print), 5)\n", b"TypeError"),
        ("from firmware.command import command\nCOMMANDS = (command(5),)\n", b"TypeError"),
        ("TASKS = 5\n", b"TypeError"),
        ("\x00\x01\x02", b"SyntaxError"),
    ],
)
def test_a_broken_file(make_board: MakeBoard, source: str, logged: bytes) -> None:
    with running(make_board, source) as (board, host):
        assert b"at: own commands not loaded" in board.console
        assert logged in board.console
        host.command(b"AT+X", ERROR)
        answer = host.answer(b"AT+CMD?")
        assert answer.endswith(b"\r\n" + OK)
        assert b'"AT+X"' not in answer


def test_an_empty_file_adds_nothing(make_board: MakeBoard) -> None:
    with running(make_board, "") as (board, host):
        assert b"own commands not loaded" not in board.console
        host.command(b"AT+X", ERROR)


def test_a_broken_partition(make_board: MakeBoard) -> None:
    flash = bytearray(flash_with({"commands.py": examples()[0][0].encode()}))
    flash[0x320000:0x330000] = b"\x55" * 0x10000
    with make_board(flash_image=bytes(flash)) as board:
        host = Host(board.port)
        host.expect(READY, BOARD_PATIENCE)
        host.command(b"AT+LED=1", b"AT+LED=1\r\n", ERROR)
        assert b"at: partition user not mounted" in board.console
        host.close()


def test_a_blank_partition_is_made_empty(make_board: MakeBoard) -> None:
    flash = bytearray(flash_with({}))
    flash[0x320000:0x400000] = b"\xff" * 0xE0000
    with make_board(flash_image=bytes(flash)) as board:
        host = Host(board.port)
        host.expect(READY, BOARD_PATIENCE)
        host.command(b"AT", b"AT\r\n", OK)
        assert b"not mounted" not in board.console
        assert board.flash.read(0x320008, 8) == b"littlefs"
        host.close()
