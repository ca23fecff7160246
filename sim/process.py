"""The interpreter's process on a simulated board: its command line, its console, and the thread that answers it."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.loop import Loop
from sim.rpc import Gone, Server

START = Path(__file__).with_name("device") / "_start.py"
_PR_SET_PDEATHSIG = 1
_JOIN_SECONDS = 10
_libc = ctypes.CDLL(None)


def _die_with_launcher() -> None:
    """Runs in the child: without the launcher's thread that started it the interpreter is killed."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class Program:
    """What to start: ``heap`` in bytes, ``fds`` of the UARTs, ``version`` of MicroPython to present, ``target`` a path
    of the host or "" for the flash.
    """

    interpreter: Path
    heap: int
    fds: Sequence[int]
    timed: bool
    version: str
    target: str

    def command(self, wire: int) -> list[str]:
        fds = ",".join(str(fd) for fd in self.fds)
        options = ["-X", f"heapsize={self.heap}", str(START)]
        return [str(self.interpreter), *options, str(wire), fds, str(int(self.timed)), self.version, self.target]


class Process:
    """One run of the interpreter, from reset to reset.

    ``output`` gets what it prints, ``ended`` is called once when its console is closed, both in the loop's thread.
    """

    def __init__(
        self,
        program: Program,
        loop: Loop,
        register: Callable[[Server], None],
        output: Callable[[bytes], None],
        ended: Callable[[Process], None],
    ) -> None:
        self._loop = loop
        self._output = output
        self._ended = ended
        self._killed = False
        self._closed = threading.Event()
        wire, device_wire = socket.socketpair()
        console, device_console = os.pipe()
        try:
            self._child = subprocess.Popen(
                program.command(device_wire.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=device_console,
                stderr=device_console,
                pass_fds=[device_wire.fileno(), *program.fds],
                preexec_fn=_die_with_launcher,
                process_group=0,  # Ctrl-C at the launcher's terminal is not for the board
            )
        except OSError:
            wire.close()
            os.close(console)
            raise
        finally:
            device_wire.close()
            os.close(device_console)
        self._console = console
        self._server = Server(wire)
        register(self._server)
        self._thread = threading.Thread(target=self._serve, name="board-rpc", daemon=True)
        self._thread.start()
        loop.call(lambda: loop.add(console, select.EPOLLIN, self._on_console))

    @property
    def alive(self) -> bool:
        """Has it not been killed?"""
        return not self._killed

    def kill(self) -> int:
        """End it at once, as a reset does, and wait until nobody works for it any more; its exit code or -signal."""
        self._killed = True
        self._child.kill()
        return self.finish()

    def finish(self) -> int:
        """Wait for its end and for all that it printed; its exit code or -signal."""
        code = self._child.wait()
        self._closed.wait(_JOIN_SECONDS)
        self._thread.join(_JOIN_SECONDS)
        self._server.connection.close()
        return code

    def _serve(self) -> None:
        try:
            while True:
                self._server.serve_one()
        except Gone:
            pass  # without an answer the program stands still until it is killed

    def _on_console(self, _events: int) -> None:
        data = os.read(self._console, 65536)
        if data:
            self._output(data)
            return
        self._loop.remove(self._console)
        os.close(self._console)
        self._closed.set()
        self._ended(self)
