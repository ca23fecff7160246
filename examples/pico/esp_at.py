"""A host's side of a module that speaks ESP-AT, for MicroPython boards such as the Raspberry Pi Pico.

``Module`` takes a ``machine.UART``. A command waits for its result; message reports, which may come at any time, go to
``on_report``. What goes wrong is an exception: ``Refused``, ``NoAnswer`` or ``Restarted``.
"""

from time import sleep_ms, ticks_diff, ticks_ms

SHORT_MS = 2_000
DATA_MS = 10_000
CONNECT_MS = 30_000
JOIN_MS = 20_000
START_MS = 20_000

BUSY_PAUSE_MS = 50
QUIET_MS = 30
# Longer than a prompt waits for data, by AT+USERPROMPT.
SYNC_PAUSE_MS = 1_500
PROMPT_MS = 1_000

PIECE = 4096
PIECE_TRIES = 3

_FAILURES = (b"ERROR", b"FAIL", b"SEND FAIL")


class Refused(Exception):
    """The module answered ERROR. ``code`` is its error code, 0x01......, ``lines`` what it said before."""

    def __init__(self, code, lines):
        super().__init__("0x%08x" % code)
        self.code = code
        self.lines = lines


class NoAnswer(Exception):
    """No answer in time; the next command first gets the module into step again."""


class Restarted(Exception):
    """The module has said ready in the middle of a command: its settings are those after a start."""


