# machine.UART of the ESP32 port (1.25 and 1.26) over the UART of the simulated board (sim/uart.py).
#
# Received bytes arrive on a socket, which is also what select.poll looks at (it is always writable, as poll says of the
# port's UART); bytes to send go into a pipe. read, readinto and readline are the socket's own methods as long as there
# are no timeouts and nothing is timed: then nothing runs here but write, which counts how much the transmit buffer has
# room for.
import io
import select

import _board
import utime
from _pin import Irq, number
from micropython import const

_ANY = const(1)
_TXDONE = const(2)
_ROOM = const(3)
_FLUSH = const(4)
_BREAK = const(5)
_SYNC = const(6)

_STREAM_POLL = const(3)
_STREAM_GET_FILENO = const(10)
_POLL_WRITE = const(4)
_EINVAL = const(22)
_ETIMEDOUT = const(116)

_HARDWARE_FIFO = const(128)
_TURN_US = const(300)  # of asyncio's loop on a board
_FIRST_INPUT_ONLY = _board.model[2]
_CLOCK = 80000000 << 4

_PINS = ((1, 3), (10, 9), (17, 16))
_PARITIES = ("None", "1", "0")
_INVERSIONS = ((32, "INV_TX"), (4, "INV_RX"), (64, "INV_RTS"), (8, "INV_CTS"))
_FLOWS = ((1, "RTS"), (2, "CTS"))
_KEEP = object()

_rx = [None] * 3
_tx = [None] * 3
# 1 after a look (without a baud rate: one in vain), until something is read or written. Who looks again and again keeps
# this machine busy, and a board's loop turns much slower than this one: the second look takes time.
_looked = [0] * 3
_something = [None] * 3  # polls that tell whether there is something to read
_baudrate = [115201] * 3
_installed = [False] * 3
_room = [0] * 3


def _files(port):
    if _rx[port] is None:
        _rx[port] = open(_board.uart_fds[2 * port], "rb")
        _something[port] = select.poll()
        _something[port].register(_rx[port], select.POLLIN)
        _tx[port] = open(_board.uart_fds[2 * port + 1], "wb")


for _port in (1, 2):
    _files(_port)


