"""TLS for a link, as AT+CIPSSLCCONF and its like have set it, and for MQTT. Loaded for the time of a handshake.

The certificates are files on the board: ``/user/ca.pem`` to verify servers, ``/user/client.pem`` and
``/user/client.key`` to be verified by them. Each step of the handshake blocks the event loop, up to a second or so.
"""

import asyncio
from errno import ETIMEDOUT

import tls
from micropython import const

_PROVE = const(1)
_VERIFY = const(2)
_CA_FILE = "/user/ca.pem"
_CERTIFICATE_FILE = "/user/client.pem"
_KEY_FILE = "/user/client.key"
_LOOK_MS = const(10)
_ECONNRESET = const(104)


async def secure_link(settings, number, context, stream, host, limit):
    """As ``secure``, with what TCP/IP's ``settings`` have for this link; the server is called ``host`` unless told."""
    modes = settings.get("sslauth")
    mode = modes[number] if modes else 0
    names = settings.get("cn%d" % number), settings.get("sni%d" % number)
    # mbedTLS has one name for both: what it verifies is what it asks for.
    name = (names[0] or names[1]) if mode & _VERIFY else (names[1] or names[0])
    return await secure(stream, mode, name or host, limit, settings.get("cipher%d" % number), context)


async def secure(stream, mode, name, limit, suites=None, context=None):
    """The TLS stream over ``stream`` after the handshake with the server ``name``, and data that has come with it.
    ``mode`` is AT+CIPSSLCCONF's, ``suites`` are AT+CIPSSLCCIPHER's, None all there are. OSError if that fails, or takes
    longer than ``limit`` ms. ``context`` is a new ``tls.SSLContext``, made while there was room for it.
    """
    context = context or tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    if suites:
        from firmware.cipher_suites import name_of

        context.set_ciphers([name_of(code) for code in suites])
    if mode & _PROVE:
        context.load_cert_chain(_content(_CERTIFICATE_FILE), _content(_KEY_FILE))
    if mode & _VERIFY:
        context.verify_mode = tls.CERT_REQUIRED  # type: ignore[attr-defined]
        context.load_verify_locations(_content(_CA_FILE))
        from firmware.tls_context import set_clock

        await set_clock()
    else:
        context.verify_mode = tls.CERT_NONE  # type: ignore[attr-defined]
    secured = context.wrap_socket(stream, server_hostname=name, do_handshake_on_connect=False)
    secured.setblocking(False)
    return secured, await _shake_hands(secured, limit)


def _content(path):
    with open(path, "rb") as file:
        return file.read()


async def _shake_hands(stream, limit):
    """Reading drives the handshake, and the server's certificate shows that it is over."""
    waited = 0
    while True:
        data = stream.read(1)
        if data == b"":
            raise OSError(_ECONNRESET)
        if data or stream.getpeercert(True) is not None:
            return data or b""
        if waited >= limit:
            raise OSError(ETIMEDOUT)
        await asyncio.sleep_ms(_LOOK_MS)
        waited += _LOOK_MS
