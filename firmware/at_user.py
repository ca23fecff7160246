"""The dispatcher: takes lines from the port, finds the command, runs its handler, and alone writes final results.

Handlers get the dispatcher as their first argument: it is what built-in and own commands program against. A plain
handler runs at once; one that waits (``async def``) runs in a task while the port drops other input. The result of a
handler is None for OK, bytes to send in OK's place, or ``DONE`` if it has said everything itself; an exception is
ERROR.
"""

import asyncio
import sys
from collections import OrderedDict

from micropython import const

from firmware.at_error import BUSY, KIND, NO_PREFIX, NO_TERMINATOR, TIMED_OUT, UNSUPPORTED, AtError, code_of
from firmware.command import Arguments, value_of
from firmware.unload import unload

OK = b"\r\nOK\r\n"
PROMPT = b"\r\nOK\r\n\r\n>"
DONE = b""
_LOOK_MS = const(10)

# Lines served even while another command is in progress; a host needs them to answer a wake signal or to start over.
_SERVED_PREFIX = b"AT+USERMCUSLEEP="
_SERVED = (b"AT+SLEEP=0", b"AT+RST")


class AtUser:
    """The command table and the state of the command in progress.

    ``queue`` takes a message report (``firmware.reports.Reports.add``); ``on_command`` (or None) is called once, for
    the first command that does not fail at once.
    """

    def __init__(self, port, queue=None, on_command=None):
        self.port = port
        self.show_codes = False
        # AT+SYSMSG's bits: which reports a host wants.
        self.report_bits = 0
        # How long a data prompt waits for the next byte, in milliseconds; 0 is for ever.
        self.prompt_ms = 0
        self.on_command = on_command
        self.queue = queue
        # In the order of entry, which an ordinary dict does not keep on the device.
        self.table = OrderedDict()
        # What the families of ``firmware.families`` belong to, by name.
        self.owners = {}
        # For ``firmware.settings``.
        self.memory = None
        self._loaded = ""
        self._loaded_table = ()
        self._in_progress = False
        self._served_too = ()

    def add(self, commands):
        """Enter a family's table; a name that is there already is replaced."""
        for entry in commands:
            self.table[entry[0]] = entry

    # For handlers.

    def info(self, line):
        """Send an information line; CR LF is added."""
        self.port.answering = True
        self.port.put(line.encode() if isinstance(line, str) else line, b"\r\n")

    async def data(self, target):
        """Send the data prompt, then fill the memoryview ``target`` with raw bytes from the host.

        Input then waits for the end of the command: call ``listen`` if that takes long. AtError if AT+USERPROMPT has
        set a time and no byte comes for so long.
        """
        self.port.answering = True
        self.port.begin_data(target)
        self.port.put(PROMPT)
        await self.filled()

    async def filled(self):
        """Wait for the data that ``port.begin_data`` is to take, as ``data`` does."""
        # ``asyncio.wait_for_ms`` would be half a kilobyte of memory for ever.
        while self.prompt_ms and self.port.data_missing():
            if self.port.silence() >= self.prompt_ms:
                self.port.end_data()
                raise AtError(TIMED_OUT)
            await asyncio.sleep_ms(_LOOK_MS)
        await self.port.data()

    def listen(self, served_too=()):
        """Let the host be heard while this command goes on: other input gets busy, the lines ``served_too`` are
        served, and message reports flow.
        """
        self._served_too = served_too
        self.port.answering = False
        self.port.resume_input()

    def report(self, line):
        """Queue a message report; CR LF is added. It passes the wake gate. False if the queue is full."""
        return self.queue((line.encode() if isinstance(line, str) else bytes(line)) + b"\r\n")

    # For the port.

    def line(self, buffer, start, end):
        """Carry out a line that arrived while no command was in progress."""
        try:
            result = self._call(buffer, start, end)
            if self.on_command:
                # Before the answer: it may write to flash, and the host may send again as soon as it has the answer.
                first, self.on_command = self.on_command, None
                first()
            if result is None or isinstance(result, bytes):
                self._finish(result)
            else:
                self.begin(result)
        except Exception as error:  # whatever a handler raises, the host gets ERROR and the port goes on
            self._fail(error)
        if not self._in_progress:
            self.port.answering = False

    def begin(self, coroutine):
        """A command that waits is in progress from now on."""
        self._in_progress = True
        self.port.command_begins()
        asyncio.create_task(self._run(coroutine))

    def serve(self, buffer, start, end):
        """Carry out a line of those that are served while a command is in progress; False for any other."""
        line = bytes(buffer[start:end])
        if not (line.startswith(_SERVED_PREFIX) or line in _SERVED + self._served_too):
            return False
        answering = self.port.answering
        try:
            result = self._call(buffer, start, end)
            if result is None or isinstance(result, bytes):
                self._finish(result)
            else:
                asyncio.create_task(self._run_beside(result))
        except Exception as error:  # as above
            self._fail(error)
        self.port.answering = answering
        return True

    def may_serve(self, buffer, start, end):
        """Whether a line that begins like this may yet become one that ``serve`` takes."""
        line = bytes(buffer[start:end])
        if line.startswith(_SERVED_PREFIX) or _SERVED_PREFIX.startswith(line):
            return True
        line = line.rstrip(b"\r")
        return any(served.startswith(line) for served in _SERVED + self._served_too)

    def busy(self):
        """Tell the host that its input was dropped."""
        self._show_code(BUSY)
        self.port.put(b"\r\nbusy p...\r\n")

    def too_long(self):
        """Answer a line that was longer than a command may be."""
        self._fail(AtError(NO_TERMINATOR))

    # Inside.

    def _call(self, buffer, start, end):
        """Find the command and call its handler: a result, or the coroutine of a handler that waits."""
        if end - start < 2 or not buffer.startswith(b"AT", start):
            raise AtError(NO_PREFIX)
        equals = buffer.find(b"=", start, end)
        if equals >= 0:
            name_end = equals
        else:
            name_end = end - 1 if end - start > 2 and buffer[end - 1] == 0x3F else end
        entry = self._find(bytes(self.port.view(start + 2, name_end)))
        if equals >= 0:
            return self._call_set(entry, bytes(self.port.view(equals + 1, end)))
        return _existing(entry[4] if name_end == end else entry[2])(self)

    def _call_set(self, entry, text):
        name, parameters, _, handler, _, ordered = entry
        _existing(handler)
        if text == b"?" and parameters:
            from firmware.test_form import test_form

            self.info(test_form(name, parameters))
            unload("test_form")
            return None
        if len(parameters) == 1 and not ordered and b"," not in text and b'"' not in text:
            # As below, with 200 bytes less.
            return handler(self, value_of(parameters[0], text, 0))
        arguments = Arguments(parameters, text)
        return handler(self, arguments) if ordered else handler(self, *arguments.values())

    def _find(self, name):
        """The table's line of a command; its family is loaded, and stays until another one is."""
        if name in self.table:
            return self.table[name]
        entry = _line_of(self._loaded_table, name)
        if not entry:
            # First, for the list of families takes memory, too.
            self.release()
            family = _family(name)
            unload("families")
            entry = family and _line_of(self.load(*family), name)
        if not entry:
            raise AtError(UNSUPPORTED)
        return entry

    def load(self, owner, modules):
        """The table of a family; it stays until another one is loaded."""
        if self._loaded != modules:
            self.release()
            self._loaded = modules
            family = "firmware." + modules.split()[0]
            try:
                self._loaded_table = __import__(family, None, None, ("commands",)).commands(self.owners[owner])
            except Exception:
                # Memory did not suffice: keep nothing of it.
                self.release()
                raise
        return self._loaded_table

    def release(self):
        """Let go the family that was loaded last: a handler that needs all the memory there is calls this."""
        unload(*self._loaded.split())
        self._loaded = ""
        self._loaded_table = ()

    async def _run(self, coroutine):
        error = result = None
        self.port.command_started()
        try:
            result = await coroutine
        except Exception as caught:  # as in line()
            error = caught
        self._served_too = ()
        self.port.command_ending()
        if error:
            self._fail(error)
        else:
            self._finish(result)
        # Not after the flush: others flush, too, and a host sends its next command as soon as it has the result.
        self._in_progress = False
        self.port.command_ended()
        await self.port.flush()

    async def _run_beside(self, coroutine):
        try:
            self._finish(await coroutine)
        except Exception as error:  # as in line()
            self._fail(error)
        await self.port.flush()

    def _finish(self, result):
        if result is None:
            self.port.put(OK)
        elif result:
            self.port.put(result)

    def _fail(self, error):
        if not isinstance(error, AtError):
            sys.print_exception(error)
        self._show_code(code_of(error))
        self.port.put(b"\r\nERROR\r\n")

    def _show_code(self, code):
        if self.show_codes:
            self.port.put(b"ERR CODE:0x%08x\r\n" % (0x01000000 | code))


def _family(name):
    # A frame of its own: one that goes on would hold the list.
    from firmware.families import family_of

    return family_of(name)


def _line_of(table, name):
    for entry in table:
        if entry[0] == name:
            return entry
    return None


def _existing(handler):
    if handler is None:
        raise AtError(KIND)
    return handler
