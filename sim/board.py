"""A simulated ESP32: power, reset, the interpreter's process, and the peripherals around it."""

from __future__ import annotations

import ctypes
import os
import queue
import select
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from sim.loop import Loop
from sim.network import Network
from sim.rpc import Gone, Server
from sim.uart import Uart, Uarts

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

START = Path(__file__).with_name("device") / "_start.py"
DEFAULT_HEAP = 56000 + 110 * 1024
SIMULATOR_HEAP = 200_000
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_launcher() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def find_interpreter() -> Path:
    """The interpreter that a board runs when it is not told: ``MICROPYTHON``, or the one that tools/ fetches."""
    if path := os.environ.get("MICROPYTHON"):
        return Path(path)
    from tools import interpreter

    return Path(interpreter.find(bits=32))


class Board:
    """One simulated board, whose state lives in ``folder``.

    ``interpreter``: the executable of MicroPython's unix port. ``timed``: the UARTs run at their baud rate and lose what a board
    would lose. ``heap``: bytes that the code on the board has for itself. ``script``: a file or folder of the host that runs instead
    of what the flash holds. The board is also a context manager that switches on and off.
    """

    def __init__(
        self,
        folder: Path,
        *,
        interpreter: Path | None = None,
        timed: bool = False,
        heap: int | None = None,
        flash_image: bytes | None = None,
        script: Path | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.interpreter = interpreter or find_interpreter()
        self.timed = timed
        self.heap = DEFAULT_HEAP if heap is None else heap
        self.script = script
        self.boots: list[tuple[int, str]] = []
        self._console = bytearray()
        self._loop = Loop("board-io")
        self._uarts = Uarts(self._loop, timed=timed)
        self.network = Network(self.folder)
        self._peripherals: list[Any] = [self._uarts, self.network]
        self._commands: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._process: subprocess.Popen[bytes] | None = None
        self._idle = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="board", daemon=True)

    def __enter__(self) -> Board:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> str:
        """The path of the tty that is the AT port."""
        return self.uart(1).tty

    @property
    def console(self) -> bytes:
        """All that the board has printed on UART0."""
        return bytes(self._console)

    def uart(self, number: int) -> Uart:
        return self._uarts.ports[number]

    def start(self) -> None:
        """Switch on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        link = self.folder / "at-port"
        link.unlink(missing_ok=True)
        link.symlink_to(self.port)
        self._loop.start()
        self._supervisor.start()
        self.power_on()

    def stop(self) -> None:
        """Switch off and free all that the board holds."""
        self._commands.put(("end", None))
        self._supervisor.join()
        self._loop.stop()
        for uart in self._uarts.ports.values():
            uart.close()
        (self.folder / "at-port").unlink(missing_ok=True)

    def power_on(self) -> None:
        self._commands.put(("boot", PWRON_RESET))

    def reset(self) -> None:
        """Press EN."""
        self._commands.put(("boot", PWRON_RESET))

    def power_cut(self) -> None:
        self._commands.put(("off", None))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the interpreter has ended (a script does); false if it has not after ``timeout`` seconds."""
        return self._idle.wait(timeout)

    def _supervise(self) -> None:
        while True:
            command, argument = self._commands.get()
            self._kill()
            if command == "end":
                return
            if command == "boot":
                self._boot(argument)

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        for uart in self._uarts.ports.values():
            uart.power_off()

    def _boot(self, cause: int) -> None:
        self._idle.clear()
        ours, theirs = socket.socketpair()
        fds = [fd for uart in self._uarts.ports.values() for fd in uart.device_fds]
        console_out, console_in = os.pipe()
        command = [str(self.interpreter), "-X", f"heapsize={self.heap + SIMULATOR_HEAP}", str(START), str(theirs.fileno())]
        command += [",".join(str(fd) for fd in fds), str(self.script or "")]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=console_in,
            stderr=console_in,
            pass_fds=[theirs.fileno(), *fds],
            preexec_fn=_die_with_launcher,
        )
        theirs.close()
        os.close(console_in)
        self.boots.append((cause, ""))
        self._loop.call(lambda: self._loop.add(console_out, select.EPOLLIN, lambda events: self._on_console(console_out)))
        server = Server(ours)
        server.calls["board.started"] = lambda payload, held: None
        for peripheral in self._peripherals:
            peripheral.register(server)
        threading.Thread(target=self._serve, args=(server,), name="board-rpc", daemon=True).start()

    def _on_console(self, fd: int) -> None:
        data = os.read(fd, 65536)
        self._console += data
        if not data:
            self._loop.remove(fd)
            os.close(fd)

    def _serve(self, server: Server) -> None:
        try:
            while True:
                server.serve_one()
        except Gone:
            server.connection.close()
            self._idle.set()
