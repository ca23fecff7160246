"""Sockets of the ESP32 port over the host's own: addresses as tuples, lwIP's error numbers, ten sockets in all.

What it accepts, returns and raises follows ``ports/esp32/modsocket.c`` of MicroPython. While the simulated network is
down or stalled, data neither comes nor goes, without an error, as after the loss of an access point.
"""

import gc
import io
import select

import _board
import usocket as _host
import utime as time
from micropython import const

_LINK = const(63)
_DOWN = const(0)
_UP = const(1)
_MOST = const(10)
_WELL_KNOWN = const(1024)  # ports below are for root alone on the host: the network says which stand for them
_INET6 = const(10)
_TICK = const(10)  # ms: how old what is known about the link may be, and how long a wait on it sleeps

_EBADF = const(9)
_EAGAIN = const(11)
_ENFILE = const(23)
_EPIPE = const(32)
_EHOSTUNREACH = const(118)
_ETIMEDOUT = const(116)
_ENOTCONN = const(128)
_EAI_FAIL = const(-202)
_NVAL = const(0x20)

# Linux' error numbers to those that lwIP has or the port makes of them. A refused connection is a reset one to lwIP.
_ERRORS = {
    89: 121,  # EDESTADDRREQ
    90: 122,  # EMSGSIZE
    97: 106,  # EAFNOSUPPORT
    98: 112,  # EADDRINUSE
    99: 125,  # EADDRNOTAVAIL
    100: 115,  # ENETDOWN
    101: 118,  # ENETUNREACH
    103: 113,  # ECONNABORTED
    106: 127,  # EISCONN
    107: 128,  # ENOTCONN
    110: 116,  # ETIMEDOUT
    111: 104,  # ECONNREFUSED
    113: 118,  # EHOSTUNREACH
    114: 120,  # EALREADY
    115: 119,  # EINPROGRESS
    32: 104,  # EPIPE
}
# Options of setsockopt: lwIP's number to Linux' level and number.
_OPTIONS = {4: (1, 2), 0x20: (1, 6), 1: (6, 1)}

_open = []  # descriptors of the sockets that count
_link = _DOWN
_link_seen = time.ticks_ms() - _TICK


class _Closed:
    """What a closed socket works on. The host's own, once closed, would go on with whatever got its descriptor next."""

    def fileno(self):
        return -1

    def __getattr__(self, name):
        raise OSError(_EBADF)


_closed = _Closed()


def _look(now):
    """Ask the network for the state of the link."""
    global _link, _link_seen
    _link = _board.op(_LINK)
    _link_seen = now
    return _link


def _stalled():
    """Whether data stands still; asks the network at most once per tick."""
    now = time.ticks_ms()
    if 0 <= time.ticks_diff(now, _link_seen) < _TICK:
        return _link != _UP
    return _look(now) != _UP


def _forget_collected():
    """Take descriptors off the list whose sockets the garbage collector has closed."""
    gc.collect()
    poller = select.poll()
    for descriptor in _open:
        poller.register(descriptor, 0)
    for descriptor, event in poller.poll(0):
        if event & _NVAL:
            _open.remove(descriptor)


def _count(descriptor):
    if descriptor not in _open:
        _open.append(descriptor)


def _check_room():
    if len(_open) >= _MOST:
        _forget_collected()
    if len(_open) >= _MOST:
        raise OSError(_ENFILE)


def _lookup(host, port):
    """The address of ``host`` as text, and the port; waits as long as the simulated name server takes."""
    parts = host.split(".")
    if not host:
        host = "0.0.0.0"
    elif ":" in host:
        pass
    elif len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        delay, host = _board.call("net.resolve", host)
        time.sleep_ms(delay)
        if host is None:
            raise OSError(_EAI_FAIL)
    return host, int(port) & 0xFFFF


def _sockaddr(address):
    if not isinstance(address, (tuple, list)):
        raise TypeError("object '%s' isn't a tuple or list" % type(address).__name__)
    if len(address) != 2:
        raise ValueError("requested length 2 but object has length %d" % len(address))
    host, port = _lookup(*address)
    if 0 < port < _WELL_KNOWN:
        port = _board.call("net.port", port)
    if ":" in host:
        packed = bytearray(28)
        packed[8:24] = _host.inet_pton(_INET6, host)
    else:
        packed = bytearray(16)
        packed[4:8] = bytes(int(part) for part in host.split("."))
    packed[0] = 2 if len(packed) == 16 else _INET6
    packed[2], packed[3] = port >> 8, port & 255
    return packed


