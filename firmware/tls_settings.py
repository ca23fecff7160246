"""How TLS links are made and verified (ESP-AT user guide, "TCP/IP AT Commands"). Loaded when called.

The certificates are files on the board (``firmware.link_tls``), one of a kind: their numbers are 0.
"""

from micropython import const

from firmware.at_error import VALUE, AtError
from firmware.command import command, integer, string
from firmware.net import LINKS, net_of
from firmware.net_settings import keep
from firmware.unload import unload

_ALL = const(5)
# More do not fit a command line.
_SUITES = const(31)
_SUITE = (integer(0, 65535, optional=True),)


def commands(wifi):
    """The family's command table."""
    return _TlsSettings(net_of(wifi)).table()


class _TlsSettings:
    def __init__(self, net):
        self._net = net

    def table(self):
        """The family's command table; with AT+CIPMUX=1 each set form begins with the number of a link, or 5 for all."""
        first = self._first()
        certificate = (integer(0, 0, optional=True),) * 2
        name = first + (string(0, 64),)
        modes = first + (integer(0, 3),) + certificate
        suites = first + (integer(0, _SUITES),) + _SUITE
        query_sni, query_cn = self._query(b"+CIPSSLCSNI", "sni%d"), self._query(b"+CIPSSLCCN", "cn%d")
        return (
            command(b"+CIPSSLCCONF", modes, set=self._set_mode, query=self._query_mode),
            command(b"+CIPSSLCSNI", name, set=self._setter("sni%d"), query=query_sni),
            command(b"+CIPSSLCCN", name, set=self._setter("cn%d"), query=query_cn),
            command(b"+CIPSSLCCIPHER", suites, set=self._set_suites, query=_query_suites, ordered=True),
        )

    def _first(self):
        return (integer(0, _ALL),) if self._net.mux else ()

    def _numbers(self, number):
        return range(LINKS) if number == _ALL else (number,)

    def _split(self, values):
        """The links that a set form is about, and its other values."""
        return (self._numbers(values[0]), values[1:]) if self._net.mux else ((0,), values)

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
            self._set_each(key, numbers, name)

        return set_name

    def _query(self, title, key):
        def query(at):
            for number in range(LINKS if self._net.mux else 1):
                at.info(b'%s:%d,"%s"' % (title, number, self._net.settings.get(key % number, b"")))

        return query

    def _set_suites(self, at, arguments):
        """AT+CIPSSLCCIPHER=[<link>,]<count>[,<suite>]...; 0 is all there are."""
        shift = int(self._net.mux)
        arguments.parameters = self._first() + (integer(0, _SUITES),)
        count = arguments.get(shift)
        arguments.parameters += (integer(0, 65535),) * count
        numbers, values = self._split(arguments.values())
        suites = tuple(values[1:])
        _check(suites, shift + 1)
        self._set_each("cipher%d", numbers, suites)

    def _set_each(self, key, numbers, value):
        settings = self._net.settings
        for number in numbers:
            if value:
                settings[key % number] = value
            else:
                settings.pop(key % number, None)


def _check(suites, shift):
    import tls

    from firmware.cipher_suites import has, name_of

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    try:
        for index, code in enumerate(suites):
            name = name_of(code)
            if not name or not has(context, name):
                raise AtError(VALUE | shift + index)
    finally:
        unload("cipher_suites")


async def _query_suites(at):
    import tls

    from firmware.cipher_suites import has, suites

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    index = 0
    try:
        for code, name in suites():
            if has(context, name):
                at.info(b"+CIPSSLCCIPHER:%d,0x%04X" % (index, code))
                index += 1
                await at.port.flush()
    finally:
        unload("cipher_suites")
