"""How links send and receive (ESP-AT user guide, "TCP/IP AT Commands"). Loaded when called."""

from micropython import const

from firmware.at_error import ALREADY_THERE, NOT_THERE, AtError
from firmware.command import command, integer
from firmware.net import LINKS, net_of

_ALL = const(5)
_EVERY_LINK = const(0x1F)


def commands(wifi):
    """The family's command table."""
    return LinkSettings(net_of(wifi)).table()


class LinkSettings:
    """The handlers; what they know is in ``net`` (``firmware.net.Net``)."""

    def __init__(self, net):
        self._net = net

    def table(self):
        """The family's command table."""
        flag = (integer(0, 1),)
        first = (integer(0, _ALL),) if self._net.mux else ()
        return (
            command(b"+CIPMUX", flag, set=self._set_mux, query=self._query_mux),
            command(b"+CIPMODE", flag, set=self._set_mode, query=self._query_mode),
            command(b"+CIPDINFO", flag, set=self._set_info, query=self._query_info),
            command(
                b"+CIPRECVTYPE",
                first + flag + (integer(0, 1, optional=True),),
                set=self._set_type,
                query=self._query_type,
            ),
            command(b"+CIPRECVMODE", flag, set=self._set_types, query=self._query_types),
        )

    def _set_mux(self, at, mux):
        """AT+CIPMUX=<several links>"""
        net = self._net
        if mux == net.mux:
            return
        if any(net.links) or net.server or net.mode:
            raise AtError(ALREADY_THERE)
        net.mux = bool(mux)
        # Other commands' parameters change with it.
        at.release()

    def _query_mux(self, at):
        """AT+CIPMUX?"""
        at.info(b"+CIPMUX:%d" % self._net.mux)

    def _set_mode(self, at, mode):
        """AT+CIPMODE=<pass-through>, for one link alone, which may be the one client of the server."""
        net = self._net
        if mode and net.mux and (not net.server or net.server.most > 1 or any(net.links[1:])):
            raise AtError(NOT_THERE)
        net.mode = bool(mode)

    def _query_mode(self, at):
        """AT+CIPMODE?"""
        at.info(b"+CIPMODE:%d" % self._net.mode)

    def _set_info(self, at, shown):
        """AT+CIPDINFO=<show where data came from>"""
        self._net.dinfo = bool(shown)

    def _query_info(self, at):
        """AT+CIPDINFO?"""
        at.info(b"+CIPDINFO:true" if self._net.dinfo else b"+CIPDINFO:false")

    def _set_type(self, at, *values):
        """AT+CIPRECVTYPE=[<link>,]<passive>[,<length of a datagram>]; lengths are always those of one datagram."""
        number, passive = (values if self._net.mux else (_ALL,) + values)[:2]
        self._set(_EVERY_LINK if number == _ALL else 1 << number, passive)

    def _set_types(self, at, passive):
        """AT+CIPRECVMODE=<passive>: of all links."""
        self._set(_EVERY_LINK, passive)

    def _set(self, bits, passive):
        net = self._net
        net.passive = net.passive | bits if passive else net.passive & ~bits
        for link in net.links:
            if link and not link.passive():
                link.deliver()

    def _query_type(self, at):
        """AT+CIPRECVTYPE?"""
        for number in range(LINKS if self._net.mux else 1):
            at.info(b"+CIPRECVTYPE:%d,%d" % (number, self._net.passive >> number & 1))

    def _query_types(self, at):
        """AT+CIPRECVMODE?"""
        at.info(b"+CIPRECVMODE:%d" % (self._net.passive & 1))
