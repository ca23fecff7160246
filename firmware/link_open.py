"""AT+CIPSTART and AT+CIPSTARTEX: look the name up, choose a local port, connect, TLS. Loaded when called, and for the
reconnections of pass-through.
"""

import asyncio
import select
import socket
from errno import EADDRINUSE, EINPROGRESS, ETIMEDOUT
from time import ticks_us

import tls
from micropython import const

from firmware import log
from firmware.at_error import ALREADY_THERE, KIND, NO_NETWORK, NOT_THERE, TIMED_OUT, TRANSFER_FAILED, VALUE, AtError
from firmware.command import command, integer, string
from firmware.net import LINKS, OPTIONS, PIECE, net_of
from firmware.unload import unload

_NUMBER = (integer(0, LINKS - 1),)
_FIRST = (string(3, 5), string(1, 64), integer(0, 65535))
_LAST = (string(0, 15, optional=True), integer(0, 60_000, optional=True))
_TCP = _FIRST + (integer(0, 7200, optional=True),) + _LAST
_UDP = _FIRST + (integer(0, 65535, optional=True), integer(0, 2, optional=True)) + _LAST

# lwIP's own range for local ports. The port cannot be asked for, so it is chosen here.
_FIRST_PORT = const(49152)
_PORTS = const(16384)
_TRIES = const(16)
# Unless told.
_LIMIT_MS = const(20_000)
_LOOK_MS = const(10)
_ECONNREFUSED = const(104)
_EHOSTUNREACH = const(118)


def commands(wifi):
    """The family's command table; with AT+CIPMUX=1 AT+CIPSTART begins with the number of a link."""
    net = net_of(wifi)

    def start(at, arguments):
        return _start(net, at, arguments, False)

    def start_any(at, arguments):
        return _start(net, at, arguments, True)

    return (
        command(b"+CIPSTART", _NUMBER * net.mux + _TCP, set=start, ordered=True),
        command(b"+CIPSTARTEX", _TCP, set=start_any, ordered=True),
    )


async def _start(net, at, arguments, any_link):
    shift = int(net.mux and not any_link)
    if net.mux and net.mode:
        # Pass-through belongs to the client of the server.
        raise AtError(NOT_THERE)
    kind = _kind_of(arguments, shift)
    arguments.parameters = _NUMBER * shift + (_UDP if kind == b"UDP" else _TCP)
    values = arguments.values()
    number = values[0] if shift else 0
    if any_link:
        number = _free_link(net)
    elif net.links[number]:
        at.info("ALREADY CONNECTED")
        raise AtError(ALREADY_THERE)
    port = values[shift + 2]
    local_port = mode = 0
    if kind == b"UDP":
        local_port, mode, local, limit = values[shift + 3 :]
    else:
        keepalive, local, limit = values[shift + 3 :]
        if not port:
            raise AtError(VALUE | shift + 2)
        if keepalive is not None:
            from firmware.link_options import note_keepalive

            note_keepalive(net.settings, number, keepalive)
            unload("link_options")
    host = str(values[shift + 1], "utf-8")
    target = (kind, host, port, str(local or b"0.0.0.0", "utf-8"), local_port or 0, mode or 0, limit)
    link = await open_link(net, at, number, target)
    at.info(link.connected())


def _kind_of(arguments, shift):
    if shift:
        arguments.get(0)
    kind = arguments.get(shift)
    if kind not in (b"TCP", b"UDP", b"SSL"):
        raise AtError(VALUE | shift)
    return kind


def _free_link(net):
    if not net.mux:
        raise AtError(KIND)
    for number, link in enumerate(net.links):
        if link is None:
            return number
    raise AtError(ALREADY_THERE)


async def open_link(net, at, number, target):
    """Open the link ``target``, a (kind, host, port, local address, local port, mode, limit in ms), as ``number``;
    AtError if that fails."""
    kind, host, port, local, local_port, mode, limit = target
    limit = limit or _LIMIT_MS
    ahead = b""
    # First what takes 1.5 KB in one piece: where there is none, the heap grows, and takes what TLS would live on.
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT) if kind == b"SSL" else None
    if net.buffer is None:
        net.buffer = bytearray(PIECE)
    from firmware.link import Link, rest

    try:
        address = await _resolve(host, port, limit)
        stream = _socket(kind)
        try:
            local_port = _bind(net, stream, local, local_port)
            if kind == b"UDP":
                _join(stream, address)
            else:
                options = net.settings.get("tcpopt")
                if options and options[number * OPTIONS]:
                    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await _connect(stream, (address, port), limit)
            if kind == b"SSL":
                stream, ahead = await _secure(net, number, context, stream, host, limit)
        except BaseException:  # and when pass-through ends meanwhile
            stream.close()
            raise
    except BaseException as error:
        rest(net)
        if isinstance(error, (OSError, ValueError)):
            log("link not opened:", error)
            raise _at_error(at, error)
        raise
    link = Link(net, at, number, kind, stream, (address, port), local_port)
    link.target = target
    link.follow = mode
    link.ahead = ahead
    return link


async def _secure(net, number, context, stream, host, limit):
    from firmware.link_tls import secure_link

    try:
        return await secure_link(net.settings, number, context, stream, host, limit)
    finally:
        unload("link_tls", "tls_context", "cipher_suites")


def _socket(kind):
    stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == b"UDP" else socket.SOCK_STREAM)
    stream.setblocking(False)
    return stream


def _at_error(at, error):
    # A certificate that is refused is a ValueError.
    number = getattr(error, "errno", None)
    if at.show_codes and isinstance(number, int):
        at.info("+ERRNO:0x%x" % (number & 0xFFFFFFFF))
    if number == ETIMEDOUT:
        return AtError(TIMED_OUT)
    return AtError(NO_NETWORK if number == _EHOSTUNREACH else TRANSFER_FAILED)


async def _resolve(host, port, limit):
    if host.replace(".", "").isdigit():
        return host
    from firmware.resolver import resolve

    try:
        return await resolve(host, port, limit)
    finally:
        unload("resolver")


def _bind(net, stream, address, port):
    if port:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stream.bind((address, port))
        return port
    first = ticks_us()
    for number in range(first, first + _TRIES):
        port = _FIRST_PORT + number % _PORTS
        try:
            stream.bind((address, port))
            break
        except OSError as error:
            if error.errno != EADDRINUSE:
                raise
    else:
        raise OSError(EADDRINUSE)
    return port


def _join(stream, address):
    """Multicast and broadcast."""
    parts = bytes(int(part) for part in address.split("."))
    if 224 <= parts[0] < 240:
        stream.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, parts + bytes(4))
    elif parts[3] == 255:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)


async def _connect(stream, address, limit):
    try:
        stream.connect(address)
    except OSError as error:
        if error.errno != EINPROGRESS:
            raise
    poller = select.poll()
    poller.register(stream, select.POLLOUT | select.POLLHUP)
    waited = 0
    while not (events := poller.poll(0)):
        if waited >= limit:
            raise OSError(ETIMEDOUT)
        await asyncio.sleep_ms(_LOOK_MS)
        waited += _LOOK_MS
    # A connection that was refused is writable too.
    if events[0][1] & (select.POLLHUP | select.POLLERR):
        raise OSError(_ECONNREFUSED)
