"""Commands about the module itself that hosts use seldom (ESP-AT user guide, "Basic AT Commands"). Loaded when
called.
"""

import os

import esp32

from firmware.at_user import DONE, OK
from firmware.command import command, integer
from firmware.version import VERSION

# Drivers read the capabilities from this number: 3.2 or later.
_AT_VERSION = "4.1.0.0"


def commands(system):
    """The family's command table."""

    async def restart(at):
        at.port.put(OK)
        await system.restart()
        return DONE

    def restore(at):
        from firmware.settings import Settings

        Settings().clear()
        return restart(at)

    return (
        command("+RST", execute=restart),
        command("+RESTORE", execute=restore),
        command("+GMR", execute=_versions),
        command("+CMD", query=_list_commands),
        command("+SYSLOG", (integer(0, 1),), set=_set_syslog, query=_query_syslog),
        command("+SYSRAM", query=_free_memory),
        command("+USERPROMPT", (integer(0),), set=_set_prompt, query=_query_prompt),
    )


def _versions(at):
    build = os.uname()
    chip = build.machine.split(" with ")[-1]
    at.info("AT version:%s(%s - %s - %s)" % (_AT_VERSION, VERSION, chip, build.version))
    at.info("SDK version:MicroPython %s" % build.release)
    at.info("compile time(%s):%s" % (VERSION, build.version))
    at.info("Bin version:%s(%s)" % (VERSION, chip))
    if __file__.startswith("/user/"):
        at.info("Development files:%s" % __file__.rpartition("/")[0])


async def _list_commands(at):
    for index, (name, parameters, query, set_form, execute, _) in enumerate(at.commands()):
        forms = (bool(set_form and parameters), bool(query), bool(set_form), bool(execute))
        at.info('+CMD:%d,"AT%s",%d,%d,%d,%d' % ((index, name) + forms))
        await at.port.flush()


def _set_syslog(at, on):
    at.show_codes = bool(on)


def _query_syslog(at):
    at.info(b"+SYSLOG:%d" % at.show_codes)


def _free_memory(at):
    """Free bytes of ESP-IDF's data memory, now and at the least since the start."""
    regions = esp32.idf_heap_info(esp32.HEAP_DATA)
    at.info(b"+SYSRAM:%d,%d" % (sum(region[1] for region in regions), sum(region[3] for region in regions)))


def _set_prompt(at, idle_ms):
    at.prompt_ms = idle_ms


def _query_prompt(at):
    at.info(b"+USERPROMPT:%d" % at.prompt_ms)
