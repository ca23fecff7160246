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

        Settings(at.memory).clear()
        return restart(at)

    return (
        command(b"+RST", execute=restart),
        command(b"+RESTORE", execute=restore),
        command(b"+GMR", execute=_versions),
        command(b"+CMD", query=_list_commands),
        command(b"+SYSLOG", (integer(0, 1),), set=_set_syslog, query=_query_syslog),
        command(b"+SYSRAM", (integer(0),), set=_memory_of_kind, query=_free_memory),
        command(b"+SYSSTORE", (integer(0, 1),), set=_set_store, query=_query_store),
        command(b"+SYSMSG", (integer(0, 7),), set=_set_reports, query=_query_reports),
        command(b"+USERPROMPT", (integer(0),), set=_set_prompt, query=_query_prompt),
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


def _list_commands(at):
    from firmware.command_list import list_commands

    return list_commands(at)


def _set_syslog(at, on):
    at.show_codes = bool(on)


def _query_syslog(at):
    at.info(b"+SYSLOG:%d" % at.show_codes)


def _free_memory(at):
    """Free bytes of ESP-IDF's data memory, now and at the least since the start."""
    regions = esp32.idf_heap_info(esp32.HEAP_DATA)
    at.info(b"+SYSRAM:%d,%d" % (sum(region[1] for region in regions), sum(region[3] for region in regions)))


def _memory_of_kind(at, capabilities):
    """AT+SYSRAM=<capabilities>: the memory that has all of them; the bits are ESP-IDF's."""
    regions = esp32.idf_heap_info(capabilities)
    size, free, _, least = (sum(region[index] for region in regions) for index in range(4))
    largest = max((region[2] for region in regions), default=0)
    at.info(b"+SYSRAM:%d,%d,%d,%d" % (largest, free, least, size))


def _set_store(at, on):
    """AT+SYSSTORE=<mode>: whether what commands set is stored, until the next restart."""
    from firmware.settings import Settings

    Settings(at.memory).hold(store=on)


def _query_store(at):
    from firmware.settings import Settings

    at.info(b"+SYSSTORE:%d" % Settings(at.memory).integer("store", 1))


def _set_reports(at, bits):
    """AT+SYSMSG=<bits>: 1 say when pass-through ends, 2 say more of connections, 4 reports in pass-through."""
    from firmware.settings import Settings

    at.report_bits = bits
    Settings(at.memory).keep(sysmsg=bits)


def _query_reports(at):
    at.info(b"+SYSMSG:%d" % at.report_bits)


def _set_prompt(at, idle_ms):
    at.prompt_ms = idle_ms


def _query_prompt(at):
    at.info(b"+USERPROMPT:%d" % at.prompt_ms)
