"""AT+GSLP and AT+SLEEPWKCFG: deep sleep, and what ends it before its time (ESP-AT user guide, "Basic AT Commands").

MicroPython cannot put the chip into light sleep by itself, so AT+SLEEPWKCFG is for deep sleep. Loaded when called.
"""

import esp32
import machine
from micropython import const

from firmware.at_error import NOT_POSSIBLE, VALUE, AtError
from firmware.at_user import DONE, OK
from firmware.command import command, integer

_BY_GPIO = const(2)


def commands(wake):
    """The family's command table."""

    async def deep_sleep(at, milliseconds):
        at.info(b"%d" % milliseconds)
        at.port.put(OK)
        system = at.owners["system"]
        if not milliseconds:
            await system.restart()
        system.prove_valid()
        await at.port.drained(wake.config.restart_drain_ms)
        # The wake pin keeps its level: its pad is held, but a digital one in deep sleep only if all are.
        if hasattr(esp32, "gpio_deep_sleep_hold"):
            esp32.gpio_deep_sleep_hold(wake.pin is not None)
        machine.deepsleep(milliseconds)
        return DONE

    def wake_by(at, source, number, level):
        config = wake.config
        if number in config.reserved_gpios + (config.tx, config.rx, config.rts, config.cts):
            raise AtError(VALUE | 1)
        try:
            pin = machine.Pin(number)
        except ValueError:
            raise AtError(VALUE | 1)
        if pin is wake.pin:
            raise AtError(VALUE | 1)
        try:
            esp32.wake_on_ext0(pin, bool(level))
        except (AttributeError, ValueError):
            # A chip without it, or a GPIO that is not of the RTC domain.
            raise AtError(NOT_POSSIBLE)

    return (
        command(b"+GSLP", (integer(0),), set=deep_sleep),
        command(b"+SLEEPWKCFG", (integer(_BY_GPIO, _BY_GPIO), integer(0, 63), integer(0, 1)), set=wake_by),
    )
