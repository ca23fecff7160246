"""``ntptime`` of micropython-lib, which the ESP32 port has frozen in: one SNTP request (RFC 4330) per call."""

import socket
import struct
from time import gmtime

import machine

host = "pool.ntp.org"
timeout = 1

_PORT = 123
_ERA = 1 << 32
_FROM_1900_TO_2000 = 3155673600


def time():
    """Seconds since 2000; OSError if no answer comes within ``timeout`` seconds."""
    request = bytearray(48)
    request[0] = 0x1B  # version 3, client
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        asking.settimeout(timeout)
        asking.sendto(request, socket.getaddrinfo(host, _PORT)[0][-1])
        answer = asking.recv(48)
    finally:
        asking.close()
    seconds = struct.unpack(">I", answer[40:44])[0]
    # The count wraps in 2036.
    return (seconds if seconds >= _FROM_1900_TO_2000 else seconds + _ERA) - _FROM_1900_TO_2000


def settime():
    """Set the clock."""
    now = gmtime(time())
    machine.RTC().datetime((now[0], now[1], now[2], now[6], now[3], now[4], now[5], 0))
