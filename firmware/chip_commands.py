"""Clock, registers, temperature and transmit power of the chip (ESP-AT user guide, "Basic AT Commands"). Loaded when
called.
"""

import time

import esp32
import machine
import network
from micropython import const

from firmware.at_error import NOT_POSSIBLE, NOT_THERE, PARSE, VALUE, AtError
from firmware.command import command, integer, number

# From 1970 to 2000, where the port's clock begins.
_EPOCH = const(946684800)
_READ = const(0)
_MOST_UNSIGNED = const(0xFFFFFFFF)
# Registers and memory that can be read without an exception: of the ESP32, and of its successors.
_REGISTERS = ((0x3FF00000, 0x40000000), (0x50000000, 0x50002000), (0x60000000, 0x60100000))


def commands(system):
    """The family's command table; AT+SYSTEMP where MicroPython can tell the temperature."""
    power = (integer(40, 84),) + (integer(0, 15, optional=True),) * 3
    table: tuple = (
        command(b"+SYSTIMESTAMP", (integer(0),), set=_set_time, query=_query_time),
        command(
            b"+SYSREG",
            (integer(0, 1), integer(0), integer(0, optional=True)),
            set=lambda at, arguments: _use_register(at, arguments, system.config),
            ordered=True,
        ),
        command(b"+RFPOWER", power, set=_set_power, query=_query_power),
    )
    temperature = getattr(esp32, "mcu_temperature", None)
    if temperature:
        table += (command(b"+SYSTEMP", query=lambda at: at.info("+SYSTEMP:%.2f" % temperature())),)
    return table


def _set_time(at, seconds):
    """AT+SYSTIMESTAMP=<seconds since 1970>; the clock begins with 2000."""
    if seconds < _EPOCH:
        raise AtError(VALUE)
    year, month, day, hour, minute, second, weekday, _ = time.gmtime(seconds - _EPOCH)
    machine.RTC().datetime((year, month, day, weekday, hour, minute, second, 0))


def _query_time(at):
    at.info(b"+SYSTIMESTAMP:%d" % (time.time() + _EPOCH))


def _use_register(at, arguments, config):
    """AT+SYSREG=0,<address> and =1,<address>,<value>; the numbers are unsigned."""
    write = arguments.get(0)
    if len(arguments) != 2 + write:
        raise arguments.wrong_count(2 + write)
    address = _unsigned(arguments, 1)
    if address & 3 or not any(begin <= address < end for begin, end in _REGISTERS):
        raise AtError(VALUE | 1)
    if not write:
        at.info("+SYSREG:0x%x" % machine.mem32[address])
        return
    value = _unsigned(arguments, 2)
    if not config.register_writes:
        raise AtError(NOT_POSSIBLE)
    machine.mem32[address] = value


def _unsigned(arguments, index):
    text = arguments.fields[index]
    value = number(text)
    if value is None:
        try:
            value = int(text, 16 if text[:2] == b"0x" else 10)
        except ValueError:
            raise AtError(PARSE | index)
    if not 0 <= value <= _MOST_UNSIGNED:
        raise AtError(VALUE | index)
    return value


def _active_interface():
    for interface in (network.STA_IF, network.AP_IF):
        wlan = network.WLAN(interface)
        if wlan.active():
            return wlan
    raise AtError(NOT_THERE)


def _set_power(at, power, *bluetooth):
    """AT+RFPOWER=<power in 0.25 dBm>; there is no Bluetooth whose power could be set."""
    if any(value is not None for value in bluetooth):
        raise AtError(NOT_POSSIBLE)
    _active_interface().config(txpower=power / 4)


def _query_power(at):
    at.info(b"+RFPOWER:%d" % int(_active_interface().config("txpower") * 4))
