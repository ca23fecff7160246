"""The basic AT commands that hosts use all the time; the others are in ``module_commands``."""

from micropython import const

from firmware.at_error import FAILED, AtError
from firmware.at_user import DONE, OK
from firmware.command import command, integer

_ACCESS_POINT = const(2)
_LIGHT_SLEEP = const(2)
_LISTEN_INTERVAL = const(3)


class Basic:
    """``wifi``'s modem sleeps as AT+SLEEP says; ``on_sleep`` is told of it."""

    def __init__(self, wifi, on_sleep):
        self._wifi = wifi
        self._on_sleep = on_sleep
        self.save_power(0)

    def commands(self):
        """The family's command table."""
        return (
            command(b"", execute=_ok),
            command(b"E0", execute=_echo_off),
            command(b"E1", execute=_echo_on),
            command(b"+SLEEP", (integer(0, 3),), set=self._set_sleep, query=self._query_sleep),
        )

    def save_power(self, mode):
        """Let the modem sleep: not at all (0), by the access point's DTIM (1), or by the listen interval (3). The port
        has no automatic light sleep, so 2 is taken as 3.
        """
        self._sleep_mode = _LISTEN_INTERVAL if mode == _LIGHT_SLEEP else mode
        try:
            self._wifi.station.config(pm=min(mode, 2))
        except OSError:
            # The port has set it, then the driver refused to store settings: it is off, or connecting.
            pass

    def _set_sleep(self, at, mode):
        if mode and self._wifi.mode & _ACCESS_POINT:
            raise AtError(FAILED)
        self.save_power(mode)
        at.port.put(OK)
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