class UART(io.IOBase):
    RTS = 1
    CTS = 2
    INV_TX = 32
    INV_RX = 4
    INV_RTS = 64
    INV_CTS = 8
    IRQ_RX = 1
    IRQ_RXIDLE = 4096
    IRQ_BREAK = 2

    def __init__(self, port, *arguments, **keywords):
        # 1.25's driver loses its event queue with the first change of a buffer's size, and UART.irq waits on it.
        if not 0 <= port <= 2:
            raise ValueError("UART(%d) does not exist" % port)
        _files(port)
        self._port = port
        self._bits = 8
        self._parity = 0
        self._stop = 1
        self._tx, self._rx = _PINS[port]
        self._rts = self._cts = -1
        self._txbuf = self._rxbuf = 256
        self._timeout = self._timeout_char = self._invert = self._flow = self._trigger = 0
        self._queue_lost = False
        self._handler = None
        self._send = _tx[port].write
        self.ioctl = _make_ioctl(port)
        _baudrate[port] = 115201
        _install(self)
        self.init(*arguments, **keywords)

    def init(
        self,
        baudrate=0,
        bits=0,
        parity=_KEEP,
        stop=0,
        *,
        tx=None,
        rx=None,
        rts=None,
        cts=None,
        txbuf=-1,
        rxbuf=-1,
        timeout=-1,
        timeout_char=-1,
        invert=-1,
        flow=-1,
        **unknown,
    ):
        if unknown:
            raise TypeError("extra keyword arguments given")
        _resize(self, txbuf, rxbuf)
        if baudrate > 0:
            _baudrate[self._port] = _CLOCK // (_CLOCK // baudrate)
        _set_pins(self, tx, rx, rts, cts)
        _set_frame(self, bits, parity, stop)
        if timeout != -1:
            self._timeout = timeout & 0xFFFF
        if timeout_char != -1:
            self._timeout_char = timeout_char & 0xFFFF
        if invert != -1:
            if invert & ~0x6C:
                raise ValueError("invalid inversion mask")
            self._invert = invert
        if flow != -1:
            if flow & ~3:
                raise ValueError("invalid flow control mask")
            self._flow = flow
        _choose_readers(self)
        _tell(self, "uart.configure")

    def deinit(self):
        _installed[self._port] = False
        _room[self._port] = 0
        _board.call("uart.deinit", self._port)

    def any(self):
        if not _installed[self._port]:
            raise OSError(1, "ESP_FAIL")
        port = self._port
        if _board.timed:
            if _looked[port]:
                utime.sleep_us(_TURN_US)
            _looked[port] = 1
            return _board.op(_ANY, port)
        for _ in _something[port].ipoll(_looked[port]):
            _looked[port] = 0
            return _board.op(_ANY, port)
        _looked[port] = 1
        return 0

    def read(self, size=-1):
        if size < 0:
            return _read_all(self)
        buffer = bytearray(size)
        count = self.readinto(buffer)
        return count and bytes(memoryview(buffer)[:count])

    def readinto(self, buffer, size=-1):
        view = memoryview(buffer)
        if size >= 0:
            view = view[:size]
        return _read(self, view)

    def readline(self):
        line = b""
        byte = bytearray(1)
        while not line.endswith(b"\n") and _read(self, byte):
            line += byte
        return line or None

    def write(self, data, offset=None, size=None):
        if offset is not None:
            data = memoryview(data)[:offset] if size is None else memoryview(data)[offset : offset + size]
        port = self._port
        if not _installed[port]:
            return None
        _looked[port] = 0
        length = len(data)
        if length > _room[port]:
            _room[port] = _board.op(_ROOM, port, length)
            if length > _room[port]:
                return _write_pieces(self, memoryview(data))
        _room[port] -= length
        return self._send(data)

    def txdone(self):
        return bool(_installed[self._port] and _board.op(_TXDONE, self._port))

    def flush(self):
        # The port takes twice the time of 13 bits a byte for a number of ticks, which are 10 ms each.
        ticks = (3 + self._txbuf) * 13000 * 2 // _baudrate[self._port]
        if not _board.op(_FLUSH, self._port, ticks * 10):
            raise OSError(_ETIMEDOUT)

    def sendbreak(self):
        _board.op(_BREAK, self._port)

    def irq(self, handler=None, trigger=0, hard=False):
        """The handler is kept and not called; what the interrupt is good for, that poll sees bytes at once, happens."""
        if handler is not None and not callable(handler):
            raise ValueError("handler must be None or callable")
        if trigger & ~0x1003:
            raise ValueError("trigger 0x%04x unsupported" % (trigger & ~0x1003))
        if hard:
            raise ValueError("hard IRQ is not supported")
        if handler is not None and self._queue_lost:
            _board.call("chip.hang", "UART.irq after rxbuf or txbuf: MicroPython pull request 17135")
        self._handler = handler
        self._trigger = trigger
        _tell_irq(self)
        return Irq(trigger)

    def __repr__(self):
        text = "UART(%d, baudrate=%d, bits=%d, parity=%s, stop=%d, tx=%d, rx=%d, rts=%d, cts=%d" % (
            self._port,
            _baudrate[self._port],
            self._bits,
            _PARITIES[self._parity],
            self._stop,
            self._tx,
            self._rx,
            self._rts,
            self._cts,
        )
        text += ", txbuf=%d, rxbuf=%d, timeout=%d, timeout_char=%d, irq=%d" % (
            self._txbuf,
            self._rxbuf,
            self._timeout,
            self._timeout_char,
            self._trigger,
        )
        for name, mask, names in (("invert", self._invert, _INVERSIONS), ("flow", self._flow, _FLOWS)):
            if mask:
                text += ", %s=%s" % (name, "|".join([word for bit, word in names if mask & bit]))
        return text + ")"


def _make_ioctl(port):
    fd = _board.uart_fds[2 * port]

    def ioctl(request, argument):
        if request == _STREAM_GET_FILENO:
            return fd
        if request == _STREAM_POLL:
            return argument & (_POLL_WRITE | (_board.op(_ANY, port) > 0))
        return -_EINVAL

    return ioctl


