"""The TCP/IP commands that hosts use all the time (ESP-AT user guide, "TCP/IP AT Commands"). Loaded when called.
What opens a link is in ``link_open``, what tells of them in
``link_state``.
"""

from time import ticks_add, ticks_ms

from micropython import const

from firmware import log
from firmware.at_error import KIND, NOT_THERE, AtError
from firmware.command import command, integer, string
from firmware.net import LINKS, PIECE, SILENCE_MS, net_of
from firmware.unload import unload

_SEND_MOST = const(8192)
_ALL = const(5)


def commands(wifi):
    """The family's command table."""
    return LinkCommands(net_of(wifi)).table()


class LinkCommands:
    """The handlers; what they know is in ``net`` (``firmware.net.Net``)."""

    def __init__(self, net):
        self._net = net

    def table(self):
        """The family's command table; with AT+CIPMUX=1 each set form begins with the number of a link."""
        first = (integer(0, LINKS - 1),) if self._net.mux else ()
        send = (integer(1, _SEND_MOST), string(1, 64, optional=True), integer(1, 65535, optional=True))
        return (
            command(b"+CIPSEND", first + send, set=self._send, execute=self._pass_through),
            command(b"+CIPCLOSE", (integer(0, _ALL),), set=self._close_one, execute=self._close),
            command(b"+CIPRECVDATA", first + (integer(1), integer(0, 1, optional=True)), set=self._receive),
            command(b"+CIPRECVLEN", query=self._lengths),
        )

    def _send(self, at, *values):
        """AT+CIPSEND=[<link>,]<length>[,"<host>",<port>]"""
        number, size, host, port = self._numbered(values)
        return self._send_data(at, self._open(number), size, host, port, len(values) - 2)

    async def _send_data(self, at, link, left, host, port, index):
        at.port.answering = True
        address = None
        if host is not None or port is not None:
            from firmware.resolver import datagram_address

            try:
                address = await datagram_address(link, host, port, index)
            finally:
                unload("resolver")
        await at.port.flush()
        buffer = memoryview(self._net.buffer)
        size = left
        part = buffer[:left]
        sent = True
        await at.data(part)
        while True:
            left -= len(part)
            if not left:
                at.port.put(b"\r\nRecv %d bytes\r\n" % size)
            if sent:
                # What cannot be sent any more is taken all the same: the host has promised it.
                sent = await _give(at, link, part, address, not left)
            if not left:
                break
            part = buffer[:left]
            at.port.begin_data(part)
            await at.filled()
        self._net.silent_until = ticks_add(ticks_ms(), SILENCE_MS)
        return b"\r\nSEND OK\r\n" if sent else b"\r\nSEND FAIL\r\n"

    def _pass_through(self, at):
        """AT+CIPSEND: data as it is, both ways, until +++."""
        link = self._open(0)
        if not self._net.mode or link.follow:
            raise AtError(NOT_THERE)
        from firmware.pass_on import pass_on

        return pass_on(self._net, at, link.target)

    def _close(self, at):
        """AT+CIPCLOSE, of the only link."""
        if self._net.mux:
            raise AtError(KIND)
        self._close_link(at, 0)

    def _close_one(self, at, number):
        """AT+CIPCLOSE=<link>, or 5 for all of them."""
        if not self._net.mux:
            raise AtError(KIND)
        if number < _ALL:
            return self._close_link(at, number)
        for link in self._net.links:
            if link:
                self._close_link(at, link.number)

    def _close_link(self, at, number):
        link = self._net.links[number]
        if link is None:
            raise AtError(NOT_THERE)
        link.close()
        at.info(link.name() + b"CLOSED")

    def _receive(self, at, *values):
        """AT+CIPRECVDATA=[<link>,]<length>[,<whole datagrams>]"""
        number, most, whole = self._numbered(values)
        link = self._net.links[number]
        if link is None or not link.passive() or not link.ahead or (whole and len(link.ahead) > most):
            raise AtError(NOT_THERE)
        return self._hand_over(at, link, most)

    async def _hand_over(self, at, link, most):
        at.port.answering = True
        await at.port.flush()
        data = memoryview(link.ahead)[:most]
        link.ahead = link.ahead[most:]
        more = b""
        if len(data) < most and link.kind != b"UDP" and not link.lost:
            more = link.fill(memoryview(self._net.buffer)[: min(most, PIECE) - len(data)]) or b""
        source = b'"%s",%d,' % link.source if self._net.dinfo else b""
        head = b"+CIPRECVDATA:%d,%s" % (len(data) + len(more), source)
        await at.port.send_whole(head, data, more)
        if not link.ahead:
            link.consumed()

    def _lengths(self, at):
        """AT+CIPRECVLEN?; -1 for a link that is not open, as drivers know it."""
        links = self._net.links if self._net.mux else self._net.links[:1]
        at.info("+CIPRECVLEN:" + ",".join(str(len(link.ahead) if link else -1) for link in links))

    def _numbered(self, values):
        """The values of a set form with the number of the link in front, which AT+CIPMUX=0 leaves out."""
        return values if self._net.mux else (0,) + values

    def _open(self, number):
        link = self._net.links[number]
        if link is None or link.lost:
            raise AtError(NOT_THERE)
        return link


async def _give(at, link, part, address, last):
    try:
        await link.write(at, part, address, last)
    except OSError as error:
        log("data not sent:", error)
        return False
    return True
