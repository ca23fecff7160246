"""What the module tells of itself: AT+GMR, AT+CMD?, the test forms, AT+SYSRAM?. Loaded when asked."""

import os
import sys

import esp32
from micropython import const

from firmware.version import VERSION

_STRING = const(1)

# Drivers read the capabilities from this number: 3.2 or later.
_AT_VERSION = "4.1.0.0"


async def versions(at):
    """The lines of AT+GMR, in the form of ESP-AT's."""
    build = os.uname()
    at.info("AT version:%s(%s - ESP32 - %s)" % (_AT_VERSION, VERSION, build.version))
    at.info("SDK version:MicroPython %s" % build.release)
    at.info("compile time(%s):%s" % (VERSION, build.version))
    at.info("Bin version:%s(%s)" % (VERSION, sys.platform.upper()))
    await at.port.flush()


async def list_commands(at):
    """One line for each command: its number, name, and whether it has a test, query, set and execute form."""
    for index, (name, parameters, query, set_form, execute, _) in enumerate(at.commands()):
        forms = (bool(set_form and parameters), bool(query), bool(set_form), bool(execute))
        at.info('+CMD:%d,"AT%s",%d,%d,%d,%d' % ((index, name) + forms))
        await at.port.flush()


async def test_form(at, name, parameters):
    """The answer to ``AT+NAME=?``: the ranges, optional parameters in brackets, strings by their lengths."""
    text = name + ":"
    for index, (kind, least, most, optional) in enumerate(parameters):
        form = ('"%d-%d"' if kind == _STRING else "(%d-%d)") % (least, most)
        if index:
            form = "," + form
        text += "[" + form + "]" if optional else form
    at.info(text)


async def free_memory(at):
    """Free bytes of ESP-IDF's data memory, now and at the least since the start."""
    regions = esp32.idf_heap_info(esp32.HEAP_DATA)
    at.info(b"+SYSRAM:%d,%d" % (sum(region[1] for region in regions), sum(region[3] for region in regions)))
