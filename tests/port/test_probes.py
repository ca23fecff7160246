"""Every probe of the real ESP32 port, run on the simulated board: it must answer what the port answered.

``probes/`` and ``answers/`` are described in README.md. A probe runs as boot.py of a board with the official partition
table, after a soft reset, as it did at the port's fresh REPL. ``EXCUSED`` lists what can't be the same.
"""

from __future__ import annotations

import ast
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.board import ABORTED, DEFAULT_HEAP, HARD_RESET, PWRON_RESET, SOFT_RESET, Board
from tests.sim.scripts import wait_for
from tools import flash_layout, image, interpreter, package

HERE = Path(__file__).parent
PROBES = sorted(path.stem for path in (HERE / "answers").glob("*.txt") if path.stem != "running_slot")
PATIENCE = 60.0
BEGIN = "beginning of the probe"
END = "end of the probe"

BUILD = "the interpreter is built with other words for its errors"
BUILT_IN = "built into the Unix interpreter, and can't be taken away"
FROZEN = "frozen into the Unix interpreter, in its packager's version"
WIDE = "an object's size depends on the size of a word"

# By probe and key: why the simulator answers something else.
EXCUSED = {
    "asyncio_memory": {
        "dir(asyncio)": "lists the submodule stream too: depends on the order in which the interpreter numbers names",
    },
    "network_joined": {"requests.__version__": FROZEN},
    "system": {
        "import ffi": BUILT_IN,
        "import termios": BUILT_IN,
        "int('010', 0)": BUILD,
        "int('')": BUILD,
    },
}
# The same for an interpreter of 64 bits, in addition.
EXCUSED_64 = {
    "asyncio_memory": {
        "cost: memoryview slice": WIDE,
        "cost: b'' % ()": WIDE,
        "cost: bytearray(1024)": WIDE,
        "cost: an exception raised and caught": WIDE,
        "cost: asyncio.run with one task": WIDE,
        "cost: calling a coroutine function": WIDE,
    },
}

# The board comes up, resets itself softly, and runs what follows; what restarts it then finds nothing to do.
PREAMBLE = """
import machine
if machine.reset_cause() == machine.PWRON_RESET:
    machine.soft_reset()
while machine.reset_cause() != machine.SOFT_RESET:
    __import__("time").sleep(60)
print("beginning of the probe")
"""


class Page(http.server.BaseHTTPRequestHandler):
    """The small HTTP server that network_joined asks for."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def surroundings() -> Iterator[str]:
    """The names that network_joined wants: an open access point, a server, and a port where none is."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with socket.create_server(("127.0.0.1", 0)) as other:
            closed = other.getsockname()[1]
        yield f"SSID = 'sim-ap'\nHOST = '127.0.0.1'\nPORT = {server.server_port}\nCLOSED = {closed}\n"
        server.shutdown()


def word_size(bits: int) -> int:
    """The word size of the interpreter that is used for ``bits``."""
    return interpreter.probe(interpreter.find(bits)).bits


def make_board(folder: Path, probe: str, bits: int, names: str = "") -> Board:
    """A board with the official partition table whose boot.py is ``probe``."""
    parts = [PREAMBLE, names, *((HERE / "probes" / name).read_text() for name in ("_p.py", f"{probe}.py"))]
    boot_py = "".join(parts) + f"\nprint('{END}')\n"
    flash = image.build_flash(
        image.build_image(package.smallest_filesystem({}), "0.0.0"),
        partitions=flash_layout.official_ota_partitions(),
        vfs_files={"boot.py": boot_py.encode()},
    )
    heap = DEFAULT_HEAP * word_size(bits) // 32
    board = Board(folder, interpreter=interpreter.find(bits), heap=heap, flash_image=flash)
    # Joining takes long enough for what the probe does while the board is joining, on a busy machine too.
    board.network.set(password="", association_delay=1.0)
    return board


def printed(board: Board, last: str) -> list[str]:
    """Wait until the board prints ``last``: what the probe has printed until then."""
    assert board.wait_for_console(last.encode(), PATIENCE), board.console.decode()
    text = board.console.decode().replace("\r\n", "\n")
    return text[text.index(BEGIN) : text.index(last)].splitlines()[1:]


def run(board: Board) -> list[str]:
    with board:
        return printed(board, END)


def split(line: str) -> tuple[str, str]:
    """The key and the value of a line; names that dir() lists are put in order: the port's is that of its build."""
    key, _, value = line.partition(" = ")
    if key.startswith("dir("):
        value = repr(sorted(ast.literal_eval(value)))
    return key, value


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("probe", PROBES)
def test_answers_as_the_port(tmp_path: Path, probe: str, bits: int, surroundings: str) -> None:
    excused = EXCUSED.get(probe, {}) | (EXCUSED_64.get(probe, {}) if word_size(bits) == 64 else {})
    answers = [split(line) for line in (HERE / "answers" / f"{probe}.txt").read_text().splitlines()]
    lines = [split(line) for line in run(make_board(tmp_path, probe, bits, surroundings))]
    assert [key for key, _ in lines] == [key for key, _ in answers]
    assert set(excused) <= {key for key, _ in answers}
    different = [
        f"{key} = {value}, on the port {right}"
        for (key, value), (_, right) in zip(lines, answers, strict=True)
        if value != right and key not in excused
    ]
    assert not different, "\n".join(different)


def test_a_write_to_the_running_slot_aborts(tmp_path: Path) -> None:
    with make_board(tmp_path, "running_slot", 32) as board:
        lines = printed(board, "Rebooting...")
        assert lines[0] == (HERE / "answers" / "running_slot.txt").read_text().splitlines()[0]
        assert ABORTED in lines
        assert END not in lines
        wait_for(lambda: len(board.boots) == 3, "restart")
        assert [cause for cause, _ in board.boots] == [PWRON_RESET, SOFT_RESET, HARD_RESET]
