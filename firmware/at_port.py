"""The AT port: bytes from the UART become lines or data, and what is sent goes out in whole pieces.

Rules: SPEC, "Lines and answers". Reading never copies: a line is parsed where it was received, data goes straight
into the memory that asked for it. ``UART.write`` would block the whole interpreter while the driver's buffer is full,
for ever if CTS is held off, so never more is under way than that buffer takes; ``txdone`` alone tells that it is
empty again. Costs a line's buffer.
"""

import asyncio
from asyncio import core  # type: ignore[attr-defined]
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

_LINE_MOST = const(256)
_BUFFER = const(320)
# Enough to empty the driver's buffer, and an end where the host never pauses.
_READS_AT_MOST = const(16)
_BURST_GAP_MS = const(20)
_HALF_LINE_MS = const(500)
_TICK_MS = const(10)
# Ticks wrap: what was a week ago lies in the future. No buffer takes so long to empty.
_BACKLOG_MOST_MS = const(1 << 20)
# poll sees bytes once per tick only. So for a while after the last byte in or out, when a host's next ones mostly come,
# every turn of the loop looks, and takes data in pieces that are worth a slice of the memory they go to.
_LOOK_MS = const(10)
_WORTH = const(1024)
# ESP-IDF keeps two headers in the driver's buffer for each write, and wastes what is left before the buffer's end when
# an item does not fit there.
_WRITE_COST = const(48)
_WASTE = const(1100)
PIECE = const(1024)
_UNIT = const(PIECE + 64)

# What to do with the rest of the line under way.
_KEEP = const(0)
_DROP = const(1)
_DROP_TOO_LONG = const(2)


def readable(stream):
    """Wait until ``stream`` has something to read: what asyncio.Stream does, without a kilobyte for asyncio.stream."""
    yield core._io_queue.queue_read(stream)


