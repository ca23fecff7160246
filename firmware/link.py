"""One link: a socket, and the message reports of what comes from it. Loaded while there are links.

A link is its own report: it is queued when the socket has something to read, and reads only when the report may go out
(``firmware.reports``). So a slow or sleeping host makes TCP push back, and no memory grows; and the last data comes
before CLOSED.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware import log
from firmware.at_port import readable
from firmware.net import OPTIONS, SILENCE_MS
from firmware.unload import unload

# One segment of TCP, or a datagram.
_AHEAD = const(1472)
_TICK_MS = const(10)
_PAUSE_MS = const(100)
# Bits of AT+SYSMSG.
_DETAILS = const(2)
_IN_PASS_THROUGH = const(4)
# lwIP's numbers.
_ENOTCONN = const(128)
_ETIMEDOUT = const(116)


def rest(net):
    """Give back the memory that only links and a server need, if there are none. The buffer stays for the next one:
    there may be no piece as large then.
    """
    if not (net.server or net.passing or any(net.links)):
        unload("link")


class Link:
    """``kind`` is b"TCP", b"UDP" or b"SSL"; ``stream`` what is read and written, None when closed. ``at`` queues
    reports. ``served`` is a link that a client of the server has opened, which is then reported.
    """

    def __init__(self, net, at, number, kind, stream, address, local, served=False):
        self.net = net
        self.number = number
        self.kind = kind
        self.stream = stream
        # The other end; for UDP it may change, as ``follow`` says (AT+CIPSTART's <mode>).
        self.address = address
        self.local = local
        self.served = served
        self.follow = 0
        # What it was opened with, for pass-through to open it again.
        self.target = None
        # How long sending may stand still, in ms; 0 is for ever.
        options = net.settings.get("tcpopt")
        self.limit = options[number * OPTIONS + 1] if options else 0
        self.active = ticks_ms()
        # In passive mode: data received and not read yet, whether the host knows, and where a datagram came from.
        self.ahead = b""
        self._told = False
        self.source = address
        self.lost = False
        self._announced = not served
        self._at = at
        self._queued = False
        self._done = asyncio.Event()
        net.links[number] = self
        net.used = True
        self._task = asyncio.create_task(self._watch())

    async def _watch(self):
        """Queue the link as a report whenever there is something to report."""
        while True:
            if self._announced:
                await readable(self.stream)
            self._done.clear()
            self._queue()
            await self._done.wait()

    def _queue(self):
        if not self._queued:
            self._queued = True
            self._at.queue(self)

    def name(self):
        """What stands before CONNECT and CLOSED, and in +IPD before the length."""
        return b"%d," % self.number if self.net.mux else b""

    def connected(self):
        """The line that tells of the new link, without CR LF, as AT+SYSMSG has it."""
        if self._at.report_bits & _DETAILS:
            values = (self.number, self.kind, self.served, self.address[0], self.address[1], self.local)
            return b'+LINK_CONN:0,%d,"%s",%d,"%s",%d,%d' % values
        return self.name() + b"CONNECT"

    def told(self):
        """Whether the host is told what becomes of the link: in pass-through only if AT+SYSMSG says so."""
        return not self.net.passing or self._at.report_bits & _IN_PASS_THROUGH

    def passive(self):
        """Whether the host fetches the data."""
        return self.net.passive >> self.number & 1

    def close(self):
        """Close the link, without a word."""
        stream, self.stream = self.stream, None
        if stream:
            self._task.cancel()
            stream.close()
            self.net.links[self.number] = None
            rest(self.net)

    def lose(self):
        """The link cannot be used any more: report it as closed, once the host has what came before."""
        self.lost = True
        self._queue()

    # The report.

    async def send(self, port):
        """What there is to report now, if anything; called when it may go out."""
        self._queued = False
        if not self.stream:
            return None
        left = ticks_diff(self.net.silent_until, ticks_ms())
        try:
            if not 0 < left <= SILENCE_MS:
                return await self._report_on(port)
        except Exception as error:  # whatever it is, links and reports go on
            log("report put off:", error)
            left = _PAUSE_MS
        await asyncio.sleep_ms(left)
        # Through the gate again: the host may have gone to sleep.
        self._queue()

    async def _report_on(self, port):
        if not self._announced:
            self._announced = True
            if self.told():
                port.put(self.connected() + b"\r\n")
            self._done.set()
        elif self.lost and not self.ahead:
            self._end(port)
        elif self.passive() and not self.net.mode:
            self._tell(port)
        else:
            await self._deliver(port)
        await port.flush()

    def consumed(self):
        """The host has all data that was announced: go on."""
        self._told = False
        self._done.set()
        if self.lost:
            self._queue()

    def deliver(self):
        """Passive mode is over: what the host has not fetched is sent."""
        if self.ahead:
            self._told = False
            self._queue()

    def _end(self, port):
        if self.told():
            port.put(self.name() + b"CLOSED\r\n")
        self.close()

    def _tell(self, port):
        if not self.ahead:
            data = self._datagram() if self.kind == b"UDP" else self.fill(memoryview(self.net.buffer)[:_AHEAD])
            if data is not None and not len(data) and self.kind != b"UDP":
                return self._end(port)
            self.ahead = bytes(data or b"")
        if not self.ahead:
            self._done.set()
        elif not self._told:
            self._told = True
            port.put(b"\r\n+IPD,%s%d\r\n" % (self.name(), len(self.ahead)))

    async def _deliver(self, port):
        data = self.ahead
        if not data:
            data = self._datagram() if self.kind == b"UDP" else self.fill(memoryview(self.net.buffer))
        if data is not None and not len(data) and self.kind != b"UDP":
            return self._end(port)
        if data:
            head = b"" if self.net.mode else self._head(len(data))
            self.ahead = b""
            if not port.try_write(head, data):
                await port.send_whole(head, data)
            if self.stream and len(data) == len(self.net.buffer):
                # There is more, most likely.
                return self._queue()
        self._done.set()

    def _head(self, length):
        if self.net.dinfo:
            return b'\r\n+IPD,%s%d,"%s",%d:' % (self.name(), length, self.source[0], self.source[1])
        return b"\r\n+IPD,%s%d:" % (self.name(), length)

    # The socket.

    def fill(self, view):
        """Read into ``view`` what is there: the part that was filled, empty at the end, None if there is nothing."""
        self.active = ticks_ms()
        try:
            count = self.stream.readinto(view)
        except OSError as error:
            log("a link is lost:", error)
            count = 0
        return None if count is None else view[:count]

    def _datagram(self):
        try:
            data, self.source = self.stream.recvfrom(_AHEAD)
        except OSError:
            # None is there, or the answer to one of ours: nobody listens.
            return None
        if self.follow and self.source != self.address:
            self.address = self.source
            if self.follow == 1:
                self.follow = 0
        return data

    async def write(self, at, view, address=None, listen=False):
        """Give all of ``view`` to the network; OSError if that fails. While it stands still and ``listen`` is set the
        host is told that the module is busy.
        """
        self.active = ticks_ms()
        if self.kind == b"UDP":
            self.stream.sendto(view, address or self.address)
            return
        waited = 0
        while len(view):
            if self.lost or not self.stream:
                raise OSError(_ENOTCONN)
            count = self.stream.write(view)
            if count:
                view = view[count:]
                waited = 0
            elif self.limit and waited >= self.limit:
                raise OSError(_ETIMEDOUT)
            else:
                if listen:
                    at.port.resume_input()
                await asyncio.sleep_ms(_TICK_MS)
                waited += _TICK_MS
