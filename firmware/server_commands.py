"""AT+CIPSERVER and what belongs to it (ESP-AT user guide, "TCP/IP AT Commands"). Loaded when called."""

import socket

from micropython import const

from firmware.at_error import NOT_POSSIBLE, NOT_THERE, TRANSFER_FAILED, VALUE, AtError
from firmware.command import command, integer, string
from firmware.net import LINKS, PIECE, net_of
from firmware.unload import unload

_PORT = const(333)
_IDLE = const(180)


def commands(wifi):
    """The family's command table."""
    return _ServerCommands(net_of(wifi)).table()


class _ServerCommands:
    def __init__(self, net):
        self._net = net

    def table(self):
        """The family's command table."""
        server = (
            integer(0, 1),
            integer(0, 65535, optional=True),
            string(3, 5, optional=True),
            integer(0, 1, optional=True),
            integer(0, 2, optional=True),
        )
        return (
            command(b"+CIPSERVER", server, set=self._set, query=self._query),
            command(b"+CIPSERVERMAXCONN", (integer(1, LINKS),), set=self._set_most, query=self._query_most),
            command(b"+CIPSTO", (integer(0, 7200),), set=self._set_idle, query=self._query_idle),
        )

    def _set(self, at, on, port, kind, authority, interface):
        net = self._net
        if not on:
            if kind is not None or authority is not None or (port or 0) > 1:
                raise AtError(VALUE | 1)
            self._stop(at, port)
            return
        if not net.mux:
            raise AtError(NOT_THERE)
        port = _PORT if port is None else port
        if not port or (kind or b"TCP") not in (b"TCP", b"SSL"):
            raise AtError(VALUE | (2 if port else 1))
        if kind == b"SSL" or interface:
            raise AtError(NOT_POSSIBLE)
        if net.server:
            at.info(b"no change")
            return
        self._start(at, port)

    def _start(self, at, port):
        net = self._net
        stream = socket.socket()
        try:
            stream.setblocking(False)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            stream.bind(("0.0.0.0", port))
            stream.listen(LINKS)
            if net.buffer is None:
                net.buffer = bytearray(PIECE)
            from firmware.server import Server

            net.server = Server(net, at, stream, port, net.settings.get("most", LINKS))
        except Exception as error:
            stream.close()
            from firmware.link import rest

            rest(net)
            if isinstance(error, OSError):
                raise AtError(TRANSFER_FAILED)
            raise

    def _stop(self, at, close_all):
        net = self._net
        if not net.server:
            at.info(b"no change")
            return
        net.server.close()
        net.server = None
        unload("server")
        from firmware.link import rest

        for link in net.links:
            if close_all and link and link.served:
                link.close()
                at.info(link.name() + b"CLOSED")
        rest(net)

    def _query(self, at):
        server = self._net.server
        at.info(b'+CIPSERVER:1,%d,"TCP",0,0' % server.port if server else b"+CIPSERVER:0")

    def _set_most(self, at, most):
        self._net.settings["most"] = most

    def _query_most(self, at):
        at.info(b"+CIPSERVERMAXCONN:%d" % self._net.settings.get("most", LINKS))

    def _set_idle(self, at, seconds):
        self._net.settings["sto"] = seconds

    def _query_idle(self, at):
        at.info(b"+CIPSTO:%d" % self._net.settings.get("sto", _IDLE))
