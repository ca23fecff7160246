"""The interpreter's process on a simulated board: its command line, its console, and the thread that answers it."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.loop import Loop
from sim.rpc import Gone, Server

START = Path(__file__).with_name("device") / "_start.py"
_JOIN_SECONDS = 10
# How often it is looked whether an interrupt is harmless, and after how much work, of the processor's time, a program
# that does not rest is interrupted wherever it is. The firmware starts in less.
_LOOK_SECONDS = 0.005
_BUSY_SECONDS = 0.4
_LOOKS = 20
# The numbers of two system calls on x86 and ARM, with 32 and 64 bits; futex waits for a lock.
_READ = (3, 0, 63)
_FUTEX = (240, 422, 202, 98)


@dataclass
class Program:
    """What to start: ``heap`` in bytes, ``flash`` and ``fds`` of the UARTs as descriptors, ``input`` that of its
    standard input, ``version`` of MicroPython to present, ``target`` a path of the host or "" for the flash.
    """

    interpreter: Path
    heap: int
    flash: int
    fds: Sequence[int]
    input: int
    timed: bool
    version: str
    target: str

    def command(self, wire: int) -> list[str]:
        fds = ",".join(str(fd) for fd in self.fds)
        options = ["-X", f"heapsize={self.heap}", str(START)]
        timed = str(int(self.timed))
        return [str(self.interpreter), *options, str(wire), str(self.flash), fds, timed, self.version, self.target]


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
        self._serving = threading.Lock()
        self._asked = 0
        self._interrupting = threading.Lock()
        wire, device_wire = socket.socketpair()
        self._wire = device_wire.fileno()
        console, device_console = os.pipe()
        try:
            self._child = subprocess.Popen(
                program.command(device_wire.fileno()),
                stdin=program.input,
                stdout=device_console,
                stderr=device_console,
                pass_fds=[device_wire.fileno(), program.flash, *program.fds],
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

    def interrupt(self, wanted: Callable[[], bool]) -> None:
        """Raise KeyboardInterrupt in the program, as long as ``wanted`` says so; waits until that is done.

        The interpreter raises it at any machine instruction, which an allocation of memory does not survive. So it is
        done where the program rests in a system call, or in place of the answer to a question; only a program that
        does neither is interrupted wherever it is.
        """
        if self._server.instead is not None:
            return  # one that is pending already
        with self._interrupting:
            self._server.instead = lambda: wanted() and self._interrupt_question()
            asked = -1
            while not self._killed and wanted() and self._server.instead is not None:
                if asked != self._asked:
                    asked, enough = self._asked, self._worked() + _BUSY_SECONDS
                if self._serving.acquire(timeout=_LOOK_SECONDS):
                    if self._server.instead is not None:
                        self._interrupt_stopped(wanted, self._worked() > enough)
                    self._serving.release()
                time.sleep(_LOOK_SECONDS)
            self._server.instead = None

    def _interrupt_stopped(self, wanted: Callable[[], bool], anywhere: bool) -> None:
        """Stop the program, look at what it does, and interrupt it if that is harmless."""
        self._child.send_signal(signal.SIGSTOP)
        try:
            state = os.waitid(os.P_PID, self._child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            return
        if state is None or state.si_code != os.CLD_STOPPED:
            return
        call, _ = self._system_call()
        harmless = anywhere or (call is not None and call not in _FUTEX)
        if harmless and wanted() and self._server.quiet:
            self._server.instead = None
            self._child.send_signal(signal.SIGINT)
        self._child.send_signal(signal.SIGCONT)

    def _interrupt_question(self) -> bool:
        """Interrupt the program while it waits for the answer to its question; false if another thread asked."""
        for _ in range(_LOOKS):
            call, descriptor = self._system_call()
            if call in _READ and descriptor == self._wire:
                self._server.instead = None
                self._child.send_signal(signal.SIGINT)
                return True
            time.sleep(_LOOK_SECONDS / _LOOKS)
        return False

    def _worked(self) -> float:
        """The seconds that the processor has worked for the program."""
        try:
            fields = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _system_call(self) -> tuple[int | None, int | None]:
        """Number and first argument of the system call that the main thread is in; None if it is in none."""
        try:
            words = Path(f"/proc/{self._child.pid}/syscall").read_text().split()
            call = int(words[0])  # negative: stopped in the program itself
            return (call, int(words[1], 16)) if call >= 0 else (None, None)
        except (OSError, ValueError, IndexError):
            return None, None

    def _serve(self) -> None:
        try:
            while True:
                self._server.wait()
                with self._serving:
                    self._asked += 1
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
