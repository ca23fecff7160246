"""A simulated ESP32: power and reset, the boot loader, the interpreter's process, and the peripherals around it.

One thread of the board (``_supervise``) starts and kills the interpreter; everybody else asks it to. Killing the
interpreter at any moment is what a reset or a power cut is.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from sim import bootloader, images, vcd
from sim.chip import (
    DEEPSLEEP_RESET,
    EXT0_WAKE,
    HARD_RESET,
    PWRON_RESET,
    SOFT_RESET,
    TIMER_WAKE,
    WDT_RESET,
    Chip,
)
from sim.console import NO_CHARACTER, Console
from sim.flash import DEFAULT_SIZE, Flash
from sim.loop import Loop
from sim.models import DEFAULT, MODELS, Model
from sim.network import Network
from sim.pins import Pins
from sim.process import Process, Program
from sim.rpc import Gone, Server
from sim.uart import Uart
from sim.uarts import Uarts
from tools import interpreter as interpreters

VERSIONS = ("1.25", "1.26")
# The first area of MicroPython's heap on an ESP32 (ports/esp32/main.c), with its tables, and what it can grow by.
FIRST_AREA = 56 * 1024
DEFAULT_HEAP = FIRST_AREA + 110 * 1024
MEASURING_HEAP = 1 << 20
SHORTEST_RUN = 1.0
# How often who waits for the board looks whether there is still one.
ALIVE_SECONDS = 0.2
ABORTED = "abort() was called at PC 0x4008b1c7 on core 0"
REBOOTING = "\r\n\r\nRebooting...\r\n"

_own_heap: dict[tuple[Path, Model], int] = {}
_own_heap_lock = threading.Lock()


@dataclass
class _Command:
    """What the supervisor is asked to do; ``done`` is set when it has."""

    name: str
    cause: int = PWRON_RESET
    message: str = ""
    seconds: float | None = None
    hold_digital: bool = False
    process: Process | None = None
    done: futures.Future[None] = field(default_factory=futures.Future)


class Board:
    """One simulated board, whose state lives in ``folder``.

    ``model``: the module, a name from ``sim.models.MODELS``.
    ``interpreter``: the executable of MicroPython's unix port. ``timed``: the UARTs run at their baud rate and lose
    what a board would lose. ``micropython``: the version of the ESP32 port that the board presents, of ``VERSIONS``:
    what differs between them is UART.irq. ``heap``: how many bytes MicroPython's heap has, its tables included.
    ``flash_image``: what a new board's flash holds, by default this tree's firmware. ``script``: a file, or a folder
    with main.py, of the host that runs instead of what the vfs partition holds; ``wait`` waits for its end. The board
    is a context manager that switches on and off. ``on_console`` may be set to a function that gets all that is
    printed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        model: str = DEFAULT,
        interpreter: Path | None = None,
        timed: bool = False,
        micropython: str = VERSIONS[0],
        heap: int | None = None,
        flash_image: bytes | None = None,
        script: Path | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.model = MODELS[model]
        self.interpreter = interpreter or interpreters.find(bits=32)
        self.timed = timed
        self.micropython = micropython
        self.heap = DEFAULT_HEAP if heap is None else heap
        self.script = script
        self.boots: list[tuple[int, str]] = []
        self.exit_code: int | None = None
        self.powered = False
        self.on_console: Callable[[bytes], None] | None = None
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.model.target
        images.provide_flash(self.folder / "flash.bin", flash_image, bare=script is not None, target=target)
        self._began = time.monotonic()
        self._console = bytearray()
        self._printed = threading.Condition()
        self._loop = Loop("board-io")
        self._repl = Console(self._loop, self._interrupt)
        self._uarts = Uarts(self._loop, self.seconds, timed=timed)
        self.pins = Pins(self.seconds, self.model)
        self.pins.on_drive = lambda: self.watch() if self._asleep else None
        self.network = Network(self.folder)
        self.flash = Flash(self.folder / "flash.bin", DEFAULT_SIZE, target)
        self.flash.on_power_cut = lambda: self._ask(_Command("off"), wait=False)
        self.flash.on_abort = lambda: self.restart(HARD_RESET, ABORTED)
        self.flash.on_busy = self._flash_busy
        self._chip = Chip(self)
        self._commands: queue.Queue[_Command] = queue.Queue()
        self._process: Process | None = None
        self._booted_at = 0.0
        self._wakes_at: float | None = None
        self._asleep = False
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
    def console_port(self) -> str:
        """The path of the tty that is UART0: log and REPL."""
        return self._repl.tty

    @property
    def console(self) -> bytes:
        """All that the board has printed on UART0."""
        return bytes(self._console)

    @property
    def running(self) -> bool:
        """Is the board on, and its program neither at an end nor asleep?"""
        return self._process is not None

    def uart(self, number: int) -> Uart:
        """UART 1 or 2."""
        return self._uarts.ports[number]

    def seconds(self) -> float:
        """The clock of all traces: seconds since this object was made."""
        return time.monotonic() - self._began

    def start(self) -> None:
        """Switch on. An interpreter that does not start is an OSError."""
        for name, port in (("at-port", self.port), ("console", self.console_port)):
            (self.folder / name).unlink(missing_ok=True)
            (self.folder / name).symlink_to(port)
        self._loop.start()
        self._supervisor.start()
        self.power_on()

    def stop(self) -> None:
        """Switch off and free all that the board holds."""
        self._ask(_Command("end"))
        self._supervisor.join()
        self._loop.stop()
        self._uarts.close()
        self._repl.close()
        self.flash.close()
        for name in ("at-port", "console"):
            (self.folder / name).unlink(missing_ok=True)

    def power_on(self) -> None:
        """Give power, after a power cut too."""
        self._ask(_Command("boot"))

    def power_cut(self) -> None:
        """Take the power away."""
        self._ask(_Command("off"))

    def reset(self) -> None:
        """Press EN, which the chip cannot tell from power coming up; without power nothing happens."""
        if self.powered:
            self._ask(_Command("boot"))

    def soft_reset(self) -> None:
        """What Ctrl-D at the REPL does."""
        self._ask(_Command("boot", SOFT_RESET))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the program has ended, as a script does; false if it has not after ``timeout`` seconds."""
        return self._idle.wait(timeout)

    def wait_for_console(self, text: bytes, timeout: float = 10.0, start: int = 0) -> bool:
        """Wait until ``text`` has been printed, at or after position ``start``; false if it has not in time."""
        with self._printed:
            return self._printed.wait_for(lambda: self._console.find(text, start) >= 0, timeout)

    def write_vcd(self, path: Path) -> None:
        """Write the pins and UART lines so far for GTKWave or PulseView."""
        vcd.write(path, self.pins.signals() + self._uarts.signals())

    def restart(self, cause: int, message: str = "") -> None:
        """The chip restarts itself; ``message`` is what it prints before. Returns at once."""
        self._ask(_Command("boot", cause, message=message), wait=False)

    def sleep(self, seconds: float | None, hold_digital: bool) -> None:
        """Deep sleep, for ever if ``seconds`` is None; see ``Pins.sleep``. Returns at once."""
        self._ask(_Command("sleep", seconds=seconds, hold_digital=hold_digital), wait=False)

    def watch(self) -> None:
        """The watchdog was started, or a level changed in deep sleep: the supervisor shall look."""
        self._ask(_Command("watch"), wait=False)

    def _ask(self, command: _Command, *, wait: bool = True) -> None:
        self._commands.put(command)
        while wait and not command.done.done():
            futures.wait([command.done], ALIVE_SECONDS)
            if not self._supervisor.is_alive() and not command.done.done():
                raise RuntimeError(f"the board does not run any more and cannot be asked to {command.name}")
        if wait:
            command.done.result()

    def _print(self, data: bytes) -> None:
        with self._printed:
            self._console += data
            self._printed.notify_all()
        self._repl.put(data)
        if self.on_console is not None:
            self.on_console(data)

    def _flash_busy(self, seconds: float) -> None:
        """An operation of the flash: the program stands still, and in timed mode so do the UART drivers."""
        if self._process is not None and not self._process.alive:
            raise Gone
        if self.timed and self._process is not None:
            self._uarts.stand_still(seconds)
            time.sleep(seconds)

    def _interrupt(self) -> None:
        """Ctrl-C was typed."""
        process = self._process
        if process is not None:
            wanted = lambda: self._repl.interrupt_character != NO_CHARACTER  # noqa: E731
            threading.Thread(target=process.interrupt, args=(wanted,), daemon=True).start()

    def _supervise(self) -> None:
        while True:
            command = self._next_command()
            try:
                self._carry_out(command)
                command.done.set_result(None)
            except Gone:
                command.done.set_result(None)  # the power failed while the boot loader ran
            except Exception as error:  # whatever it is: nobody may wait for ever
                self._print(f"\r\nsimulator: {error!r}\r\n".encode())
                command.done.set_exception(error)
            if command.name == "end":
                return

    def _next_command(self) -> _Command:
        """The next one asked for, or what the watchdog or the end of a sleep asks for."""
        while True:
            if self._asleep and self._woken_by_pin():
                self._chip.wake_reason = EXT0_WAKE
                return _Command("boot", DEEPSLEEP_RESET)
            deadlines = [at for at in (self._chip.bites_at, self._wakes_at) if at is not None]
            try:
                return self._commands.get(timeout=max(min(deadlines) - time.monotonic(), 0) if deadlines else None)
            except queue.Empty:
                pass
            now = time.monotonic()
            if self._chip.bites_at is not None and now >= self._chip.bites_at:
                return _Command("boot", WDT_RESET, message="E task_wdt: Task watchdog got triggered.")
            if self._wakes_at is not None and now >= self._wakes_at:
                self._chip.wake_reason = TIMER_WAKE
                return _Command("boot", DEEPSLEEP_RESET)

    def _woken_by_pin(self) -> bool:
        wakes_by = self._chip.wakes_by
        return wakes_by is not None and (self.pins.level(wakes_by[0]) or 0) == wakes_by[1]

    def _carry_out(self, command: _Command) -> None:
        if command.name == "watch":
            return
        if command.name == "ended":
            if command.process is self._process:
                self._program_ended()
            return
        self._kill()
        if command.message:
            self._print(f"\r\n{command.message}{REBOOTING}".encode())
        self._wakes_at = None
        self._asleep = False
        self.powered = command.name in ("boot", "sleep")
        if command.name == "boot":
            self._boot(command.cause)
            return
        self._idle.set()
        if command.name != "sleep":
            self._reset_pads(PWRON_RESET)
            return
        self.pins.sleep(hold_digital=command.hold_digital)
        self._asleep = True
        if command.seconds is not None:
            self._wakes_at = time.monotonic() + command.seconds

    def _kill(self) -> None:
        if self._process is not None:
            self._uarts.power_off()  # what waits for the host gives up
            self._chip.switch_off()
            self.exit_code = self._process.kill()
            self._process = None
        self._uarts.power_off()
        self._chip.switch_off()

    def _reset_pads(self, cause: int) -> None:
        if cause != SOFT_RESET:
            self.pins.restart(power_lost=cause == PWRON_RESET)

    def _boot(self, cause: int) -> None:
        self._reset_pads(cause)
        if cause != SOFT_RESET or self.flash.running is None:
            self._print(bootloader.select(self.flash).log.encode())
        if self.flash.running is None:
            return
        self._chip.restart(cause)
        self._repl.restart(soft=cause == SOFT_RESET)
        if cause != SOFT_RESET:
            self.network.reset()
        self.boots.append((cause, self.flash.running.label))
        self._idle.clear()
        self._booted_at = time.monotonic()
        own = self._measure_own_heap()
        # MicroPython keeps 3 bits for each 16 bytes of heap.
        self._process = self._start_process(
            self.heap + own * 131 // 128, str(self.script.absolute()) if self.script else ""
        )

    def _measure_own_heap(self) -> int:
        """How much of the heap the simulator's own modules hold: seen once for each interpreter."""
        with _own_heap_lock:
            if (self.interpreter, self.model) not in _own_heap:
                self._start_process(MEASURING_HEAP, "-").finish()
            if (self.interpreter, self.model) not in _own_heap:
                raise OSError(f"{self.interpreter} does not run the simulator's modules: see the console")
            return _own_heap[self.interpreter, self.model]

    def _start_process(self, heap: int, target: str) -> Process:
        flash, fds = self.flash.descriptor, self._uarts.device_fds
        program = Program(self.interpreter, heap, flash, fds, self._repl.input, self.timed, self.micropython, target)
        return Process(program, self._loop, self._register, self._print, self._on_end)

    def _register(self, server: Server) -> None:
        server.calls["board.started"] = self._started
        server.calls["board.model"] = self._describe
        for peripheral in (self._uarts, self._repl, self.pins, self._chip, self.flash, self.network):
            peripheral.register(server)

    def _started(self, _payload: bytes, own_heap: int) -> None:
        _own_heap[self.interpreter, self.model] = own_heap

    def _describe(self, _payload: bytes) -> list[object]:
        model = self.model
        return [model.machine, model.pins, model.first_input_only, model.architecture, model.registers]

    def _on_end(self, process: Process) -> None:
        self._ask(_Command("ended", process=process), wait=False)

    def _program_ended(self) -> None:
        """The interpreter ended by itself: a script does; the firmware's must not."""
        lived = time.monotonic() - self._booted_at
        self._kill()
        self._idle.set()
        if self.script is not None:
            return
        self._print(f"\r\nGuru Meditation Error: the interpreter ended ({self.exit_code}).{REBOOTING}".encode())
        if lived >= SHORTEST_RUN:
            self._boot(HARD_RESET)
