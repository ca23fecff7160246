"""AT+CIPSTATUS and AT+CIPSTATE (ESP-AT user guide, "TCP/IP AT Commands"). Loaded when called."""

from micropython import const

from firmware.command import command
from firmware.net import net_of

# AT+CIPSTATUS's states of the station.
_JOINED = const(2)
_IN_USE = const(3)
_NOT_IN_USE = const(4)
_NOT_JOINED = const(5)


def commands(wifi):
    """The family's command table."""
    net = net_of(wifi)
    return (
        command(b"+CIPSTATUS", execute=lambda at: _status(net, at)),
        command(b"+CIPSTATE", query=lambda at: _list(net, at, b"+CIPSTATE")),
    )


def _status(net, at):
    if any(net.links):
        state = _IN_USE
    elif not net.wifi.connected():
        state = _NOT_JOINED
    else:
        state = _NOT_IN_USE if net.used else _JOINED
    at.info(b"STATUS:%d" % state)
    _list(net, at, b"+CIPSTATUS")


def _list(net, at, name):
    for link in net.links:
        if link:
            host, port = link.address
            values = (name, link.number, link.kind, host, port, link.local, link.served)
            at.info(b'%s:%d,"%s","%s",%d,%d,%d' % values)
