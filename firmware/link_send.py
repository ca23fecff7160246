"""AT+CIPSENDEX and AT+CIPSENDL (ESP-AT user guide, "TCP/IP AT Commands"). Loaded when called."""

from time import ticks_add, ticks_ms

from micropython import const

from firmware import log
from firmware.at_error import NOT_THERE, AtError
from firmware.at_user import PROMPT
from firmware.command import command, integer, string
from firmware.net import LINKS, SILENCE_MS, net_of
from firmware.unload import unload

_SEND_MOST = const(8192)
_BACKSLASH = const(0x5C)
_ZERO = const(0x30)
_GATHER_MS = const(20)
_ESCAPE = b"+++"
# Unless AT+CIPSENDLCFG says otherwise.
_REPORT = const(1024)


def commands(wifi):
    """The family's command table; with AT+CIPMUX=1 each set form begins with the number of a link."""
    net = net_of(wifi)
    first = (integer(0, LINKS - 1),) if net.mux else ()

    def extended(at, *values):
        return _send(net, at, values, _Escaped)

    def long(at, *values):
        return _send(net, at, values, _Long)

    receiver = (string(1, 64, optional=True), integer(1, 65535, optional=True))
    return (
        command(b"+CIPSENDEX", first + (integer(1, _SEND_MOST),) + receiver, set=extended),
        command(b"+CIPSENDL", first + (integer(1),) + receiver, set=long),
    )


async def _send(net, at, values, kind):
    number, size, host, port = values if net.mux else (0,) + values
    link = net.links[number]
    if link is None or link.lost:
        raise AtError(NOT_THERE)
    from firmware.pass_through import gather

    at.port.answering = True
    address = None
    try:
        if host is not None or port is not None:
            from firmware.resolver import datagram_address

            address = await datagram_address(link, host, port, len(values) - 2)
        await at.port.flush()
        result = await _take(at, link, address, size, kind(net.settings.get("sendl", (_REPORT,))[0]), gather)
    finally:
        unload("pass_through", "resolver")
    net.silent_until = ticks_add(ticks_ms(), SILENCE_MS)
    return result


async def _take(at, link, address, left, data, gather):
    """Take what the host sends, as ``data`` understands it, and give it to the link; the final result."""
    port = at.port
    view = memoryview(link.net.buffer)
    port.begin_data(view[:left], 1)
    port.put(PROMPT)
    failed = False
    while True:
        await at.filled()
        raw = await gather(port, view[:left], _GATHER_MS)
        left -= len(raw)
        part = data.understand(raw)
        if data.over or not left:
            data.end(port)
        if not failed:
            try:
                await link.write(at, part, address)
                data.report(port, len(part), not left)
            except OSError as error:
                log("data not sent:", error)
                failed = True
        if data.over or not left:
            break
        port.begin_data(view[:left], 1)
    if data.cancelled:
        return b"\r\nSEND CANCELLED\r\n"
    return b"\r\nSEND FAIL\r\n" if failed else b"\r\nSEND OK\r\n"


class _Long:
    """AT+CIPSENDL's data: a report every ``step`` bytes, and +++ ends it early."""

    def __init__(self, step):
        self._step = step
        self._taken = self._sent = self._told = 0
        self.over = self.cancelled = False

    def understand(self, raw):
        """What is to be sent of these bytes."""
        if raw == _ESCAPE:
            self.over = self.cancelled = True
            return raw[:0]
        self._taken += len(raw)
        return raw

    def report(self, port, count, last):
        """So much has been sent."""
        self._sent += count
        if self._sent - self._told >= self._step or (last and self._sent != self._told):
            self._told = self._sent
            port.put(b"+CIPSENDL:%d,%d\r\n" % (self._sent, self._taken))

    def end(self, port):
        """All data has come."""
        return


class _Escaped:
    """AT+CIPSENDEX's data: a backslash stands before what is meant as it is, and before the 0 that ends it early."""

    cancelled = False

    def __init__(self, step):
        self._taken = 0
        self._behind = False
        self.over = False

    def understand(self, raw):
        """What is to be sent of these bytes, in their place."""
        count = 0
        for byte in raw:
            if self._behind:
                self._behind = False
                if byte == _ZERO:
                    self.over = True
                    break
            elif byte == _BACKSLASH:
                self._behind = True
                continue
            raw[count] = byte
            count += 1
        self._taken += count
        return raw[:count]

    def report(self, port, count, last):
        """So much has been sent."""
        return

    def end(self, port):
        """All data has come."""
        port.put(b"\r\nRecv %d bytes\r\n" % self._taken)
