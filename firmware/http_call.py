"""One request of the HTTP client commands, from step to step: each step's code is loaded for the step.

Redirects are not followed, as ESP-AT does not: the host may see what the server says. A body that comes with an error
status goes to the host before ERROR, whose code is then ESP-AT's: 0x7000 plus the status.
"""

from time import ticks_ms

from micropython import const

from firmware import log
from firmware.at_error import FAILED, NO_NETWORK, TIMED_OUT, TRANSFER_FAILED, AtError, code_of
from firmware.unload import unload

# Added to FAILED: nobody answers; with the server's status added: that.
_NOT_CONNECTED = const(0x7000)
_STATUS_FAILED = const(400)
_ETIMEDOUT = const(116)
_HEADERS_MOST = const(64)
# Digits of a length.
_LENGTH_MOST = const(10)
_STEPS = ("http_form", "http_url", "connection", "resolver", "tls_context", "trust", "host_data")


async def call(at, wifi, form, values, block):
    """Carry out a command: ``form`` names its function in ``http_form``, ``values`` are what its handler got. The
    memoryview ``block`` takes what the host sends, and then the answer's pieces.
    """
    at.release()
    try:
        from firmware import http_form

        request = getattr(http_form, form)(at, *values)
        # What points to it from somewhere on the stack must not keep all of it.
        http_form.__dict__.clear()
        unload(*_STEPS, "quoted")
        if not wifi.connected():
            raise AtError(NO_NETWORK)
        if form in ("post", "put_data"):
            return await _send_data(at, request, block)
        await _exchange(at, request, block)
        if not request.name:
            at.info(b"+HTTPGETSIZE:%d" % (-1 if request.told is None else request.told))
    finally:
        # A coroutine that is over holds on to what it knew until nothing on the C stack looks like it any more.
        request = block = values = None
        unload(*_STEPS, "http_stream", "http_call")


async def _send_data(at, request, block):
    """Ask the host for the data; more than a block of it is sent on while the host still sends."""
    from firmware.host_data import HostData

    source = request.source = HostData(at, request.length, block)
    request.data = await source.next()
    try:
        await _exchange(at, request, block)
        return b"\r\nSEND OK\r\n"
    except Exception as error:  # whatever it is, the host hears SEND FAIL once all its data is taken
        if source.given_up:
            raise
        await source.drop_rest()
        if at.show_codes:
            at.port.put(b"ERR CODE:0x%08x\r\n" % (0x01000000 | code_of(error)))
        return b"\r\nSEND FAIL\r\n"


async def _exchange(at, request, block):
    """Ask the server, and give the host its answer; AtError if that fails, or if the server says so."""
    from firmware.http_stream import HttpBroken, HttpError, HttpStream

    trouble = FAILED | _NOT_CONNECTED
    try:
        async with HttpStream(request.url, request.timeout_ms, 0) as body:
            await _send_request(body, request)
            unload(*_STEPS)
            trouble = TRANSFER_FAILED
            status = await _take(at, body, request, block)
    except (OSError, ValueError, HttpBroken, HttpError) as error:
        log("HTTP:", type(error).__name__, error)
        timed_out = error.args and error.args[0] in ("timeout", _ETIMEDOUT)
        raise AtError(TIMED_OUT if timed_out else trouble)
    finally:
        body = request = block = None
    if status >= _STATUS_FAILED:
        raise AtError(FAILED | _NOT_CONNECTED + status)


async def _send_request(body, request):
    from firmware.connection import address_of, connect, send

    secure, host, port, _, _, path, _ = request.url
    tls = None
    if secure:
        from firmware.tls_context import tls_context

        tls = await tls_context()
    address = await address_of(host, port, body.timeout_ms)
    body.progress = ticks_ms()
    stream = body.stream = body.wire = await connect(address, port, body.timeout_ms)
    if tls:
        stream = body.stream = tls.wrap_socket(stream, server_hostname=host, do_handshake_on_connect=False)
        stream.setblocking(False)
    await send(stream, request.method + (b" " if len(path) and path[0] == 0x2F else b" /"))
    await send(stream, path)
    await send(stream, b" HTTP/1.1\r\n" + b"\r\n".join(request.lines) + b"\r\n\r\n")
    data = request.data
    while data:
        body.progress = ticks_ms()
        await send(stream, data)
        # The host may take its time.
        body.progress = None
        data = await request.source.next() if request.source else b""
    request.data = data
    body.progress = ticks_ms()


async def _take(at, body, request, block):
    """Give the host what it wants of the answer; the status."""
    show_head = request.method == b"HEAD"
    status = await _read_head(at, body, request, show_head)
    if request.name and not show_head:
        await _pass_on(at.port, body, request, block)
    return status


async def _read_head(at, body, request, show):
    """The status; interim answers are passed over."""
    status = 0
    while status < 200:
        words = (await body.line()).split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not (words[1].isdigit() and len(words[1]) == 3):
            raise ValueError("not HTTP")
        status = int(words[1])
        body.chunked = False
        for _ in range(_HEADERS_MOST):
            line = await body.line()
            if not line:
                break
            name, _, value = line.partition(b":")
            value = value.strip()
            if show:
                at.info(b"%s:%d,%s: %s" % (request.name, len(name) + 2 + len(value), name, value))
                await at.port.flush()
            name = name.lower()
            if name == b"content-length" and value.isdigit() and len(value) <= _LENGTH_MOST:
                request.told = int(value)
            elif name == b"transfer-encoding" and value.lower() == b"chunked":
                body.chunked = True
        else:
            raise ValueError("header")
    # Unknown if the body ends with the connection.
    body.left = 0 if body.chunked or status in (204, 304) else request.told
    return status


async def _pass_on(port, body, request, block):
    """The body, piece by piece."""
    size = request.piece
    more = True
    while more:
        begin = body.position
        trouble = None
        try:
            more = await body.fill(block[:size])
        except BaseException as error:  # the host gets what came before
            trouble = error
        count = body.position - begin
        if count:
            port.answering = True
            # The line's end makes it longer than a piece; the head is that much shorter than one may be.
            block[count : count + 2] = b"\r\n"
            # Now the host takes its time.
            body.progress = None
            await port.write(b"%s:%d," % (request.name, count), block[: count + 2])
            body.progress = ticks_ms()
        if trouble:
            raise trouble
