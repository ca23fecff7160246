"""Runs programs as the ESP32 port does, and its REPL: friendly, raw, and raw with flow control (raw paste).

Follows shared/runtime/pyexec.c and the port's main.c. Ctrl-C interrupts a program only while one runs; at the prompt it
is a character like others. Line editing is the least that a person needs.
"""

import io
import sys

import _board
from micropython import const

_INTERRUPT = const(7)
_SET_RAW = const(8)
_IS_RAW = const(9)
_NONE = const(-1)
_CTRL_A = const(1)
_CTRL_B = const(2)
_CTRL_C = const(3)
_CTRL_D = const(4)
_CTRL_E = const(5)
_BACKSPACES = (8, 127)
_ESCAPE = const(27)
_WINDOW = const(128)
_BANNER = 'MicroPython %s; %s\nType "help()" for more information.\n'

# What a program ended with.
FAILED, DONE, LEFT = 0, 1, 2

names = {"__name__": "__main__"}
_OWN_FRAME = '  File "%s/' % __file__.rsplit("/", 1)[0]


def run(program, raw=False):
    """Call ``program``; its exceptions are printed, and SystemExit means that it wants a soft reset."""
    result = FAILED
    try:
        _board.op(_INTERRUPT, _CTRL_C)
        program()
        _board.op(_INTERRUPT, _NONE)
        result = DONE
        if raw:
            sys.stdout.write("\x04")
    except BaseException as error:
        _board.op(_INTERRUPT, _NONE)
        if raw:
            sys.stdout.write("\x04")
        if isinstance(error, SystemExit):
            result = LEFT
        else:
            _print_exception(error)
    if raw:
        sys.stdout.write("\x04")
    return result


def _print_exception(error):
    """As the port does, where the interpreter that calls the program has no frames."""
    text = io.StringIO()
    sys.print_exception(error, text)
    for line in text.getvalue().splitlines():
        if not line.startswith(_OWN_FRAME):
            print(line)


def run_file(name):
    """Run a file in the namespace of the REPL."""
    return run(lambda: execfile(name, names))  # noqa: F821


def is_raw():
    return _board.op(_IS_RAW)


def serve():
    """The REPL; returns when a soft reset is wanted."""
    left = False
    while not left:
        left = _raw() if is_raw() else _friendly()


def _character():
    byte = sys.stdin.buffer.read(1)
    if not byte:
        sys.exit()  # the launcher is gone
    return byte[0]


def _run_source(source, kind, raw=False):
    return run(lambda: exec(compile(source, "<stdin>", kind), names), raw) == LEFT


def _raw():
    write = sys.stdout.write
    write("raw REPL; CTRL-B to exit\n>")
    line = bytearray()
    while True:
        character = _character()
        if character == _CTRL_A:
            if line == b"\x05A":
                if _run_pasted():
                    return True
                write(">")
            elif len(line) == 2 and line[0] == _CTRL_E:
                write("R\0>")
            else:
                write("raw REPL; CTRL-B to exit\n>")
        elif character == _CTRL_B:
            write("\n")
            _board.op(_SET_RAW, 0)
            return False
        elif character == _CTRL_D:
            write("OK")
            if not line:
                write("\n")
                return True
            if _run_source(bytes(line), "exec", True):
                return True
            write(">")
        elif character != _CTRL_C:
            line.append(character)
            continue
        line = bytearray()


def _run_pasted():
    """Raw paste: the host sends no more than it has been given room for."""
    sys.stdout.write("R\x01%c%c\x01" % (_WINDOW & 255, _WINDOW >> 8))
    source = bytearray()
    interrupted = False
    while True:
        character = _character()
        if character == _CTRL_D:
            break
        interrupted = interrupted or character == _CTRL_C
        source.append(character)
        if len(source) % _WINDOW == 0:
            sys.stdout.write("\x01")
    sys.stdout.write("\x04")
    if interrupted:
        return run(_interrupt, True) == LEFT
    return _run_source(bytes(source), "exec", True)


def _interrupt():
    raise KeyboardInterrupt


def _friendly():
    write = sys.stdout.write
    banner = _BANNER % (_board.build(), _board.model[0])
    write(banner)
    while True:
        end, text = _read_line(">>> ")
        kind = "single"
        if end == _CTRL_A:
            write("\n")
            _board.op(_SET_RAW, 1)
            return False
        if end == _CTRL_B:
            write("\n" + banner)
        if end == _CTRL_D:
            write("\n")
            return True
        if end == _CTRL_E:
            end, text = _read_pasted()
            kind = "exec"
        while kind == "single" and end == 0 and _goes_on(text):
            end, more = _read_line("... ")
            text += "\n" + more
        if end in (0, _CTRL_D) and text and _run_source(text, kind):
            return True


def _read_line(prompt):
    """What ended the line, 0 for Enter or a control character, and its text."""
    write = sys.stdout.write
    write(prompt)
    line = bytearray()
    while True:
        character = _character()
        if character == 13:
            write("\n")
            return 0, line.decode()
        if character in _BACKSPACES:
            if line:
                line = line[:-1]
                write("\b \b")
        elif character == _CTRL_C:
            write("\n")
            return character, ""
        elif character in (_CTRL_A, _CTRL_B, _CTRL_D, _CTRL_E):
            if not line:
                return character, ""
        elif character == _ESCAPE:
            # A cursor key: its two characters more.
            _character()
            _character()
        elif character >= 32 or character == 9:
            line.append(character)
            sys.stdout.buffer.write(bytes((character,)))


def _read_pasted():
    write = sys.stdout.write
    write("\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\n=== ")
    text = bytearray()
    while True:
        character = _character()
        if character in (_CTRL_C, _CTRL_D):
            write("\n")
            return character, text.decode() if character == _CTRL_D else ""
        text.append(10 if character == 13 else character)
        write("\n=== " if character == 13 else chr(character))


def _goes_on(text):
    """Does the statement go on: brackets are open, or it is a compound one that no empty line has ended?"""
    if any(text.count(a) > text.count(b) for a, b in ("()", "[]", "{}")):
        return True
    first = text.split("\n")[0]
    return (first.rstrip().endswith(":") or first.startswith("@")) and not text.endswith("\n")
