"""Basic AT commands: the module itself (ESP-AT user guide, "Basic AT Commands")."""

from firmware.at_user import DONE, OK
from firmware.command import command, integer


class Basic:
    """``system`` restarts and restores (``firmware.system``); ``on_sleep`` is told of AT+SLEEP."""

    def __init__(self, system, on_sleep):
        self._system = system
        self._on_sleep = on_sleep
        self._sleep_mode = 0

    def commands(self):
        """The family's command table."""
        return (
            command("", execute=_ok),
            command("E0", execute=_echo_off),
            command("E1", execute=_echo_on),
            command("+RST", execute=self._restart),
            command("+GMR", execute="about.versions"),
            command("+CMD", query="about.list_commands"),
            command("+RESTORE", execute=self._restore),
            command("+SLEEP", (integer(0, 3),), set=self._set_sleep, query=self._query_sleep),
            command("+SYSLOG", (integer(0, 1),), set=_set_syslog, query=_query_syslog),
            command("+SYSRAM", query="about.free_memory"),
        )

    async def _restart(self, at):
        at.port.put(OK)
        await self._system.restart()
        return DONE

    async def _restore(self, at):
        self._system.settings.clear()
        at.port.put(OK)
        await self._system.restart()
        return DONE

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


def _set_syslog(at, on):
    at.show_codes = bool(on)


def _query_syslog(at):
    at.info(b"+SYSLOG:%d" % at.show_codes)
