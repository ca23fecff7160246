"""Commands of the tests' own for a simulated board: ways to be busy, to report, and to see what arguments arrive as.

``AT+NAP=<ms>`` is in progress for so long; ``AT+TALK=<lines>,<ms>`` sends a line and waits, again and again;
``AT+LATER=<ms>`` is OK at once and reports ``+LATER`` after that time; ``AT+SHOW=...`` answers its parameters' values;
``AT+FAIL=<kind>`` raises something.
"""

COMMANDS_PY = b"""\
import asyncio

from firmware.command import command, integer, string


async def nap(at, ms):
    await asyncio.sleep_ms(ms)


async def talk(at, lines, ms):
    for number in range(lines):
        at.info("+TALK:%d" % number)
        await asyncio.sleep_ms(ms)


def later(at, ms):
    async def report():
        await asyncio.sleep_ms(ms)
        at.report("+LATER")

    asyncio.create_task(report())


def show(at, *values):
    at.info("+SHOW:" + repr(values))


def fail(at, what):
    if what == 0:
        raise ValueError("a bug")
    if what == 1:
        raise MemoryError
    raise OSError(5)


SHOWN = (string(0, 300), integer(-5, 5, optional=True), string(2, 4, optional=True))
COMMANDS = (
    command("+NAP", (integer(1, 60000),), set=nap),
    command("+TALK", (integer(1, 10000), integer(0, 1000)), set=talk),
    command("+LATER", (integer(0, 60000),), set=later),
    command("+SHOW", SHOWN, set=show),
    command("+FAIL", (integer(0, 2),), set=fail),
)
"""

NEEDED = "has own commands on its partition user"
