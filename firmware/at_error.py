"""The one error type of AT commands, and the names of its codes.

A code is ``sub << 16 | extension``; ``AT+SYSLOG=1`` shows it behind ESP-AT's module number as ``ERR CODE:0x01xxxxxx``.
"""

from micropython import const

NO_TERMINATOR = const(0x020000)
NO_PREFIX = const(0x030000)
# The index of the parameter is added to these, counting from 0.
LENGTH = const(0x040000)
TYPE = const(0x050000)
VALUE = const(0x070000)
PARSE = const(0x080000)
# needed << 8 | given is added.
COUNT = const(0x060000)
UNSUPPORTED = const(0x090000)
BUSY = const(0x0B0000)
KIND = const(0x0C0000)

FAILED = const(0x0A0000)
NOT_THERE = const(0x0A0001)
ALREADY_THERE = const(0x0A0002)
PAST_END = const(0x0A0003)
NO_MEMORY = const(0x0A0004)
HOST_ASLEEP = const(0x0A0005)
NO_NETWORK = const(0x0A0006)
TRANSFER_FAILED = const(0x0A0007)
IMAGE_REFUSED = const(0x0A0008)
TIMED_OUT = const(0x0A0009)
NOT_POSSIBLE = const(0x0A000A)


class AtError(Exception):
    """A command ends with ERROR. ``code`` is one of the codes above."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def code_of(error):
    """The code for any exception that ended a command."""
    if isinstance(error, AtError):
        return error.code
    return NO_MEMORY if isinstance(error, MemoryError) else FAILED
