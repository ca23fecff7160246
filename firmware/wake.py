"""AT+USERWKMCUCFG, AT+USERMCUSLEEP, and the gate that wakes the host before a message report (SPEC, section 4).

The settings are not stored. A wake GPIO's pad is held, so that it keeps its level through a restart.
"""

import asyncio

from machine import Pin
from micropython import const

from firmware.at_error import ALREADY_THERE, HOST_ASLEEP, NOT_THERE, PARSE, VALUE, AtError
from firmware.at_user import DONE, OK
from firmware.command import command, integer

_GPIO = const(1)
_AT_PORT = const(1)
_DEFAULT_CHECK = const(1)
_BY_MCUSLEEP = const(1)
_BY_SLEEP = const(2)
_BY_TIMEOUT = const(4)


class Wake:
    """Whether the host sleeps, how to wake it, and the gate."""

    def __init__(self, port, config):
        self._port = port
        self._config = config
        self._settings = None
        self._pin = None
        self.asleep = False
        self._awoken = asyncio.Event()
        self._passed = False

    def commands(self):
        """The family's command table."""
        settings = (
            integer(0, 1),
            integer(1, 2),
            integer(0, 39),
            integer(0, 255),
            integer(0, 60_000),
            integer(0, 7, optional=True),
        )
        return (
            command("+USERWKMCUCFG", settings, set=self._configure, query=self._query_settings, ordered=True),
            command("+USERMCUSLEEP", (integer(0, 1),), set=self._set_sleep, query=self._query_sleep),
        )

    def _query_settings(self, at):
        if self._settings is None:
            at.info("+USERWKMCUCFG:0")
        else:
            at.info("+USERWKMCUCFG:1,%d,%d,%d,%d,%d" % self._settings)

    def _query_sleep(self, at):
        at.info(b"+USERMCUSLEEP:%d" % self.asleep)

    def _configure(self, at, arguments):
        if self.asleep:
            raise AtError(HOST_ASLEEP)
        if arguments.get(0):
            self._enable(arguments)
        elif self._settings is not None:
            if len(arguments) > 1:
                raise arguments.wrong_count(1)
            self._disable()

    def _enable(self, arguments):
        if self._settings is not None:
            raise AtError(ALREADY_THERE)
        mode = arguments.get(1)
        number = arguments.get(2)
        if not (self._may_drive(number) if mode == _GPIO else number == _AT_PORT):
            raise AtError(VALUE | 2)
        signal = arguments.get(3)
        if mode == _GPIO and signal > 1:
            raise AtError(VALUE | 3)
        delay = arguments.get(4)
        check = arguments.get(5)
        if check is None:
            if len(arguments) > 5:
                raise AtError(PARSE | 5)
            check = _DEFAULT_CHECK
        if len(arguments) > 6:
            raise arguments.wrong_count(6)
        if mode == _GPIO:
            # The level is set before the direction, and the pad let go last: no pulse of the active level.
            self._pin = Pin(number, Pin.OUT, value=1 - signal, hold=True)
        self._settings = (mode, number, signal, delay, check)

    def _may_drive(self, number):
        """Whether a GPIO exists, can be an output, and is not taken by the flash, the REPL or the AT port."""
        config = self._config
        taken = config.reserved_gpios + (config.tx, config.rx, config.rts, config.cts)
        if number in taken or number >= config.first_input_only_gpio:
            return False
        try:
            Pin(number)
        except ValueError:
            return False
        return True

    def _disable(self):
        if self._pin:
            self._pin.init(Pin.IN, None, hold=False)
        self._pin = self._settings = None

    def _set_sleep(self, at, state):
        if self._settings is None:
            raise AtError(NOT_THERE)
        at.port.put(OK)
        if self._settings[4] & _BY_MCUSLEEP:
            self._drive(active=False)
            self._set_state(state)
        return DONE

    def sleep_command(self, mode):
        """Take note of AT+SLEEP, which may tell the host's state too: 0 awake, anything else asleep."""
        if self._settings and self._settings[4] & _BY_SLEEP:
            self._set_state(mode)

    def _set_state(self, asleep):
        self.asleep = bool(asleep)
        if asleep:
            self._passed = False
        else:
            self._awoken.set()

    def _drive(self, active):
        if self._pin:
            signal = self._settings[2]
            # The change reaches the pad when init lets it go for a moment.
            self._pin.init(value=signal if active else 1 - signal, hold=True)

    async def passing(self):
        """Before a message report: if the host counts as asleep, wake it and wait until it is awake or the delay is
        over.
        """
        if self._settings is None or not self.asleep:
            return
        mode, _, signal, delay, check = self._settings
        self._awoken.clear()
        if mode == _GPIO:
            self._drive(active=True)
        else:
            await self._port.quiet()
            if not self.asleep:
                return
            self._port.put(bytes((signal,)))
            await self._port.flush()
        try:
            await asyncio.wait_for_ms(self._awoken.wait(), delay)
        except asyncio.TimeoutError:
            # A host that woke and sleeps again already has passed nothing: it is woken anew.
            self._passed = True
            if check & _BY_TIMEOUT:
                self.asleep = False
        self._drive(active=False)

    def open(self):
        """Whether a report may go out now: the host is awake, or the gate was passed since it last fell asleep."""
        return self._passed or not self.asleep