def _address(packed):
    if packed[0] == _INET6:
        return _host.inet_ntop(_INET6, packed[8:24]), packed[2] << 8 | packed[3]
    return "%d.%d.%d.%d" % tuple(packed[4:8]), packed[2] << 8 | packed[3]


def getaddrinfo(host, port, family=0, kind=0, protocol=0, flags=0):
    """One entry, as lwIP gives; raises OSError(-202) for a name that is not found. An IPv6 one lacks its address."""
    address = _lookup(host, port)
    if ":" in address[0]:
        return [(_INET6, kind or 1, protocol, host, None)]
    return [(2, kind or 1, protocol, host or "0.0.0.0", address)]


class _Icmp:
    """A raw socket for echo requests (RFC 792): the simulated network says whether and when a host answers."""

    def __init__(self):
        self._address = None
        self._answers = []

    def setblocking(self, waits):
        if waits:
            raise NotImplementedError("a raw socket that waits")

    def connect(self, address):
        self._address = address[0]

    def write(self, packet):
        delay = _board.call("net.ping", self._address)
        if delay is None:
            return len(packet)
        header = bytearray(20)
        header[0], header[8], header[9] = 0x45, 64, 1
        answer = bytearray(packet)
        answer[0] = 0
        answer[2:4] = bytes(2)
        self._answers.append((time.ticks_add(time.ticks_ms(), delay), bytes(header + answer)))
        return len(packet)

    def read(self, size):
        if self._answers and time.ticks_diff(self._answers[0][0], time.ticks_ms()) <= 0:
            return self._answers.pop(0)[1][:size]
        return None

    def close(self):
        self._answers = []


