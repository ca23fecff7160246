# What the device tests share. It runs before each of them, in the same session of the REPL:
#
#     mpremote run tests/device/harness.py run tests/device/basic.py
#
# The board's own firmware runs in the script: with its pins, radio and flash, and with a line in memory in place of the
# AT port's UART. SSID and PASSWORD, if set before, name an access point that the board can join. Nothing that is stored
# changes.
import gc

# Loading leaves litter; collected often, it does not end up between what stays.
gc.threshold(2048)
import asyncio
import io
import sys
import time

import machine


def use_development_files():
    """What ``make install`` has put on the board for the running image is what is tested."""
    from firmware.development import running_digest
    from firmware.user_partition import mount_user_partition

    folder = "/user/development"
    try:
        if not mount_user_partition() or open(folder + "/image").read() != running_digest():
            return
    except OSError:
        return
    print("development files are tested, from", folder)
    sys.path.insert(0, folder)
    for name in list(sys.modules):
        if name.startswith("firmware"):
            del sys.modules[name]


use_development_files()
from firmware import assembly
from firmware.at_port import AtPort
from firmware.at_user import AtUser

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"
PROMPT = b"\r\nOK\r\n\r\n>"
READY = b"\r\nready\r\n"
PATIENCE_MS = 10_000
TEST_MS = 180_000
WATCHDOG_REST_MS = 0x3FFFFFFF

_POLL = 3
_READABLE = 1
_WRITABLE = 4


class Skip(Exception):
    """This board, or what is around it, does not allow the test; the message says why."""


class Line(io.IOBase):
    """The module's UART as the firmware sees it; what it is given and what it has sent lie in memory."""

    def __init__(self):
        self.incoming = b""
        self.sent = bytearray()

    def any(self):
        return len(self.incoming)

    def readinto(self, buffer):
        count = min(len(buffer), len(self.incoming))
        if not count:
            return None
        buffer[:count] = self.incoming[:count]
        self.incoming = self.incoming[count:]
        return count

    def write(self, data):
        self.sent.extend(data)
        return len(data)

    def txdone(self):
        return True

    def ioctl(self, request, argument):
        if request == _POLL:
            return argument & (_WRITABLE | (_READABLE if self.incoming else 0))
        return -22

    # For the host.

    def put(self, data):
        self.incoming = self.incoming + data

    def get(self, most):
        data = bytes(self.sent[:most])
        self.sent = self.sent[len(data) :]
        return data


class Host:
    """The host MCU at ``line``, which has ``put`` and ``get``; expectations are exact."""

    def __init__(self, line):
        self._line = line

    def write(self, data):
        self._line.put(data)

    async def read(self, count, patience_ms=PATIENCE_MS):
        """As many bytes, or fewer if no more come in time."""
        data = b""
        begin = time.ticks_ms()
        while len(data) < count and time.ticks_diff(time.ticks_ms(), begin) < patience_ms:
            piece = self._line.get(count - len(data))
            data += piece
            if not piece:
                await asyncio.sleep_ms(1)
        return data

    async def expect(self, expected, patience_ms=PATIENCE_MS):
        data = await self.read(len(expected), patience_ms)
        if data != expected:
            data += await self.read(100, 100)
            raise AssertionError("expected %r, got %r" % (expected[:100], data[:100]))

    async def command(self, line, *answers):
        """Send a command line (echo off); the answer must be exactly ``answers``, by default OK."""
        self.write(line + b"\r\n")
        await self.expect(b"".join(answers) if answers else OK)

    async def answer(self, line, patience_ms=PATIENCE_MS):
        """Send a command line (echo off); its answer up to and including OK or ERROR."""
        self.write(line + b"\r\n")
        return await self.until((OK, ERROR), patience_ms)

    async def until(self, endings, patience_ms=PATIENCE_MS):
        data = b""
        begin = time.ticks_ms()
        while not any(data.endswith(ending) for ending in endings):
            left = patience_ms - time.ticks_diff(time.ticks_ms(), begin)
            piece = await self.read(1, left) if left > 0 else b""
            if not piece:
                raise AssertionError("no %r came, but %r" % (endings[0], data[-100:]))
            data += piece
        return data


class Module:
    """The firmware that runs in the script: its dispatcher ``at``, its configuration, and the line to it."""

    at = None
    config = None
    line = None


def _take_line(line):
    def open_port(config, settings):
        Module.config = config
        Module.line = line(config) if line else Line()
        return AtPort(Module.line, config.baudrate, config.txbuf)

    def make_at(*arguments):
        Module.at = AtUser(*arguments)
        return Module.at

    assembly.open_port = open_port
    assembly.AtUser = make_at


def named(name, default=None):
    """What the caller has set, SSID and the like."""
    return globals().get(name, default)


def table(rows):
    """Print rows of name, value and unit."""
    for name, value, unit in rows:
        print("  %-44s %10s %s" % (name, value, unit))


async def _start(line):
    _take_line(line)
    tasks = [asyncio.create_task(task) for task in assembly.assemble()]
    # What the start alone needs goes, as it does in firmware.app.
    for name in ("assembly", "own_commands", "wifi_control"):
        sys.modules.pop("firmware." + name, None)
    gc.collect()
    gc.threshold(-1)
    return tasks


async def _run(tests, line, far_end):
    far = far_end and far_end()  # it listens before the module says ready
    tasks = await _start(line)
    host = Host(far or Module.line)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    try:
        await host.expect(READY)
        await host.command(b"ATE0", b"ATE0\r\n", OK)
        await host.command(b"AT+SYSSTORE=0")
        for test in tests:
            result, remark = await _result(test, host)
            counts[result] += 1
            print("%-7s %s%s" % (result, _name(test), remark))
    finally:
        for task in tasks:
            task.cancel()
    return counts


def _name(test):
    """A function's name; not all of them know it themselves."""
    for name, value in globals().items():
        if value is test:
            return name
    return "?"


async def _result(test, host):
    try:
        await asyncio.wait_for_ms(test(host), TEST_MS)
    except Skip as reason:
        return "skipped", ": %s" % reason
    except Exception as error:
        sys.print_exception(error)
        return "failed", ": %r" % error
    return "passed", ""


def run(*tests, line=None, far_end=None):
    """Start the firmware, run the tests, and print a line for each and a summary. ``line(config)`` makes another line
    for the AT port, ``far_end()`` the host's end of it."""
    counts = {"passed": 0, "failed": len(tests), "skipped": 0}
    try:
        counts = asyncio.run(_run(tests, line, far_end))
    except Exception as error:
        sys.print_exception(error)
    finally:
        machine.WDT(timeout=WATCHDOG_REST_MS)
    print("%d passed, %d failed, %d skipped" % (counts["passed"], counts["failed"], counts["skipped"]))
