"""AT+USERWKMCUCFG, AT+USERMCUSLEEP, and the gate that wakes the host before a message report (SPEC, section 4).

The settings are not stored. A wake GPIO's pad is held, so that it keeps its level through a restart.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.at_error import NOT_THERE, AtError
from firmware.at_user import DONE, OK
from firmware.command import command, integer

_GPIO = const(1)
_AT_PORT = const(1)
_DEFAULT_CHECK = const(1)
_BY_MCUSLEEP = const(1)
_BY_SLEEP = const(2)
_BY_TIMEOUT = const(4)
_LOOK_MS = const(10)


class Wake:
    """Whether the host sleeps, how to wake it, and the gate."""

    def __init__(self, port, config):
        self._port = port
        self.config = config
        self.settings = None
        self.pin = None
        self.asleep = False
        self._awoken = False
        self._passed = False

    def commands(self):
        """The family's command table; AT+USERWKMCUCFG is in ``wake_settings``."""
        return (command(b"+USERMCUSLEEP", (integer(0, 1),), set=self._set_sleep, query=self._query_sleep),)

    def _query_sleep(self, at):
        at.info(b"+USERMCUSLEEP:%d" % self.asleep)

    def _set_sleep(self, at, state):
        if self.settings is None:
            raise AtError(NOT_THERE)
        at.port.put(OK)
        if self.settings[4] & _BY_MCUSLEEP:
            self._drive(active=False)
            self._set_state(state)
        return DONE

    def sleep_command(self, mode):
        """Take note of AT+SLEEP, which may tell the host's state too: 0 awake, anything else asleep."""
        if self.settings and self.settings[4] & _BY_SLEEP:
            self._set_state(mode)

    def _set_state(self, asleep):
        self.asleep = bool(asleep)
        if asleep:
            self._passed = False
        else:
            self._awoken = True

    def _drive(self, active):
        if self.pin:
            signal = self.settings[2]
            # The change reaches the pad when init lets it go for a moment.
            self.pin.init(value=signal if active else 1 - signal, hold=True)

    async def passing(self):
        """Before a message report: if the host counts as asleep, wake it and wait until it is awake or the delay is
        over.
        """
        if self.settings is None or not self.asleep:
            return
        mode, _, signal, delay, check = self.settings
        self._awoken = False
        if mode == _GPIO:
            self._drive(active=True)
        else:
            await self._port.quiet()
            if not self.asleep:
                return
            self._port.put(bytes((signal,)))
            await self._port.flush()
        begin = ticks_ms()
        while not self._awoken and ticks_diff(ticks_ms(), begin) < delay:
            await asyncio.sleep_ms(_LOOK_MS)
        if not self._awoken:
            # A host that woke and sleeps again already has passed nothing: it is woken anew.
            self._passed = True
            if check & _BY_TIMEOUT:
                self.asleep = False
        self._drive(active=False)

    def open(self):
        """Whether a report may go out now: the host is awake, or the gate was passed since it last fell asleep."""
        return self._passed or not self.asleep