def _install(uart):
    """Install the driver, which refuses buffers that are no larger than the hardware's."""
    port = uart._port
    _installed[port] = False
    if uart._rxbuf <= _HARDWARE_FIFO or 0 < uart._txbuf <= _HARDWARE_FIFO:
        _board.call("uart.deinit", port)
        raise OSError(1, "ESP_FAIL")
    _installed[port] = True
    _tell(uart, "uart.install")
    _tell_irq(uart)


def _tell(uart, call):
    port = uart._port
    _room[port] = 0
    _board.call(
        call,
        port,
        {
            "baudrate": _baudrate[port],
            "bits": uart._bits,
            "parity": (None, 1, 0)[uart._parity],
            "stop": uart._stop,
            "txbuf": uart._txbuf,
            "rxbuf": uart._rxbuf,
            "flow": uart._flow,
        },
    )


def _tell_irq(uart):
    _board.call("uart.irq", uart._port, uart._handler is not None and bool(uart._trigger & UART.IRQ_RX))


def _resize(uart, txbuf, rxbuf):
    """1.25 installs the driver anew whenever a size is given, 1.26 only for another one."""
    port = uart._port
    if _installed[port]:
        _board.op(_FLUSH, port, 1000)
    given = txbuf >= 0 or rxbuf >= 0
    txbuf = uart._txbuf if txbuf < 0 else txbuf & 0xFFFF
    rxbuf = uart._rxbuf if rxbuf < 0 else rxbuf & 0xFFFF
    old = _board.version < (1, 26)
    if given if old else (txbuf, rxbuf) != (uart._txbuf, uart._rxbuf):
        if port == 0:
            raise ValueError("UART buffer size is fixed")
        uart._queue_lost = old
        uart._txbuf, uart._rxbuf = txbuf, rxbuf
        _install(uart)
    elif not _installed[port]:
        raise OSError(-259, "ESP_ERR_INVALID_STATE")


def _set_pins(uart, tx, rx, rts, cts):
    for name, pin in (("_tx", tx), ("_rx", rx), ("_rts", rts), ("_cts", cts)):
        if pin is not None:
            setattr(uart, name, -1 if pin == -1 else number(pin))
    if uart._tx >= _FIRST_INPUT_ONLY or uart._rts >= _FIRST_INPUT_ONLY:
        raise OSError(1, "ESP_FAIL")


def _set_frame(uart, bits, parity, stop):
    if bits:
        if not 5 <= bits <= 8:
            raise ValueError("invalid data bits")
        uart._bits = bits
    if parity is not _KEEP:
        uart._parity = 0 if parity is None else 1 if parity & 1 else 2
    if stop:
        if not 1 <= stop <= 2:
            raise ValueError("invalid stop bits")
        uart._stop = stop


def _choose_readers(uart):
    if not (_board.timed or uart._timeout or uart._timeout_char):
        file = _rx[uart._port]
        uart.read, uart.readinto, uart.readline = file.read, file.readinto, file.readline
    elif "readinto" in uart.__dict__:
        del uart.read, uart.readinto, uart.readline


def _wait(uart, milliseconds):
    poller = select.poll()
    poller.register(uart, select.POLLIN)
    poller.poll(milliseconds)


def _read(uart, view):
    """Read as the driver does: wait for the first byte, then for each further one."""
    port = uart._port
    if _board.timed:
        _looked[port] = 0
        _board.op(_SYNC, port)
    if uart._timeout and not _board.op(_ANY, port):
        _wait(uart, uart._timeout)
    count = _rx[port].readinto(view)
    while uart._timeout_char and count and count < len(view):
        _wait(uart, uart._timeout_char)
        more = _rx[port].readinto(memoryview(view)[count:])
        if not more:
            break
        count += more
    return count


def _read_all(uart):
    data = b""
    buffer = bytearray(256)
    while True:
        count = _read(uart, buffer)
        if not count:
            return data or None
        data += memoryview(buffer)[:count]


def _write_pieces(uart, data):
    """Write more than the transmit buffer holds: waits for room, again and again."""
    port = uart._port
    done = 0
    while done < len(data):
        room = _board.op(_ROOM, port, len(data) - done)
        done += uart._send(data[done : done + room])
    _room[port] = 0
    return done