class Module:
    """``on_report(line)`` gets message reports as bytes, ``on_data(data)`` what came over a connection, in pieces.
    Neither may send commands.
    """

    def __init__(self, uart, on_report=print, on_data=print):
        self._uart = uart
        self._on_report = on_report
        self._on_data = on_data
        # Of +IPD, still to come.
        self._data_left = 0
        self._received = bytearray()
        self._in_step = False
        self.ready = False

    # Commands.

    def start(self):
        """Call after power-up, and after the module has restarted."""
        self._sync()
        self.command("ATE0")
        self.command("AT+SYSLOG=1")
        try:
            self.command("AT+USERPROMPT=%d" % PROMPT_MS)
        except Refused:
            pass  # ESP-AT's own firmware has no such command

    def version(self):
        """The version of the module's firmware."""
        for line in self.command("AT+GMR", prefix=b""):
            if line.startswith(b"Bin version:"):
                return line[12:].split(b"(")[0].decode()

    def join(self, ssid, password):
        """Join an access point. ``Refused.lines`` has +CWJAP:1 timeout, 2 wrong password, 3 not found, 4 failed."""
        self.command("AT+CWMODE=1")
        self.command("AT+CWJAP=%s,%s" % (quoted(ssid), quoted(password)), prefix=b"+CWJAP:", timeout_ms=JOIN_MS)

    def connect(self, host, port):
        """Open the one TCP connection of AT+CIPMUX=0; its end is the message report CLOSED."""
        self.command('AT+CIPSTART="TCP",%s,%d' % (quoted(host), port), prefix=b"CONNECT", timeout_ms=CONNECT_MS)

    def send(self, data):
        """Send at most 8192 bytes over the connection."""
        self.command("AT+CIPSEND=%d" % len(data), data=data, done=b"SEND OK", timeout_ms=DATA_MS)

    def close(self):
        """Close the connection."""
        self.command("AT+CIPCLOSE", prefix=b"CLOSED")

    def ram_allocate(self, size):
        """A block of the module's RAM for this host."""
        self.command("AT+USERRAM=1,%d" % size)

    def ram_write(self, data, offset=0):
        self.command("AT+USERRAM=2,%d,%d" % (len(data), offset), data=data, done=b"WRITE OK", timeout_ms=DATA_MS)

    def ram_read(self, size, offset=0):
        data = self.command("AT+USERRAM=3,%d,%d" % (size, offset), payload=b"+USERRAM:", timeout_ms=DATA_MS)
        if len(data) != size:
            raise NoAnswer("bytes were lost")
        return data

    def ram_release(self):
        self.command("AT+USERRAM=0")

    def wake_by_gpio(self, gpio, level=1, delay_ms=10_000):
        """From now on, while this host sleeps, the module drives ``gpio`` to ``level`` before it reports anything, and
        waits for ``awake`` at most so long.
        """
        self.command("AT+USERWKMCUCFG=0")
        self.command("AT+USERWKMCUCFG=1,1,%d,%d,%d" % (gpio, level, delay_ms))

    def sleep(self):
        """Tell the module that this host sleeps."""
        self.command("AT+USERMCUSLEEP=1")

    def awake(self):
        """Tell the module that this host is awake; the report that it was woken for follows."""
        self.command("AT+USERMCUSLEEP=0")

    def upgrade(self, image, size, sha256=None):
        """Feed an image through the port and wait until the new firmware answers. ``image`` is a file, or any other
        object with ``readinto``; ``sha256`` are the 64 hex digits of its digest.
        """
        # An upgrade that this host began before it was reset may still be under way.
        self.command("AT+USEROTAABORT")
        self.command("AT+USEROTASTART=%d" % size + (',"%s"' % sha256 if sha256 else ""))
        try:
            buffer = memoryview(bytearray(PIECE))
            sent = 0
            while sent < size:
                count = image.readinto(buffer[: min(PIECE, size - sent)])
                if not count:
                    raise ValueError("the image is shorter than %d bytes" % size)
                self._send_piece(buffer[:count], sent)
                sent += count
            self.ready = False
            self.command("AT+USEROTAEND", timeout_ms=START_MS)
        except Exception as error:
            if not isinstance(error, Restarted):
                self.command("AT+USEROTAABORT")
            raise
        self._wait_for(lambda: self.ready, START_MS)
        # The first command that the new firmware answers makes it permanent.
        self.start()

    def _send_piece(self, piece, before):
        for attempt in range(PIECE_TRIES):
            try:
                self.command("AT+USEROTADATA=%d" % len(piece), data=piece, timeout_ms=DATA_MS)
                return
            except (Refused, NoAnswer) as error:
                # Either the piece or the answer has got lost, or the upgrade has ended.
                (state,) = self.command("AT+USEROTA?", prefix=b"+USEROTA:")
                if state.startswith(b"+USEROTA:1,%d," % (before + len(piece))):
                    return
                if attempt == PIECE_TRIES - 1 or not state.startswith(b"+USEROTA:1,%d," % before):
                    raise error

    # Any command.

    def command(self, line, prefix=None, data=None, done=b"OK", payload=None, timeout_ms=SHORT_MS):
        """Send a command and wait for its result. A module that is busy is asked again until time is up.

        Returns the lines that begin with ``prefix``. ``data`` is sent when the module prompts for it; ``done`` is the
        result if it is not OK. With ``payload`` it returns the raw bytes that follow it, a count and a comma.
        """
        if not self._in_step:
            self._sync(timeout_ms)
        self.poll()
        answer = _Answer(line.encode(), prefix, data, done, payload)
        begin = ticks_ms()
        self._write_line(answer)
        while not answer.over:
            if ticks_diff(ticks_ms(), begin) > timeout_ms:
                self._in_step = False
                raise NoAnswer(line)
            if not self._take(answer):
                sleep_ms(1)
            if answer.prompted:
                answer.prompted = False
                answer.written = True
                self._write(data)
            elif answer.busy_since is not None and ticks_diff(ticks_ms(), answer.busy_since) > BUSY_PAUSE_MS:
                self._write_line(answer)
        if answer.restarted:
            raise Restarted(line)
        if answer.failed:
            raise Refused(answer.code, answer.lines)
        return answer.lines if payload is None else answer.raw

    def poll(self):
        """Take what has been received while no command is under way: reports. Call it often."""
        while self._take(None):
            pass

    def wait_report(self, timeout_ms):
        """Poll until there was a report; NoAnswer if there is none in time."""
        told = []
        usual, self._on_report = self._on_report, told.append
        try:
            self._wait_for(lambda: told, timeout_ms)
        finally:
            self._on_report = usual
        for line in told:
            usual(line)

    def _wait_for(self, condition, timeout_ms):
        begin = ticks_ms()
        while not condition():
            if ticks_diff(ticks_ms(), begin) > timeout_ms:
                raise NoAnswer
            if not self._take(None):
                sleep_ms(1)

    def _sync(self, timeout_ms=START_MS):
        """Get into step with a module in an unknown state: in a prompt, in a command, echoing, just starting."""
        begin = ticks_ms()
        while ticks_diff(ticks_ms(), begin) <= timeout_ms:
            self._received = bytearray()
            self._data_left = 0
            self._in_step = True
            try:
                self.command("AT", timeout_ms=300)
                # This OK may be that of an older command: after it the line must be quiet.
                sleep_ms(QUIET_MS)
                if not self._uart.any():
                    return
            except NoAnswer:
                sleep_ms(SYNC_PAUSE_MS)
            except (Refused, Restarted):
                pass
        self._in_step = False
        raise NoAnswer("AT")

    # Bytes.

    def _write_line(self, answer):
        answer.busy_since = None
        self._write(answer.line + b"\r\n")

    def _write(self, data):
        view = memoryview(data)
        while view:
            view = view[self._uart.write(view) or 0 :]

    def _take(self, answer):
        """Take one line or piece of raw bytes; False if nothing more has been received."""
        count = self._uart.any()
        if count:
            self._received += self._uart.read(count)
        received = self._received
        if self._data_left:
            if not received:
                return False
            piece = bytes(received[: self._data_left])
            self._data_left -= len(piece)
            self._received = received[len(piece) :]
            self._on_data(piece)
            return True
        if received.startswith(b"+IPD,"):
            head, colon, rest = bytes(received[:32]).partition(b":")
            if colon and b"\r" not in head:
                self._data_left = int(head.split(b",")[-1])
                self._received = received[len(head) + 1 :]
                return True
        if answer and answer.raw_left:
            if not received:
                return False
            piece = received[: answer.raw_left]
            answer.raw += piece
            answer.raw_left -= len(piece)
            self._received = received[len(piece) :]
            return True
        if answer and answer.begins(received):
            self._received = bytearray()
            return True
        if answer and answer.payload and received.startswith(answer.payload):
            head, comma, rest = bytes(received[:20]).partition(b",")
            if comma and head[len(answer.payload) :].isdigit():
                answer.raw_left = int(head[len(answer.payload) :])
                self._received = received[len(head) + 1 :]
                return True
        end = received.find(b"\n")
        if end < 0:
            return False
        self._received = received[end + 1 :]
        self._line(bytes(received[:end]).rstrip(b"\r"), answer)
        return True

    def _line(self, line, answer):
        if not line:
            return
        if line == b"ready":
            self.ready = True
            if answer:
                answer.over = answer.restarted = True
        elif answer and not answer.over:
            if not answer.take(line):
                self._on_report(line)
        elif not (line in _FAILURES or line == b"OK" or line.startswith((b"ERR CODE:", b"busy "))):
            # Those are of a command that has been given up.
            self._on_report(line)


