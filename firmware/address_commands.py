"""AT+CIFSR, AT+CIPDOMAIN and AT+PING (ESP-AT user guide, "TCP/IP AT Commands"). Loaded when called."""

from binascii import hexlify

import network
from micropython import const

from firmware.at_error import NO_NETWORK, NOT_POSSIBLE, TIMED_OUT, AtError
from firmware.command import command, integer, string
from firmware.unload import unload

_STATION = const(1)
_ACCESS_POINT = const(2)
_LIMIT_MS = const(20_000)
_IPV6_ONLY = const(3)


def commands(wifi):
    """The family's command table."""

    def addresses(at):
        if wifi.mode & _ACCESS_POINT:
            _show(at, b"AP", network.WLAN(network.AP_IF))
        if wifi.mode & _STATION:
            _show(at, b"STA", wifi.station)

    domain = (
        string(1, 253),
        integer(1, 3, optional=True),
        integer(0, 60_000, optional=True),
        integer(0, 1, optional=True),
    )
    return (
        command(b"+CIFSR", execute=addresses),
        command(b"+CIPDOMAIN", domain, set=_resolve),
        command(b"+PING", (string(1, 253),), set=_ping),
    )


def _show(at, name, interface):
    at.info(b'+CIFSR:%sIP,"%s"' % (name, interface.ifconfig()[0].encode()))
    at.info(b'+CIFSR:%sMAC,"%s"' % (name, hexlify(interface.config("mac"), ":")))


async def _look_up(host, limit):
    from firmware.resolver import resolve

    try:
        return await resolve(str(host, "utf-8"), 0, limit or _LIMIT_MS)
    finally:
        unload("resolver")


async def _resolve(at, host, family, limit, every):
    if family == _IPV6_ONLY:
        raise AtError(NOT_POSSIBLE)
    try:
        address = await _look_up(host, limit)
    except OSError:
        raise AtError(NO_NETWORK)
    at.info('+CIPDOMAIN:"%s"' % address)


async def _ping(at, host):
    from firmware.ping import ping

    try:
        time = await ping(await _look_up(host, 0))
    except OSError:
        at.info(b"+PING:TIMEOUT")
        raise AtError(TIMED_OUT)
    finally:
        unload("ping")
    at.info(b"+PING:%d" % time)
