"""How TLS links are verified (ESP-AT user guide, "TCP/IP AT Commands"). Loaded when called; not stored.

The certificates are files on the board (``firmware.link_tls``), one of a kind: their numbers are 0.
"""

from micropython import const

from firmware.command import command, integer, string
from firmware.net import LINKS, net_of

_ALL = const(5)


def commands(wifi):
    """The family's command table; with AT+CIPMUX=1 each set form begins with the number of a link, or 5 for all."""
    net = net_of(wifi)
    first = (integer(0, _ALL),) if net.mux else ()

    def keep(key, values):
        number = values[0] if net.mux else 0
        for link in range(LINKS) if number == _ALL else (number,):
            net.settings[key % link] = values[1] if net.mux else values[0]

    def numbers():
        return range(LINKS if net.mux else 1)

    def set_mode(at, *values):
        keep("auth%d", values)

    def query_mode(at):
        for number in numbers():
            at.info(b"+CIPSSLCCONF:%d,%d,0,0" % (number, net.settings.get("auth%d" % number, 0)))

    def set_name(at, *values):
        keep("sni%d", values)

    def query_name(title):
        def query(at):
            for number in numbers():
                at.info(b'%s:%d,"%s"' % (title, number, net.settings.get("sni%d" % number, b"")))

        return query

    certificate = (integer(0, 0, optional=True),) * 2
    name = (string(0, 64),)
    return (
        command(b"+CIPSSLCCONF", first + (integer(0, 3),) + certificate, set=set_mode, query=query_mode),
        command(b"+CIPSSLCSNI", first + name, set=set_name, query=query_name(b"+CIPSSLCSNI")),
        command(b"+CIPSSLCCN", first + name, set=set_name, query=query_name(b"+CIPSSLCCN")),
    )