class _Answer:
    """What has come so far of the answer to one command."""

    def __init__(self, line, prefix, data, done, payload):
        self.line = line
        self.prefix = prefix
        self.data = data
        self.done = done
        self.payload = payload
        self.lines = []
        self.raw = bytearray()
        self.raw_left = 0
        self.code = 0
        self.busy_since = None
        self.over = self.failed = self.restarted = self.prompted = self.written = False

    def begins(self, received):
        """Whether this is the prompt."""
        if self.data is not None and not self.written and received == b">":
            self.prompted = True
        return self.prompted

    def take(self, line):
        """Take a line; False if it does not belong to the command."""
        if line == self.line:
            return True  # the echo
        if line.startswith(b"busy "):
            self.busy_since = ticks_ms()
        elif self.busy_since is not None:
            return line in (b"OK", b"ERROR")  # of an older command
        elif line.startswith(b"ERR CODE:"):
            self.code = int(line[9:], 16)
        elif line in _FAILURES:
            self.over = self.failed = True
        elif line == b"OK" and self.data is not None and not self.written:
            pass  # the prompt follows
        elif line == self.done:
            self.over = True
        elif self.prefix is not None and line.startswith(self.prefix):
            self.lines.append(line)
        else:
            return self.written and line.startswith(b"Recv ")
        return True


def quoted(text):
    """A text as a parameter."""
    for special in '\\",':
        text = text.replace(special, "\\" + special)
    return '"' + text + '"'
