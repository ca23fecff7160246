"""``python -m sim``: run a simulated board, and steer one that runs."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from sim import commands, user_files
from sim.board import DEFAULT_HEAP, VERSIONS, Board
from sim.control import Control, ControlError, FolderLock, ask
from sim.flash import Flash
from sim.models import DEFAULT, MODELS
from tools.app_image import ImageError
from tools.image import whole_flash
from tools.interpreter import InterpreterError
from tools.package import PackageError

FLASH = "flash.bin"
# What works on the flash of a board that does not run.
WITHOUT_BOARD = ("slots", "put")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sim", description="A simulated ESP32 with ESP-AT firmware.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--board", type=Path, default=Path("board"), metavar="DIR", help="the board's folder (board)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
    run = actions.add_parser("run", parents=[common], help="start a board; Ctrl-C ends it, its folder keeps the state")
    run.add_argument("--timed", action="store_true", help="UARTs at their baud rate, with the losses of a real board")
    run.add_argument("--heap", type=int, default=DEFAULT_HEAP, metavar="N", help=f"bytes of heap ({DEFAULT_HEAP})")
    run.add_argument("--micropython", choices=VERSIONS, default=VERSIONS[0], help=f"which one to be ({VERSIONS[0]})")
    run.add_argument("--model", choices=MODELS, default=DEFAULT, help=f"which module to be ({DEFAULT})")
    run.add_argument(
        "--flash", type=Path, metavar="FILE", help="a new board's flash, as make image made it for esptool"
    )
    run.add_argument("--vcd", type=Path, metavar="FILE", help="write pins and UART lines to FILE at the end")
    run.add_argument("--script", type=Path, metavar="PATH", help="run this file or folder instead of the firmware")
    for name, (description, _) in commands.COMMANDS.items():
        action = actions.add_parser(name, parents=[common], help=description)
        action.add_argument("words", nargs="*", metavar="ARG")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Run a board until Ctrl-C or SIGTERM."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with FolderLock(options.board):
        board = Board(
            options.board,
            timed=options.timed,
            micropython=options.micropython,
            heap=options.heap,
            model=options.model,
            flash_image=new_flash(options),
            script=options.script,
        )
        board.on_console = show
        with board:
            control = Control(options.board, lambda words: commands.carry_out(board, words))
            print(f"AT port: {board.port}")
            print(f"  picocom --omap crcrlf -b 115200 {board.port}")
            print(
                f"""  {own_python()} -c 'import serial; s = serial.Serial("{board.port}", 115200, timeout=1); """,
                end="",
            )
            print("""s.write(b"AT\\r\\n"); print(s.read(100))'""")
            print(f"Console: {board.console_port}")
            print(f"  {own_python()} -m mpremote connect {board.console_port}")
            print("Ctrl-C ends the board.", flush=True)
            while not ended.wait(0.2):
                pass
            control.close()
            if options.vcd:
                board.write_vcd(options.vcd)
    return 0


def new_flash(options: argparse.Namespace) -> bytes | None:
    """The flash of a new board, None for this tree's firmware. OSError for a file that is for another chip."""
    if options.flash is None:
        return None
    try:
        flash, target = whole_flash(options.flash.read_bytes())
    except ImageError as error:
        raise OSError(f"{options.flash} is no file for a new board: {error}") from error
    if target != MODELS[options.model].target:
        raise OSError(f"{options.flash} is for {target.name}: say which module with --model")
    return flash


def own_python() -> str:
    """This interpreter, which has pyserial, as a person would type it here."""
    return os.path.relpath(sys.executable) if sys.prefix != sys.base_prefix else sys.executable


def show(data: bytes) -> None:
    """Print what the board prints."""
    with contextlib.suppress(OSError):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def steer(options: argparse.Namespace) -> str:
    """Ask the board that runs; some questions the flash of one that does not can answer."""
    words = list(options.words)
    if options.action == "put":
        if len(words) != 2:
            raise ControlError("put takes a file and a path on the board")
        words[0] = str(Path(words[0]).absolute())
    if options.action == "vcd" and words:
        words[0] = str(Path(words[0]).absolute())
    try:
        return ask(options.board, [options.action, *words])
    except ControlError as error:
        if options.action not in WITHOUT_BOARD or not (options.board / FLASH).exists():
            raise
        try:
            lock = FolderLock(options.board)
        except ControlError:
            raise error from None  # a board runs, and it was the one that refused
    with lock:
        flash = Flash(options.board / FLASH)
        try:
            if options.action == "slots":
                return commands.describe_slots(flash.slots())
            return user_files.put(flash, *words)
        finally:
            flash.close()


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    try:
        if options.action == "run":
            return run(options)
        print(steer(options))
    except (ControlError, InterpreterError, PackageError, OSError) as error:
        print(f"sim: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