class AtPort:
    """One host on one UART.

    ``commands`` (the dispatcher) is told of lines: ``line(buffer, start, end)`` when idle; while a command is in
    progress ``serve(buffer, start, end)``, which says whether it took the line, ``may_serve`` of a line not yet
    complete, and ``busy()`` once per burst of input that is dropped; ``too_long()`` of a line over 256 bytes.
    """

    def __init__(self, uart, baudrate, txbuf):
        self.uart = uart
        self.echo = True
        # From the first bytes of a command's answer to its final result: no report may come in between.
        self.answering = False
        self._in_progress = False
        self._starting = False
        self._commands = None

        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = self._scan = self._end = self._echoed = 0
        self._rest = _KEEP
        self._last_byte = ticks_ms()
        self._seen = 0
        self._told_busy = False

        self._target = None
        self._filled = self._enough = 0
        self._data_over = asyncio.Event()
        self._held = False
        self._released = asyncio.Event()

        self._pending = []
        self._splitting = False
        self._room_total = txbuf - _WASTE
        self._under_way = 0
        self.baudrate = baudrate
        self._clear_at = ticks_ms()

    # Input.

    async def run(self, commands):
        """Read for ever, handing lines to ``commands``."""
        self._commands = commands
        while True:
            if self._is_lively():
                await asyncio.sleep_ms(0)
                if not self._has_input():
                    continue
            else:
                await readable(self.uart)
            self._read()
            while self._start < self._end and await self._take():
                pass

    def _is_lively(self):
        """Whether bytes came or went a moment ago."""
        now = ticks_ms()
        return (
            0 <= ticks_diff(now, self._last_byte) < _LOOK_MS or -_LOOK_MS < ticks_diff(now, self._clear_at) < _LOOK_MS
        )

    def _has_input(self):
        """Whether a read is worth it: all of the data, or much of it, or the end of a burst. The beginning of a line
        costs no memory.
        """
        before, self._seen = self._seen, self.uart.any()
        if self._target is not None:
            return self._seen >= min(len(self._target) - self._filled, _WORTH)
        # A command in progress may keep flash busy from the next turn on.
        return self._seen and (not self._end or self._in_progress or self._seen == before or self._seen >= _BUFFER)

    def _read(self):
        """Take bytes from the UART, data to where it belongs. Nothing may hold on to that place while waiting for
        bytes: it changes meanwhile, and a block that is released must be free.
        """
        if self._target is not None and self._start == self._end:
            count = self.uart.readinto(self._target[self._filled :] if self._filled else self._target)
            if count:
                self._last_byte = ticks_ms()
                self._data_arrived(count)
        else:
            count = self.uart.readinto(self._view[self._end :] if self._end else self._view)
            if count:
                self._note_arrival(count)

    def _note_arrival(self, count):
        now = ticks_ms()
        if ticks_diff(now, self._last_byte) > _BURST_GAP_MS:
            self._told_busy = False
        self._last_byte = now
        self._end += count

    async def _take(self):
        """Take one line or the data at hand out of the buffer; False when the line under way is not complete."""
        if self._held:
            await self._released.wait()
            return True
        if self._target is not None:
            self._take_data()
            return True
        complete = self._take_line()
        # The command just begun may be about to ask for the data behind its line.
        while self._starting:
            await asyncio.sleep_ms(0)
        if self._pending:
            await self.flush()
        return complete

    def _take_line(self):
        newline = self._buffer.find(b"\n", self._scan, self._end)
        limit = self._end if newline < 0 else newline + 1
        if self.echo and not self._in_progress and self._rest != _DROP:
            self.put(self._view[self._echoed : limit])
        self._echoed = limit
        if newline < 0:
            self._scan = limit
            self._half_line(limit)
        else:
            start = self._start
            self._start = self._scan = newline + 1
            self._whole_line(start, newline)
        self._make_room()
        return newline >= 0

    def _whole_line(self, start, newline):
        end = newline
        if end > start and self._buffer[end - 1] == 0x0D:
            end -= 1
        rest, self._rest = self._rest, _KEEP
        if rest == _DROP:
            return
        if rest == _DROP_TOO_LONG or end - start > _LINE_MOST:
            if self._in_progress:
                self._say_busy()
            else:
                self._commands.too_long()
        elif end == start:
            pass
        elif not self._in_progress:
            self._commands.line(self._buffer, start, end)
        elif not self._commands.serve(self._buffer, start, end):
            self._say_busy()

    def _half_line(self, limit):
        start = self._start
        if self._in_progress and not (self._rest == _KEEP and self._commands.may_serve(self._buffer, start, limit)):
            self._say_busy()
        # One byte more may be the CR of the terminator.
        over = limit - start - _LINE_MOST
        if over > 1 or (over == 1 and self._buffer[limit - 1] != 0x0D):
            if self._rest == _KEEP:
                self._rest = _DROP_TOO_LONG
        if self._rest != _KEEP:
            self._start = limit

    def _make_room(self):
        """Move the rest to the front of the buffer when the buffer has been used up to its end."""
        if self._start == self._end:
            self._start = self._scan = self._end = self._echoed = 0
        elif self._end == _BUFFER:
            start = self._start
            self._buffer[: self._end - start] = self._buffer[start : self._end]
            self._scan -= start
            self._end -= start
            self._echoed -= start
            self._start = 0

    def _say_busy(self):
        if not self._told_busy:
            self._told_busy = True
            self._commands.busy()

    def view(self, start, end):
        """A piece of the line under way, without a copy."""
        return self._view[start:end]

    # A command in progress.

    def command_begins(self):
        """From now on input is dropped, with one ``busy p...`` per burst."""
        self._in_progress = True
        self._starting = True
        self._told_busy = False

    def command_started(self):
        """The command's handler is running; input is looked at again when it first waits."""
        self._starting = False

    def command_ending(self):
        """Call before the final result goes out: input that has arrived and was not told busy yet is told now."""
        if self._held or self._target is not None:
            return
        for number in range(_READS_AT_MOST):
            while self._start < self._end and self._take_line():
                pass
            if not self.uart.any():
                break
            if number:
                # What waits behind the read before belongs to its burst.
                self._last_byte = ticks_ms()
            self._read()
        if self._start < self._end:
            self._say_busy()

    def command_ended(self):
        """Back to command mode; a line half received is dropped up to its terminator."""
        self._in_progress = False
        self.answering = False
        self._target = None
        if self._held:
            self.resume_input()
        elif self._start < self._end or self._rest != _KEEP:
            self._rest = _DROP
            self._start = self._scan = self._echoed = self._end
            self._make_room()

    # Data mode.

    def begin_data(self, target, enough=None):
        """Data mode from now on: the next ``len(target)`` bytes go into this memoryview. ``data`` waits for ``enough``
        of them, all unless told."""
        self._filled = 0
        self._enough = enough or len(target)
        self._last_byte = ticks_ms()
        self._data_over.clear()
        self._target = target
        if self._held:
            self.resume_input()

    def end_data(self):
        """Back from data mode though the memory is not full; what has arrived stays there."""
        self._target = None

    def silence(self):
        """Milliseconds since the last byte, or since data mode began."""
        return 0 if self.uart.any() else ticks_diff(ticks_ms(), self._last_byte)

    async def data(self):
        """Wait until the memory given to ``begin_data`` is full. Input then waits for the command's end, or for
        ``resume_input``."""
        await self._data_over.wait()

    def data_missing(self):
        """Whether ``data`` would have to wait."""
        return not self._data_over.is_set()

    def filled(self):
        """How many bytes are in the memory given to ``begin_data``."""
        return self._filled

    def pause_data(self):
        """Let the input wait, as when the memory is full; how many bytes are in it."""
        self._target = None
        self._held = True
        self._released.clear()
        return self._filled

    def _take_data(self):
        count = min(len(self._target) - self._filled, self._end - self._start)
        self._target[self._filled : self._filled + count] = self._view[self._start : self._start + count]
        self._start += count
        self._scan = self._echoed = self._start
        self._make_room()
        self._data_arrived(count)

    def _data_arrived(self, count):
        self._filled += count
        if self._filled == len(self._target):
            self.pause_data()
        if self._filled >= self._enough:
            self._data_over.set()

    def resume_input(self):
        """Read on after data, while the command that took it is still in progress."""
        self._held = False
        self._released.set()

    def drop_waiting(self):
        """Drop the input that has arrived so far; True if there was any."""
        any_there = self._start < self._end
        self._start = self._end
        self._make_room()
        for _ in range(_READS_AT_MOST):
            if not self.uart.any():
                break
            any_there = True
            self.uart.readinto(self._view)
        self._last_byte = ticks_ms()
        return any_there

    def line_under_way(self):
        """Whether the host is in the middle of a line: bytes without a terminator, the last within 500 ms."""
        if self._held or self._target is not None or (self._rest == _KEEP and self._start == self._end):
            return False
        return 0 <= self.silence() < _HALF_LINE_MS

    # Output.

    def _write(self, data):
        self.uart.write(data)
        count = len(data)
        self._under_way += count + _WRITE_COST
        if not 0 <= self.backlog_ms() < _BACKLOG_MOST_MS:
            self._clear_at = ticks_ms()
        self._clear_at = ticks_add(self._clear_at, count * 10_000 // self.baudrate)

    def _has_room(self, count):
        count += 2 * _WRITE_COST
        if self._under_way + count <= self._room_total:
            return True
        if not self.uart.txdone():
            return False
        self._under_way = 0
        return count <= self._room_total

    def backlog_ms(self):
        """When what is under way will be on the wire, by the baud rate; negative when it was. CTS may hold it up."""
        return ticks_diff(self._clear_at, ticks_ms())

    def _pause(self):
        """How long to sleep before looking for room again: a tick, but not past the moment when the buffer runs
        empty. Later than that CTS must be holding things up.
        """
        left = self.backlog_ms()
        # The clock is rounded down, so a little past the moment counts as near it.
        return 0 if -_TICK_MS < left < _TICK_MS else _TICK_MS

    def try_write(self, head, body=b""):
        """Send both as one piece if they can go out now without waiting; False if not. Allocates nothing."""
        count = len(head) + len(body)
        if self._pending or self._splitting or count > _UNIT or not self._has_room(count):
            return False
        self._write(head)
        if body:
            self._write(body)
        return True

    def put(self, head, body=b""):
        """Send both now, or behind what is waiting already; ``flush`` waits until they are under way."""
        if not self.try_write(head, body):
            self._pending.append(bytes(head) + body)

    async def write(self, head, body=b""):
        """Send both as one piece, waiting for room: ``body`` at most ``PIECE`` bytes, ``head`` at most 64."""
        while not self.try_write(head, body):
            await asyncio.sleep_ms(self._pause())

    async def flush(self):
        """Wait until everything that was put is under way, and nobody sends long pieces."""
        while self._pending or self._splitting:
            if self._splitting:
                await asyncio.sleep_ms(_TICK_MS)
            elif len(self._pending[0]) > _UNIT:
                await self._send_pieces(self._pending.pop(0))
            elif self._has_room(len(self._pending[0])):
                self._write(self._pending.pop(0))
            else:
                await asyncio.sleep_ms(self._pause())

    async def send_whole(self, *parts):
        """Send ``parts``, however long, without a copy and with nothing in between."""
        await self.flush()
        await self._send_pieces(*parts)

    async def _send_pieces(self, *parts):
        self._splitting = True
        try:
            for part in parts:
                view = memoryview(part)
                for begin in range(0, len(part), PIECE):
                    piece = view[begin : begin + PIECE]
                    while not self._has_room(len(piece)):
                        await asyncio.sleep_ms(self._pause())
                    self._write(piece)
        finally:
            self._splitting = False

    async def quiet(self):
        """Wait until something unasked may go out: no line under way, no answer begun, nothing waiting."""
        while self.answering or self.line_under_way() or self._pending or self._splitting:
            await asyncio.sleep_ms(_TICK_MS)

    async def drained(self, limit_ms):
        """Wait until all bytes are on the wire, at most ``limit_ms`` (CTS may hold them for ever)."""
        begin = ticks_ms()
        flushing = asyncio.create_task(self.flush())
        while not (flushing.done() and self.uart.txdone()) and ticks_diff(ticks_ms(), begin) < limit_ms:
            await asyncio.sleep_ms(self._pause())
