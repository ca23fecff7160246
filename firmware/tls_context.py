"""TLS for downloads: verified against a CA file on the board if there is one, else only encrypted.

Certificates have dates and the board's clock starts in 2000, so the clock is set first. ``ntptime`` blocks for up to a
second per attempt and looks a name up: it runs in a thread.
"""

import _thread
import asyncio
import time

import machine
import tls
from micropython import const

from firmware import log
from firmware.trust import CA_FILE, relies_on

_YEAR_SET = const(2024)
_LOOK_MS = const(50)
_ATTEMPTS = const(3)
_ETIMEDOUT = const(116)


async def tls_context():
    """A client context. OSError if the clock must be set and no time server answers; AtError if there was a CA file and
    it is missing.
    """
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    if not relies_on(CA_FILE):
        log("no", CA_FILE, "- the server is not verified")
        context.verify_mode = tls.CERT_NONE  # type: ignore[attr-defined]
        return context
    with open(CA_FILE, "rb") as file:
        authority = file.read()
    context.verify_mode = tls.CERT_REQUIRED  # type: ignore[attr-defined]
    context.load_verify_locations(authority)
    await set_clock()
    return context


async def set_clock():
    """Ask a time server if the clock was never set. OSError if none answers."""
    if time.gmtime()[0] >= _YEAR_SET:
        return
    import ntptime

    answer = []

    def ask():
        for _ in range(_ATTEMPTS):
            try:
                answer.append(ntptime.time())
                return
            except OSError as error:
                log("time server:", error)
        answer.append(None)

    _thread.start_new_thread(ask, ())
    while not answer:
        await asyncio.sleep_ms(_LOOK_MS)
    if answer[0] is None:
        raise OSError(_ETIMEDOUT)
    now = time.gmtime(answer[0])
    machine.RTC().datetime((now[0], now[1], now[2], now[6], now[3], now[4], now[5], 0))
