"""AT+CIPSSLCCIPHER: which cipher suites TLS links may use (ESP-AT user guide, "TCP/IP AT Commands"). Loaded when
called.
"""

import tls
from micropython import const

from firmware.at_error import VALUE, AtError
from firmware.cipher_suites import has, name_of, suites
from firmware.command import command, integer
from firmware.net import LINKS, net_of

_ALL = const(5)
# More do not fit a command line.
_SUITES = const(31)
_SUITE = (integer(0, 65535, optional=True),)


def commands(wifi):
    """The family's command table; with AT+CIPMUX=1 the set form begins with the number of a link, or 5 for all."""
    net = net_of(wifi)
    first = (integer(0, _ALL), integer(0, _SUITES)) if net.mux else (integer(0, _SUITES),)

    def set_suites(at, arguments):
        """AT+CIPSSLCCIPHER=[<link>,]<count>[,<suite>]...; 0 is all there are."""
        shift = len(first)
        arguments.parameters = first + (integer(0, 65535),) * arguments.get(shift - 1)
        values = arguments.values()
        chosen = tuple(values[shift:])
        _check(chosen, shift)
        number = values[0] if net.mux else 0
        for link in range(LINKS) if number == _ALL else (number,):
            net.settings["cipher%d" % link] = chosen

    return (command(b"+CIPSSLCCIPHER", first + _SUITE, set=set_suites, query=_query_suites, ordered=True),)


def _check(chosen, shift):
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    for index, code in enumerate(chosen):
        name = name_of(code)
        if not name or not has(context, name):
            raise AtError(VALUE | shift + index)


async def _query_suites(at):
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    index = 0
    for code, name in suites():
        if has(context, name):
            at.info(b"+CIPSSLCCIPHER:%d,0x%04X" % (index, code))
            index += 1
            await at.port.flush()
