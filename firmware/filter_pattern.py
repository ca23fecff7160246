"""POSIX regular expressions for MicroPython's ``re``, which has another syntax, and no limit to the time it takes.

So what may take for ever is refused: a repetition of anything but one character, and more than ``_MOST_WEIGHT`` of what
makes a match take steps. Needed to add a filter only.
"""

import re

from micropython import const

from firmware.at_error import FAILED, NOT_POSSIBLE, AtError

# How many times each of these doubles the steps at worst. A repetition runs over some hundred bytes before the stack is
# full; a search begins at each byte anew.
_SEARCH = const(9)
_REPETITION = const(6)
_CHOICE = const(2)
_MOST_WEIGHT = const(21)
_MOST_DEPTH = const(8)
_SPECIAL = b".^$*+?|()[]{}\\"
_EXTENDED = b".^$*+?|()[{"


def compiled(text, extended):
    """The pattern, with group 1 for what comes before the match. AtError if it is none, or not possible here."""
    try:
        return re.compile(b"(.*?)(?:" + _translated(text, extended) + b")")
    except ValueError:
        raise AtError(FAILED)


def _translated(text, extended):
    out = bytearray()
    weight = 0 if text[:1] == b"^" and b"|" not in text else _SEARCH
    at = depth = 0
    before = b"("
    while at < len(text):
        symbol, char, at = _symbol(text, at, extended, before)
        if symbol == b"[":
            char, at = _bracket(text, at)
            symbol = b""
        elif symbol == b"(":
            char = b"(?:"
            depth += 1
        elif symbol == b")":
            depth -= 1
        elif symbol in (b"*", b"+", b"?"):
            if before:
                raise AtError(NOT_POSSIBLE)
            weight += _CHOICE if symbol == b"?" else _REPETITION
        elif symbol == b"|":
            weight += _CHOICE
        elif symbol == b".":
            symbol = b""
        elif not symbol and char in _SPECIAL:
            char = b"\\" + char
        if depth < 0:
            raise AtError(FAILED)
        if weight > _MOST_WEIGHT or depth > _MOST_DEPTH:
            raise AtError(NOT_POSSIBLE)
        out += char
        before = symbol
    return out


def _symbol(text, at, extended, before):
    """What the character at ``at`` stands for, or nothing if for itself; the character; where it ends. ``before`` is
    what the one before it stands for, not counting those that match one character.
    """
    char = text[at : at + 1]
    if char == b"\\":
        char = text[at + 1 : at + 2]
        if not char:
            raise AtError(FAILED)
        if char.isdigit() or (char == b"{" and not extended):
            raise AtError(NOT_POSSIBLE)
        return char if not extended and char in b"()" else b"", char, at + 2
    if extended:
        special = char in _EXTENDED
    elif char == b"^":
        special = before == b"("
    elif char == b"*":
        special = before not in (b"(", b"^")
    elif char == b"$":
        special = text[at + 1 : at + 3] in (b"", b"\\)")
    else:
        special = char in b".["
    # The end of a text in C, and a repetition that ``re`` does not know.
    if char == b"\0" or (special and char == b"{"):
        raise AtError(NOT_POSSIBLE)
    return char if special else b"", char, at + 1


def _bracket(text, begin):
    """The translation of the bracket expression whose content begins there, and its end. A backslash is an ordinary
    character in it, and so is a bracket at its beginning.
    """
    out = bytearray(b"[")
    at = begin
    if text[at : at + 1] == b"^":
        out += b"^"
        begin = at = at + 1
    while at < len(text):
        char = text[at : at + 1]
        if char == b"]" and at > begin:
            return out + b"]", at + 1
        if char == b"\0" or (char == b"[" and text[at + 1 : at + 2] in (b":", b".", b"=")):
            raise AtError(NOT_POSSIBLE)
        ends_range = at > begin + 1 and text[at - 1] == 0x2D
        if char in b"]\\" and not ends_range:
            out += b"\\"
        out += char
        at += 1
    raise AtError(FAILED)
