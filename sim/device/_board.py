"""The device's end of the wire to the simulated peripherals (``sim/rpc.py``).

``connect`` is called once with the file descriptors that the launcher passed; ``op``, ``push``, ``pull`` and
``read_flash`` allocate nothing for a buffer of bytes that is used whole.
"""

import _thread
import array
import builtins
import json
import struct

try:
    import ffi
except ImportError:
    ffi = None

_SET_DEATH_SIGNAL = 1
_KILL = 9

_file = None
_lock = _thread.allocate_lock()
_op = bytearray(16)
_answer = array.array("i", (0,))
_READABLE = (bytes, bytearray, memoryview)
model = None
timed = False
version = (1, 25)  # which MicroPython the board presents
_flash = -1
_pread = None
own_heap = 0  # bytes of the heap that the simulator itself holds: not the program's


def build():
    """The version and the date of the MicroPython that the board presents."""
    return "v%d.%d.0 on %s" % (version + ("2025-04-15" if version == (1, 25) else "2025-08-09",))


def connect(descriptor, flash):
    global _file, _flash, _pread, model
    _file = open(descriptor, "r+b")
    _flash = flash
    if ffi is not None:
        libc = ffi.open(None)
        _pread = libc.func("i", "pread", "ipll")
        # Without its launcher this is killed. Where there is no ffi it ends when it asks the launcher something.
        libc.func("i", "prctl", "ill")(_SET_DEATH_SIGNAL, _KILL, 0)
    # What the module is called, its GPIOs, the first that is input only, architecture, registers (sim/models.py).
    model = call("board.model")


def op(code, a=0, b=0):
    """Ask for one integer with two integers."""
    _lock.acquire()
    try:
        struct.pack_into("<BBHiii", _op, 0, 0, code, 0, a, b, 0)
        _file.write(_op)
        _file.readinto(_answer)
        return _answer[0]
    finally:
        _lock.release()


def _receive(buffer, size):
    try:
        _file.readinto(buffer if size == len(buffer) else memoryview(buffer)[:size])
    except TypeError:  # cannot be written to
        _file.read(size)
        raise


def readable(data):
    """``data`` as something that ``push`` and ``call`` can send; copies only what is not of bytes."""
    return data if type(data) in _READABLE else bytes(memoryview(data))


def push(code, a, b, data):
    """Hand over the bytes ``data`` with two integers; answers an integer."""
    _lock.acquire()
    try:
        struct.pack_into("<BBHiii", _op, 0, 2, code, 0, a, b, len(data))
        _file.write(_op)
        _file.write(data)
        _file.readinto(_answer)
        return _answer[0]
    finally:
        _lock.release()


def pull(code, a, b, buffer):
    """Fetch at most ``len(buffer)`` bytes into ``buffer``; answers how many, or a negative integer."""
    _lock.acquire()
    try:
        struct.pack_into("<BBHiii", _op, 0, 3, code, 0, a, b, len(buffer))
        _file.write(_op)
        _file.readinto(_answer)
        size = _answer[0]
        if size > 0:
            _receive(buffer, size)
        return size
    finally:
        _lock.release()


def read_flash(address, buffer):
    """Read what the flash has there without asking the launcher; False if that cannot be done here."""
    if _pread is None:
        return False
    return _pread(_flash, buffer, len(buffer), address) == len(buffer)


def call(name, *arguments, payload=b"", into=None):
    """Ask with JSON arguments and a payload; the answer's payload is read into ``into`` where given.

    Returns the JSON result, or ``(result, payload)`` when the answer has a payload and ``into`` is not given.
    """
    text = json.dumps(arguments).encode()
    _lock.acquire()
    try:
        _file.write(struct.pack("<BBHII", 1, 0, len(name), len(text), len(payload)))
        _file.write(name)
        _file.write(text)
        if len(payload):
            _file.write(payload)
        status, json_size, payload_size = struct.unpack("<iII", _file.read(12))
        result = json.loads(_file.read(json_size))
        data = None
        if payload_size and into is not None:
            _receive(into, payload_size)
        elif payload_size:
            data = _file.read(payload_size)
    finally:
        _lock.release()
    if status:
        kind, values = result
        raise getattr(builtins, kind)(*values)
    return result if data is None else (result, data)
