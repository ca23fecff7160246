"""TCP connections that do not stop the event loop. Loaded to connect."""

import asyncio
import select
import socket
from errno import EINPROGRESS, ETIMEDOUT

from micropython import const

_LOOK_MS = const(10)
_ECONNREFUSED = const(104)


async def address_of(host, port, limit_ms):
    """The address of ``host``, a name or an address; OSError if the name is not found within ``limit_ms``."""
    if ":" in host or _is_ipv4(host):
        return host
    from firmware.resolver import resolve

    return await resolve(host, port, limit_ms)


def _is_ipv4(host):
    """Whether ``connect`` takes it as it is; anything else it would look up, and block the event loop meanwhile."""
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() and len(part) < 4 and int(part) < 256 for part in parts)


async def connect(address, port, limit_ms):
    """A socket connected to ``address``; OSError if it is refused, or not there within ``limit_ms``.
    ``asyncio.open_connection`` takes no IPv6 address, and a kilobyte of memory.
    """
    stream = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        stream.setblocking(False)
        try:
            stream.connect((address, port))
        except OSError as error:
            if error.errno != EINPROGRESS:
                raise
        poller = select.poll()
        poller.register(stream, select.POLLOUT)
        waited = 0
        while not (events := poller.poll(0)):
            if waited >= limit_ms:
                raise OSError(ETIMEDOUT)
            await asyncio.sleep_ms(_LOOK_MS)
            waited += _LOOK_MS
        # A connection that was refused is writable too.
        if events[0][1] & (select.POLLHUP | select.POLLERR):
            raise OSError(_ECONNREFUSED)
    except BaseException:
        stream.close()
        raise
    return stream


async def send(stream, piece):
    """Send all of ``piece``. Asyncio's waiting would hold on to ``stream``, and with it to all of TLS."""
    view = memoryview(piece)
    while len(view):
        view = view[stream.write(view) or 0 :]
        if len(view):
            await asyncio.sleep_ms(_LOOK_MS)
