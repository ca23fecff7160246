"""Basic AT commands: the module itself (ESP-AT user guide, "Basic AT Commands")."""

import os
import sys

from firmware.at_user import DONE, OK
from firmware.command import command, integer
from firmware.version import VERSION

# Drivers read the capabilities from this number: 3.2 or later.
_AT_VERSION = "4.1.0.0"


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
            command("+GMR", execute=_versions),
            command("+CMD", query=_list_commands),
            command("+RESTORE", execute=self._restore),
            command("+SLEEP", (integer(0, 3),), set=self._set_sleep, query=self._query_sleep),
            command("+SYSLOG", (integer(0, 1),), set=_set_syslog, query=_query_syslog),
            command("+SYSRAM", query=self._query_ram),
        )

    async def _restart(self, at):
        at.port.put(OK)
        await self._system.restart()
        return DONE

    async def _restore(self, at):
        self._system.restore()
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

    def _query_ram(self, at):
        at.info(b"+SYSRAM:%d,%d" % self._system.free_memory())


def _ok(at):
    return None


def _echo_off(at):
    at.port.echo = False


def _echo_on(at):
    at.port.echo = True


def _versions(at):
    build = os.uname()
    at.info("AT version:%s(%s - ESP32 - %s)" % (_AT_VERSION, VERSION, build.version))
    at.info("SDK version:MicroPython %s" % build.release)
    at.info("compile time(%s):%s" % (VERSION, build.version))
    at.info("Bin version:%s(%s)" % (VERSION, sys.platform.upper()))


async def _list_commands(at):
    for index, (name, test, query, set_form, execute) in enumerate(at.names()):
        at.info(b'+CMD:%d,"AT%s",%d,%d,%d,%d' % (index, name, test, query, set_form, execute))
        await at.port.flush()


def _set_syslog(at, on):
    at.show_codes = bool(on)


def _query_syslog(at):
    at.info(b"+SYSLOG:%d" % at.show_codes)
