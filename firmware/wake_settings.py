"""AT+USERWKMCUCFG: how the host is woken (SPEC, section 4). Loaded when called."""

from machine import Pin
from micropython import const

from firmware.at_error import ALREADY_THERE, HOST_ASLEEP, PARSE, VALUE, AtError
from firmware.command import command, integer

_GPIO = const(1)
_AT_PORT = const(1)
_DEFAULT_CHECK = const(1)


def commands(wake):
    """The family's command table."""

    def configure(at, arguments):
        if wake.asleep:
            raise AtError(HOST_ASLEEP)
        if arguments.get(0):
            _enable(wake, arguments)
        elif wake.settings is not None:
            if len(arguments) > 1:
                raise arguments.wrong_count(1)
            _disable(wake)

    def query(at):
        if wake.settings is None:
            at.info("+USERWKMCUCFG:0")
        else:
            at.info("+USERWKMCUCFG:1,%d,%d,%d,%d,%d" % wake.settings)

    parameters = (
        integer(0, 1),
        integer(1, 2),
        integer(0, wake.config.last_gpio),
        integer(0, 255),
        integer(0, 60_000),
        integer(0, 7, optional=True),
    )
    return (command(b"+USERWKMCUCFG", parameters, set=configure, query=query, ordered=True),)


def _enable(wake, arguments):
    if wake.settings is not None:
        raise AtError(ALREADY_THERE)
    mode = arguments.get(1)
    number = arguments.get(2)
    if not (_may_drive(wake.config, number) if mode == _GPIO else number == _AT_PORT):
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
        wake.pin = Pin(number, Pin.OUT, value=1 - signal, hold=True)
    wake.settings = (mode, number, signal, delay, check)


def _may_drive(config, number):
    """Whether a GPIO exists, can be an output, and is not taken by the flash, the REPL or the AT port."""
    taken = config.reserved_gpios + (config.tx, config.rx, config.rts, config.cts)
    if number in taken or number >= config.first_input_only_gpio:
        return False
    try:
        Pin(number)
    except ValueError:
        return False
    return True


def _disable(wake):
    if wake.pin:
        wake.pin.init(Pin.IN, None, hold=False)
    wake.pin = wake.settings = None
