# Runs first in the interpreter of a simulated board: puts the ESP32's modules in place, mounts the flash, and goes on as
# MicroPython's main.c does. Arguments: descriptor of the wire, descriptors of the UARTs (rx and tx of UART1, of UART2), what to
# run ("" is the vfs partition, else a script or a folder of the host).
import gc
import sys

import _board
import shims

_board.connect(int(sys.argv[1]))
_board.uart_fds = [int(n) for n in sys.argv[2].split(",")]
_target = sys.argv[3]
sys.argv[:] = []

_SHIMS = ("machine", "esp32")


def _install():
    shims.install()
    for name in _SHIMS:
        try:
            __import__(name)
        except ImportError as error:
            print("sim: no", name, error)


def _run_file(name):
    """Run a script as the port does: exceptions are printed. Returns false after SystemExit."""
    try:
        with open(name) as file:
            code = compile(file.read(), name, "exec")
    except OSError:
        return True
    except SyntaxError as error:
        sys.print_exception(error)
        return True
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit:
        return False
    except BaseException as error:
        sys.print_exception(error, sys.stdout)
    return True


def _run_host(target):
    """Run a script, or boot.py and main.py of a folder, from the host's files."""
    import uos

    if not uos.stat(target)[0] & 0x4000:
        folder, _, name = target.rpartition("/")
        names = (name,)
    else:
        folder, names = target, ("boot.py", "main.py")
    uos.chdir(folder)
    sys.path[:] = ["", ".frozen", "/lib"]
    for name in names:
        if not _run_file(name):
            break


_install()
gc.collect()
_board.call("board.started", gc.mem_alloc())
if _target:
    _run_host(_target)
