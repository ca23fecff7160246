# Runs first in the interpreter of a simulated board: puts the ESP32's modules in place, mounts the flash's filesystem
# as the port's frozen _boot does, and goes on as its main.c does. Arguments: descriptors of the wire, of the flash's
# file and of the UARTs (two each), 1 if they are timed, the version of MicroPython to present, and what to run: "" is
# boot.py and main.py of the vfs partition, anything else a script or a folder of the host, and "-" nothing: the
# launcher wants to know what the simulator's own modules hold.
import gc
import sys

import _board
import shims
import uos
import utime

_board.connect(int(sys.argv[1]), int(sys.argv[2]))
_board.uart_fds = [int(n) for n in sys.argv[3].split(",")]
_board.timed = sys.argv[4] == "1"
_board.version = tuple([int(part) for part in sys.argv[5].split(".")])
_target = sys.argv[6]
sys.argv[:] = []

# Until the board is there: what the simulator holds shall lie together, and leave the program's heap in one piece.
gc.threshold(2048)

# What the port itself holds, and what the simulator's own modules have brought already: asyncio's variables, and names
# that the program uses, too. Measured with this firmware on the official build 1.25.0 and here, after the start and
# with several families of commands: 3,584 to 3,824.
_PORT_HOLDS = 3_700
_BOOT_PY = """\
# This file is executed on every boot (including wake-boot from deepsleep)
#import esp
#esp.osdebug(None)
#import webrepl
#webrepl.start()
"""
_SPARE_NAMES = 600
_CORRUPTED = """\
The filesystem appears to be corrupted. If you had important data there, you
may want to make a flash snapshot to try to recover it. Otherwise, perform
factory reprogramming of MicroPython firmware (completely erase flash, followed
by firmware programming).
"""


def _mount():
    """Mount the partition vfs at /, in place of the host's files; format it if it is blank."""
    device = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="vfs")[0]
    uos.umount("/")
    try:
        uos.mount(device, "/")
        return
    except OSError:
        pass
    first = bytearray(device.ioctl(5, 0))
    device.readblocks(0, first)
    while first.count(b"\xff") != len(first):
        print(_CORRUPTED)
        utime.sleep(3)
    print("Performing initial setup")
    uos.VfsLfs2.mkfs(device)
    uos.mount(device, "/")
    with open("boot.py", "w") as file:
        file.write(_BOOT_PY)


def _run_scripts(names):
    """Run those of the scripts that are there, in one namespace, up to one that fails; how the last one ended."""
    result = _repl.DONE
    for name in names:
        if result == _repl.DONE and _is_file(name):
            result = _repl.run_file(name)
    if result == _repl.LEFT:
        _soft_reset()
    return result


def _is_file(name):
    try:
        return not uos.stat(name)[0] & 0x4000
    except OSError:
        return False


def _soft_reset():
    print("MPY: soft reboot")
    _board.call("chip.reset", True)


def _run_host(target):
    """Run a script, or boot.py and main.py of a folder, from the host's files."""
    names = ("boot.py", "main.py")
    if _is_file(target):
        target, _, name = target.rpartition("/")
        names = (name,)
    uos.chdir(target)
    sys.exit(0 if _run_scripts(names) == _repl.DONE else 1)


shims.install()
import _gc  # noqa: E402
import _repl  # noqa: E402
import esp32  # noqa: E402
import machine  # noqa: E402

sys.path[:] = ["", ".frozen", "/lib"]
sys.modules["gc"] = _gc
# MicroPython's table of names grows by doubling. Behind the many names of the simulator the next time would come with
# the firmware's, and take 9 KB, where a board's smaller table takes 2: so it comes now.
for _number in range(_SPARE_NAMES):
    hasattr(sys, "%d" % _number)
gc.threshold(-1)
gc.collect()
_board.own_heap = gc.mem_alloc() - _PORT_HOLDS
_board.call("board.started", _board.own_heap)
if _target == "-":
    pass
elif _target:
    _run_host(_target)
else:
    _mount()
    _run_scripts(("boot.py",) if _repl.is_raw() else ("boot.py", "main.py"))
    _repl.serve()
    _soft_reset()
