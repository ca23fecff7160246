# machine.UART of the ESP32 port (1.25) over the UART of the simulated board (sim/uart.py).
#
# Received bytes arrive on a socket, which is also what select.poll looks at (it is always writable, as poll says of the port's
# UART); bytes to send go into a pipe. read, readinto and readline of an object without timeouts are the socket's own methods.
import io
import select
from micropython import const

import _board

_ANY = const(1)
_TXDONE = const(2)
_ROOM = const(3)
_FLUSH = const(4)
_BREAK = const(5)

_STREAM_FLUSH = const(1)
_STREAM_POLL = const(3)
_STREAM_GET_FILENO = const(10)
_EINVAL = const(22)

_fds = _board.uart_fds
_RX = (None, open(_fds[0], "rb"), open(_fds[2], "rb"))
_TX = (None, open(_fds[1], "wb"), open(_fds[3], "wb"))
_PINS = (None, (10, 9), (17, 16))
_INVERTED = ((32, "INV_TX"), (4, "INV_RX"), (64, "INV_RTS"), (8, "INV_CTS"))
_FLOWS = ((1, "RTS"), (2, "CTS"))


class _State:
    """What the driver holds of one port; it outlives the UART objects."""

    def __init__(self):
        self.installed = False
        self.room = 0
        self.baudrate = 115201


_ports = (None, _State(), _State())


class UART(io.IOBase):
    INV_TX = 32
    INV_RX = 4
    INV_RTS = 64
    INV_CTS = 8
    RTS = 1
    CTS = 2
    IRQ_RX = 1
    IRQ_RXIDLE = 4096
    IRQ_BREAK = 2

    def __init__(self, port, *arguments, **keywords):
        if not 0 <= port <= 2:
            raise ValueError("UART(%d) does not exist" % port)
        self._port = port
        self._bits = 8
        self._parity = None
        self._stop = 1
        self._tx, self._rx = _PINS[port]
        self._rts = self._cts = -1
        self._txbuf = self._rxbuf = 256
        self._timeout = self._timeout_char = 0
        self._invert = self._flow = self._irq = 0
        self._state = _ports[port]
        self._state.baudrate = 115201
        self._write = _TX[port].write
        self.readinto = _RX[port].readinto
        self.read = _RX[port].read
        self.readline = _RX[port].readline
        fd = _fds[(port - 1) * 2]

        def ioctl(request, argument):
            if request == _STREAM_GET_FILENO:
                return fd
            if request == _STREAM_POLL:
                return argument & (4 | (_board.op(_ANY, port) > 0))
            return -_EINVAL

        self.ioctl = ioctl
        _install(self)
        self.init(*arguments, **keywords)

    def init(self, baudrate=0, bits=0, parity=-1, stop=0, *, tx=None, rx=None, rts=None, cts=None, txbuf=-1, rxbuf=-1, timeout=-1, timeout_char=-1, invert=-1, flow=-1):
        if txbuf >= 0:
            self._txbuf = txbuf
        if rxbuf >= 0:
            self._rxbuf = rxbuf
        _install(self)

    def any(self):
        return _board.op(_ANY, self._port)

    def read(self, size=-1):
        pass

    def readinto(self, buffer, size=-1):
        pass

    def readline(self):
        pass

    def write(self, data):
        state = self._state
        size = len(data)
        if size > state.room:
            state.room = _board.op(_ROOM, self._port, size)
            if size > state.room:
                return _write_pieces(self, state, memoryview(data))
        state.room -= size
        return self._write(data)

    def txdone(self):
        return bool(_board.op(_TXDONE, self._port))

    def flush(self):
        pass

    def deinit(self):
        pass

    def sendbreak(self):
        pass

    def irq(self):
        pass


def _install(uart):
    uart._state.room = 0
    _board.call("uart.init%d" % uart._port, {"txbuf": uart._txbuf, "rxbuf": uart._rxbuf, "flow": uart._flow})


def _write_pieces(uart, state, data):
    done = 0
    while done < len(data):
        room = _board.op(_ROOM, uart._port, len(data) - done)
        done += uart._write(data[done : done + room])
    state.room = 0
    return done