class socket(io.IOBase):
    """One of ten sockets. A stream for select.poll and asyncio too."""

    def __init__(self, family=2, kind=1, protocol=0, *, _accepted=None):
        _check_room()
        try:
            # lwIP takes 1 and the like at its word, as IPv4.
            self._host = _accepted or _host.socket(
                _INET6 if family == _INET6 else 2, kind, protocol if kind == 3 else 0
            )
        except OSError as error:
            raise OSError(_ERRORS.get(error.errno, error.errno))
        self._fresh = kind == 1 and not _accepted
        self._retries = None  # None: for ever; 0: not at all or 100 ms; else that many times 100 ms
        self._waits = True
        # The host's socket object is not closed when collected; a file on the same descriptor is.
        self._keeper = open(self._host.fileno(), "r+b")
        _count(self._host.fileno())

    def _failed(self, error, stream=False):
        """Raise what lwIP and the port make of the host's error; the methods of a stream return None for EAGAIN."""
        number = error.errno
        if number == 110 or number == _EAGAIN:
            number = _EAGAIN if self._retries == 0 else _ETIMEDOUT
        elif number == _EPIPE and self._fresh:
            number = _ENOTCONN
        else:
            number = _ERRORS.get(number, number)
        if not (stream and number == _EAGAIN):
            raise OSError(number)

    def _held_up(self):
        """Whether the link holds data up now, after having waited for it as long as the socket's timeout says."""
        if not _stalled():
            return False
        left = self._retries
        while True:
            time.sleep_ms(_TICK)
            if not _stalled():
                return False
            if not self._waits:
                return True
            if left is not None:
                left -= _TICK / 100
                if left <= 0:
                    raise OSError(_ETIMEDOUT)

    def _await_data(self):
        """Wait for data as long as the timeout says: the host's own timeout begins anew at each garbage collection."""
        if not self._waits or self._retries is None:
            return
        end = time.ticks_add(time.ticks_ms(), (self._retries + 1) * 100)
        while not self._poll(1):
            if time.ticks_diff(end, time.ticks_ms()) <= 0:
                raise OSError(_ETIMEDOUT if self._retries else _EAGAIN)
            time.sleep_ms(1)

    def close(self):
        if self._host is not _closed:
            descriptor = self._host.fileno()
            if descriptor in _open:
                _open.remove(descriptor)
            self._host = _closed
            self._keeper.close()

    def fileno(self):
        return self._host.fileno()

    def makefile(self, mode=None, buffering=None):
        return self

    def bind(self, address):
        packed = _sockaddr(address)
        self._fresh = False
        try:
            self._host.bind(packed)
        except OSError as error:
            self._failed(error)

    def listen(self, backlog=2):
        self._fresh = False
        try:
            self._host.listen(backlog)
        except OSError as error:
            self._failed(error)

    def accept(self):
        _check_room()
        try:
            accepted, packed = self._host.accept()
        except OSError as error:
            self._failed(error)
        return _Socket(2, 1, _accepted=accepted), _address(packed)

    def connect(self, address):
        packed = _sockaddr(address)
        self._fresh = False
        if _look(time.ticks_ms()) == _DOWN:
            raise OSError(_EHOSTUNREACH)
        try:
            self._host.connect(packed)
        except OSError as error:
            if error.errno == _EAGAIN:
                raise OSError(_ETIMEDOUT)
            self._failed(error)

    def setsockopt(self, level, option, value):
        if option not in _OPTIONS:
            if option not in (3, 0x100B):
                print("Warning: lwip.setsockopt() option not implemented")
            return
        level, option = _OPTIONS[option]
        self._host.setsockopt(level, option, int(value))

    def settimeout(self, seconds):
        """Seconds, None for ever, 0 not at all; the port counts in steps of 100 ms and waits one more."""
        milliseconds = None if seconds is None else int(seconds * 1000)
        self._waits = milliseconds != 0
        self._retries = None if milliseconds is None else milliseconds // 100
        if milliseconds is None or milliseconds == 0:
            self._host.settimeout(None)
            self._host.setblocking(self._waits)
        else:
            self._host.settimeout((self._retries + 1) * 0.1)

    def setblocking(self, waits):
        self.settimeout(None if waits else 0)

    def recv(self, size, flags=0):
        if self._fresh:
            raise OSError(_ENOTCONN)
        if self._held_up():
            raise OSError(_EAGAIN)
        self._await_data()
        try:
            return self._host.recv(size, flags)
        except OSError as error:
            self._failed(error)

    def recvfrom(self, size, flags=0):
        if self._fresh:
            raise OSError(_ENOTCONN)
        if self._held_up():
            raise OSError(_EAGAIN)
        self._await_data()
        try:
            data, packed = self._host.recvfrom(size, flags)
        except OSError as error:
            self._failed(error)
        return data, _address(packed)

    def send(self, data):
        count = self.write(data)
        if count is None:
            raise OSError(_EAGAIN)
        return count

    def sendall(self, data):
        if self.send(data) < len(data):
            raise OSError(_ETIMEDOUT)

    def sendto(self, data, address):
        packed = _sockaddr(address)
        if _look(time.ticks_ms()) == _DOWN:
            raise OSError(_EHOSTUNREACH)
        try:
            return self._host.sendto(data, packed)
        except OSError as error:
            self._failed(error)

    def read(self, size=-1):
        if self._fresh:
            raise OSError(_ENOTCONN)
        if self._held_up():
            return None
        try:
            return self._host.read(size)
        except OSError as error:
            self._failed(error, True)

    def readinto(self, buffer, size=-1):
        if self._fresh:
            raise OSError(_ENOTCONN)
        if self._held_up():
            return None
        try:
            return self._host.readinto(buffer) if size < 0 else self._host.readinto(buffer, size)
        except OSError as error:
            self._failed(error, True)

    def readline(self, size=-1):
        if self._fresh:
            raise OSError(_ENOTCONN)
        if self._held_up():
            return None
        try:
            return self._host.readline(size)
        except OSError as error:
            self._failed(error, True)

    def write(self, data, *span):
        if self._held_up():
            return None
        try:
            return self._host.write(data, *span)
        except OSError as error:
            self._failed(error, True)

    def ioctl(self, request, argument):
        """For select.poll and TLS: 3 poll, 4 close, 10 the descriptor.

        A socket that stands still gives no descriptor: poll must come back here, and hears that nothing is ready.
        """
        if request == 10:
            return -22 if _stalled() else self._host.fileno()
        if request == 4:
            self.close()
            return 0
        if request == 3:
            return 0 if _stalled() else self._poll(argument)
        return -22

    def _poll(self, events):
        poller = select.poll()
        poller.register(self._host, events)
        for _, event in poller.poll(0):
            return event
        return 0


# The class keeps its name, which can be seen.
_Socket = socket


def socket(family=2, kind=1, protocol=0):  # noqa: F811
    """A new socket."""
    return _Icmp() if kind == 3 and protocol == 1 else _Socket(family, kind, protocol)
