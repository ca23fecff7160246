"""One ICMP echo request (RFC 792) over a raw socket. Loaded for AT+PING."""

import asyncio
import socket
import struct
from errno import ETIMEDOUT
from time import ticks_diff, ticks_ms

from micropython import const

_ICMP = const(1)
_ECHO = const(8)
_REPLY = const(0)
_IDENTITY = const(0x4154)
_LIMIT_MS = const(4_000)
_PAYLOAD = const(32)


async def ping(address):
    """Milliseconds until the answer; OSError if there is none."""
    asking = socket.socket(socket.AF_INET, socket.SOCK_RAW, _ICMP)
    try:
        asking.setblocking(False)
        asking.connect((address, 1))
        begin = ticks_ms()
        asking.write(_request(begin & 0xFFFF))
        while (waited := ticks_diff(ticks_ms(), begin)) < _LIMIT_MS:
            answer = asking.read(256)
            if answer and _is_reply(answer, begin & 0xFFFF):
                return waited
            await asyncio.sleep_ms(0 if waited < 100 else 10)
        raise OSError(ETIMEDOUT)
    finally:
        asking.close()


def _request(sequence):
    packet = bytearray(struct.pack(">BBHHH", _ECHO, 0, 0, _IDENTITY, sequence)) + bytes(_PAYLOAD)
    total = sum(struct.unpack(">%dH" % (len(packet) // 2), packet))
    total = (total >> 16) + (total & 0xFFFF)
    struct.pack_into(">H", packet, 2, ~(total + (total >> 16)) & 0xFFFF)
    return packet


def _is_reply(answer, sequence):
    """Whether it is ours, behind the IP header."""
    begin = (answer[0] & 15) * 4
    if len(answer) < begin + 8:
        return False
    kind, _, _, identity, number = struct.unpack_from(">BBHHH", answer, begin)
    return kind == _REPLY and identity == _IDENTITY and number == sequence
