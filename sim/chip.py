"""What the simulated chip has beside its buses: reset, sleep, watchdog, and the memory that outlives a restart."""

from __future__ import annotations

import threading
import time
from typing import Protocol

from sim.rpc import Gone, Server

WDT_START = 30
WDT_FEED = 31
RESET_CAUSE = 32
WAKE_REASON = 33

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

EXT0_WAKE = 2
TIMER_WAKE = 4
INTERRUPT_WATCHDOG_SECONDS = 0.3


class Power(Protocol):
    """What the chip needs of the board; all return at once. After the first two the program gets no answer."""

    def restart(self, cause: int, message: str = "") -> None: ...

    def sleep(self, seconds: float | None, hold_digital: bool) -> None: ...

    def watch(self) -> None: ...


class Chip:
    """The state of one chip. ``bites_at`` is when the watchdog bites (``time.monotonic``), None while it is off."""

    def __init__(self, power: Power) -> None:
        self.cause = PWRON_RESET
        self.bites_at: float | None = None
        # The pin, and its level, that ends a deep sleep.
        self.wakes_by: tuple[int, int] | None = None
        self.wake_reason = 0
        self._hold_digital = False
        self._power = power
        self._timeout = 0.0
        self._memory = b""
        self._gone = threading.Event()

    def switch_off(self) -> None:
        """The interpreter is gone."""
        self.bites_at = None
        self._gone.set()

    def restart(self, cause: int) -> None:
        """A new interpreter comes; a soft reset does not stop the watchdog."""
        self.cause = cause
        self._gone = threading.Event()
        if cause != SOFT_RESET:
            self.wakes_by = None
            self._hold_digital = False
        if cause == PWRON_RESET:
            self._memory = b""
        if cause != SOFT_RESET:
            self._timeout = 0.0
        elif self._timeout:
            self.feed()

    def feed(self) -> None:
        self.bites_at = time.monotonic() + self._timeout

    def register(self, server: Server) -> None:
        server.ops[WDT_START] = self._start_watchdog
        server.ops[WDT_FEED] = self._feed_watchdog
        server.ops[RESET_CAUSE] = lambda a, b: self.cause
        server.ops[WAKE_REASON] = lambda a, b: self.wake_reason if self.cause == DEEPSLEEP_RESET else 0
        server.calls["chip.reset"] = self._reset
        server.calls["chip.deepsleep"] = self._deepsleep
        server.calls["chip.lightsleep"] = self._lightsleep
        server.calls["chip.wake_by"] = self._wake_by
        server.calls["chip.hold_digital"] = self._hold
        server.calls["chip.hang"] = self._hang
        server.calls["chip.memory"] = lambda payload: (None, self._memory)
        server.calls["chip.keep"] = self._keep

    def _start_watchdog(self, timeout_ms: int, _b: int) -> int:
        self._timeout = timeout_ms / 1000
        self.feed()
        self._power.watch()
        return 0

    def _feed_watchdog(self, _a: int, _b: int) -> int:
        self.feed()
        return 0

    def _reset(self, _payload: bytes, soft: bool) -> None:
        self._power.restart(SOFT_RESET if soft else HARD_RESET)
        raise Gone

    def _deepsleep(self, _payload: bytes, milliseconds: int | None) -> None:
        self._power.sleep(None if milliseconds is None else milliseconds / 1000, self._hold_digital)
        raise Gone

    def _wake_by(self, _payload: bytes, pin: int | None, level: int) -> None:
        self.wakes_by = None if pin is None else (pin, level)

    def _hold(self, _payload: bytes, enable: bool) -> None:
        self._hold_digital = enable

    def _lightsleep(self, _payload: bytes, milliseconds: int | None) -> None:
        if self._gone.wait(None if milliseconds is None else milliseconds / 1000):
            raise Gone

    def _hang(self, _payload: bytes, what: str) -> None:
        """The CPU hangs with interrupts off until the watchdog of the system resets it."""
        self._gone.wait(INTERRUPT_WATCHDOG_SECONDS)
        self._power.restart(
            WDT_RESET, f"Guru Meditation Error: Core 0 panic'ed (Interrupt wdt timeout on CPU0). {what}"
        )
        raise Gone

    def _keep(self, payload: bytes) -> None:
        self._memory = payload
