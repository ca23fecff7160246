"""How TLS links are made and verified (ESP-AT user guide, "TCP/IP AT Commands"). Loaded when called.

The certificates are files on the board (``firmware.link_tls``), one of a kind: their numbers are 0.
"""

from micropython import const

from firmware.command import command, integer, string
from firmware.net import LINKS, net_of
from firmware.net_settings import keep

_ALL = const(5)


def commands(wifi):
    """The family's command table."""
    return _TlsSettings(net_of(wifi)).table()


class _TlsSettings:
    def __init__(self, net):
        self._net = net

    def table(self):
        """The family's command table; with AT+CIPMUX=1 each set form begins with the number of a link, or 5 for all."""
        first = (integer(0, _ALL),) if self._net.mux else ()
        certificate = (integer(0, 0, optional=True),) * 2
        name = first + (string(0, 64),)
        modes = first + (integer(0, 3),) + certificate
        query_sni, query_cn = self._query(b"+CIPSSLCSNI", "sni%d"), self._query(b"+CIPSSLCCN", "cn%d")
        return (
            command(b"+CIPSSLCCONF", modes, set=self._set_mode, query=self._query_mode),
            command(b"+CIPSSLCSNI", name, set=self._setter("sni%d"), query=query_sni),
            command(b"+CIPSSLCCN", name, set=self._setter("cn%d"), query=query_cn),
        )

    def _split(self, values):
        """The links that a set form is about, and its other values."""
        if not self._net.mux:
            return (0,), values
        return range(LINKS) if values[0] == _ALL else values[:1], values[1:]

    def _set_mode(self, at, *values):
        """AT+CIPSSLCCONF=[<link>,]<mode>[,<certificate>][,<authority>]"""
        numbers, (mode, _, _) = self._split(values)
        modes = list(self._net.settings.get("sslauth", (0,) * LINKS))
        for number in numbers:
            modes[number] = mode
        keep(self._net, sslauth=tuple(modes))

    def _query_mode(self, at):
        modes = self._net.settings.get("sslauth", (0,) * LINKS)
        for number in range(LINKS if self._net.mux else 1):
            at.info(b"+CIPSSLCCONF:%d,%d,0,0" % (number, modes[number]))

    def _setter(self, key):
        def set_name(at, *values):
            numbers, (name,) = self._split(values)
            for number in numbers:
                self._net.settings[key % number] = name

        return set_name

    def _query(self, title, key):
        def query(at):
            for number in range(LINKS if self._net.mux else 1):
                at.info(b'%s:%d,"%s"' % (title, number, self._net.settings.get(key % number, b"")))

        return query
