"""AT+UART_CUR, AT+UART_DEF and AT+UART: the AT port's speed, frame and flow control (ESP-AT user guide, "Basic AT
Commands"). Loaded when called.
"""

from micropython import const

from firmware.at_error import FAILED, NOT_POSSIBLE, AtError
from firmware.at_user import DONE, OK
from firmware.command import command, integer
from firmware.settings import Settings
from firmware.uart_line import KEY, ONE_AND_A_HALF, RANGES, actual_line, arguments, stored_line

# What may keep the event loop waiting.
_SHORT_MS = const(40)
_FORMAT = "%d,%d,%d,%d,%d"


def commands(system):
    """The family's command table."""
    parameters = tuple([integer(least, most) for least, most in RANGES])
    family = UartCommands(system)
    return (
        command(b"+UART_CUR", parameters, set=family.switch, query=lambda at: family.tell_actual(at, "_CUR")),
        command(b"+UART_DEF", parameters, set=family.store, query=family.tell_stored),
        command(b"+UART", parameters, set=family.store, query=lambda at: family.tell_actual(at, "")),
    )


class UartCommands:
    """The handlers."""

    def __init__(self, system):
        self._system = system

    def switch(self, at, *line):
        """AT+UART_CUR=<baudrate>,<data bits>,<stop bits>,<parity>,<flow control>"""
        self._check(line)
        return self._switch(at.port, line)

    def store(self, at, *line):
        """AT+UART_DEF=..., AT+UART=...: for later starts too."""
        self._check(line)
        settings = Settings(at.memory)
        text = (_FORMAT % line).encode()
        settings.store(uart=text)
        if settings.text(KEY) != text:
            raise AtError(FAILED)
        return self._switch(at.port, line)

    def tell_actual(self, at, ending):
        """AT+UART_CUR?, AT+UART?"""
        at.info("+UART%s:" % ending + _FORMAT % actual_line(at.port.uart))

    def tell_stored(self, at):
        """AT+UART_DEF?"""
        at.info("+UART_DEF:" + _FORMAT % stored_line(self._system.config, Settings(at.memory)))

    def _check(self, line):
        config = self._system.config
        flow = line[4]
        if line[2] == ONE_AND_A_HALF or (flow & 1 and config.rts < 0) or (flow & 2 and config.cts < 0):
            raise AtError(NOT_POSSIBLE)

    def _switch(self, port, line):
        """Answer, and switch when the answer is out: at once, for the host may go on at the new speed at once."""
        sent = port.try_write(OK)
        if not sent:
            port.put(OK)
        if not sent or (port.backlog_ms() > _SHORT_MS and not port.uart.txdone()):
            return self._switch_later(port, line)
        return self._set(port, line)

    async def _switch_later(self, port, line):
        # Where CTS holds the answer back it switches all the same, or nobody could ever switch CTS off again.
        await port.drained(port.backlog_ms() + self._system.config.restart_drain_ms)
        return self._set(port, line)

    def _set(self, port, line):
        # This waits for the end of what is under way, to the bit, though for a second at most, and nothing else runs.
        port.uart.init(**arguments(self._system.config, line))
        port.baudrate = line[0]
        return DONE
