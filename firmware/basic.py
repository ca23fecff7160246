"""The basic AT commands that hosts use all the time; the others are in ``module_commands``."""

from firmware.at_user import DONE, OK
from firmware.command import command, integer


class Basic:
    """``on_sleep`` is told of AT+SLEEP."""

    def __init__(self, on_sleep):
        self._on_sleep = on_sleep
        self._sleep_mode = 0

    def commands(self):
        """The family's command table."""
        return (
            command("", execute=_ok),
            command("E0", execute=_echo_off),
            command("E1", execute=_echo_on),
            command("+SLEEP", (integer(0, 3),), set=self._set_sleep, query=self._query_sleep),
        )

    def _set_sleep(self, at, mode):
        at.port.put(OK)
        self._sleep_mode = mode
        self._on_sleep(mode)
        return DONE

    def _query_sleep(self, at):
        at.info(b"+SLEEP:%d" % self._sleep_mode)


def _ok(at):
    return None


def _echo_off(at):
    at.port.echo = False


def _echo_on(at):
    at.port.echo = True
