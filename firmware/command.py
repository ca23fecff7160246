"""The vocabulary of the command tables, and what follows from a table line: checks, values, the test form.

A family's table is a tuple of ``command(...)`` lines. Parameters are ``integer(least, most)`` and
``string(shortest, longest)``; the grammar of their text is ESP-AT's (user guide, "AT Command Types").
"""

from micropython import const

from firmware.at_error import COUNT, LENGTH, PARSE, TYPE, VALUE, AtError
from firmware.unload import unload

_INTEGER = const(0)
_STRING = const(1)
_QUOTE = const(0x22)
MOST = const(0x7FFFFFFF)


def integer(least=0, most=MOST, optional=False):
    """A signed 32-bit parameter, decimal or with 0x. An optional one that is left out or empty arrives as None."""
    return (_INTEGER, least, most, optional)


def string(shortest=0, longest=256, optional=False):
    """A parameter in double quotes; the lengths are in bytes, after unescaping. It arrives as ``bytes``."""
    return (_STRING, shortest, longest, optional)


def command(name, parameters=(), set=None, query=None, execute=None, ordered=False):
    """One line of a command table.

    ``name`` is what follows AT, with its plus sign: text, or bytes, which MicroPython does not keep for ever as it does
    short texts. A handler is called with the dispatcher and, for the set form, one value for each parameter; with
    ``ordered`` it gets one ``Arguments`` instead and checks them itself, where the order of the checks depends on
    state. A handler that waits is an ``async def``.
    """
    return (name if isinstance(name, bytes) else bytes(name, "utf-8"), parameters, query, set, execute, ordered)


def number(text):
    """The value of an integer parameter's text, or None if it is not a signed 32-bit integer."""
    if len(text) < 10 and text.isdigit():
        return int(text)
    if text[:2] == b"0x":
        digits, base = text[2:], 16
        for digit in digits:
            if digit not in b"0123456789abcdefABCDEF":
                return None
    else:
        digits, base = (text[1:] if text[:1] == b"-" else text), 10
        if not digits.isdigit():
            return None
    if not digits or len(digits.lstrip(b"0")) > 10:
        return None
    value = int(digits, base)
    if text[:1] == b"-":
        value = -value
    return value if -MOST - 1 <= value <= MOST else None


def value_of(parameter, text, index):
    """One parameter's value; raises AtError with the code that says what is wrong with parameter ``index``."""
    kind, least, most, optional = parameter
    if not text:
        if optional:
            return None
        raise AtError(PARSE | index)
    quoted = text[0] == _QUOTE
    if kind == _INTEGER:
        value = None if quoted else number(text)
        if value is None:
            raise AtError((TYPE if quoted else PARSE) | index)
        if not least <= value <= most:
            raise AtError(VALUE | index)
        return value
    from firmware.quoted import unquote

    value = unquote(text)
    if value is None:
        raise AtError((TYPE if not quoted and number(text) is not None else PARSE) | index)
    if not least <= len(value) <= most:
        raise AtError(LENGTH | index)
    return value


class Arguments:
    """The parameters that a host gave for one set command, checked one by one when asked for."""

    def __init__(self, parameters, text):
        self.parameters = parameters
        self.quoted = b'"' in text
        if self.quoted:
            from firmware.quoted import split

            self.fields = split(text)
        else:
            self.fields = text.split(b",")

    def __len__(self):
        return len(self.fields)

    def get(self, index):
        """The value of parameter ``index``; AtError if it is missing, malformed or out of range."""
        parameter = self.parameters[index]
        if index < len(self.fields):
            return value_of(parameter, self.fields[index], index)
        if parameter[3]:
            return None
        raise self.wrong_count(self._least())

    def values(self):
        """All values in order, None for each optional one that is not given; AtError at the first thing wrong."""
        given = len(self.fields)
        if given < self._least():
            raise self.wrong_count(self._least())
        if given > len(self.parameters):
            raise self.wrong_count(len(self.parameters))
        values = [self.get(index) for index in range(len(self.parameters))]
        if self.quoted:
            unload("quoted")
        return values

    def wrong_count(self, needed):
        """The error that says how many parameters there should have been."""
        return AtError(COUNT | needed << 8 | min(len(self.fields), 255))

    def _least(self):
        least = len(self.parameters)
        while least and self.parameters[least - 1][3]:
            least -= 1
        return least
