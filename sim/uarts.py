"""The UARTs of a board as ``machine.UART`` asks for them: operand a is the port, UART0 the console."""

from __future__ import annotations

import time
from collections.abc import Callable

from sim import vcd
from sim.loop import Loop
from sim.rpc import Server
from sim.uart import Settings, Uart
from sim.uart_timed import TimedUart

UART_ANY = 1
UART_TXDONE = 2
UART_ROOM = 3
UART_FLUSH = 4
UART_BREAK = 5
UART_SYNC = 6

CONSOLE = 0
CONSOLE_ROOM = 1 << 16
STDIN, STDOUT = 0, 1


class Uarts:
    """UART1 and UART2, which have a tty each."""

    def __init__(self, loop: Loop, clock: Callable[[], float], *, timed: bool) -> None:
        self.timed = timed
        kind = TimedUart if timed else Uart
        self.ports: dict[int, Uart] = {number: kind(number, loop, clock) for number in (1, 2)}

    @property
    def device_fds(self) -> list[int]:
        """Two for each port, the console first: received bytes, bytes to send."""
        return [STDIN, STDOUT, *(fd for port in self.ports.values() for fd in port.device_fds)]

    def signals(self) -> list[vcd.Signal]:
        """The lines of the ports over which something went."""
        used = [port for port in self.ports.values() if port.tx_trace.frames or port.rx_trace.frames]
        return [signal for port in used for signal in port.signals()]

    def power_off(self) -> None:
        for port in self.ports.values():
            port.uninstall()

    def stand_still(self, seconds: float) -> None:
        """The drivers do nothing for so long: code in flash cannot run."""
        for port in self.ports.values():
            if isinstance(port, TimedUart):
                port.stand_still(seconds)

    def close(self) -> None:
        for port in self.ports.values():
            port.close()

    def register(self, server: Server) -> None:
        server.ops[UART_ANY] = lambda a, b: self.ports[a].any() if a else 0
        server.ops[UART_TXDONE] = lambda a, b: int(not a or self.ports[a].txdone())
        server.ops[UART_ROOM] = lambda a, b: self.ports[a].room(b) if a else CONSOLE_ROOM
        server.ops[UART_FLUSH] = lambda a, b: int(not a or self.ports[a].flush(b / 1000))
        server.ops[UART_BREAK] = self._break
        server.ops[UART_SYNC] = self._sync
        server.calls["uart.install"] = self._install
        server.calls["uart.configure"] = self._configure
        server.calls["uart.irq"] = self._irq
        server.calls["uart.deinit"] = self._deinit

    def _break(self, number: int, _b: int) -> int:
        if number != CONSOLE:
            duration = self.ports[number].send_break()
            time.sleep(duration if self.timed else 0)
        return 0

    def _sync(self, number: int, _b: int) -> int:
        if number != CONSOLE:
            self.ports[number].sync()
        return 0

    def _install(self, _payload: bytes, number: int, settings: dict[str, int]) -> None:
        if number != CONSOLE:
            self.ports[number].install(Settings(**settings))

    def _configure(self, _payload: bytes, number: int, settings: dict[str, int]) -> None:
        if number != CONSOLE:
            self.ports[number].configure(Settings(**settings))

    def _irq(self, _payload: bytes, number: int, wakes: bool) -> None:
        if number != CONSOLE:
            self.ports[number].wakes = wakes

    def _deinit(self, _payload: bytes, number: int) -> None:
        if number != CONSOLE:
            self.ports[number].uninstall()
