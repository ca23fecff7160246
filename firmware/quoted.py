"""Parameters in double quotes: loaded for the commands that have any."""

from micropython import const

_QUOTE = const(0x22)
_COMMA = const(0x2C)
_BACKSLASH = const(0x5C)


def unquote(text):
    """The value of a string parameter's text, or None if it is not one string in double quotes."""
    end = len(text) - 1
    if end < 1 or text[0] != _QUOTE or text[end] != _QUOTE:
        return None
    inside = text[1:end]
    if b"\\" not in inside and b'"' not in inside:
        return inside
    value = bytearray()
    at = 0
    while at < len(inside):
        byte = inside[at]
        if byte == _QUOTE:
            return None
        if byte == _BACKSLASH:
            at += 1
            if at == len(inside):
                return None
            byte = inside[at]
        value.append(byte)
        at += 1
    return bytes(value)


def split(text):
    """The parameters' texts; commas inside quotes, escaped or not, do not separate."""
    fields = []
    begin = at = 0
    quoted = False
    while at < len(text):
        byte = text[at]
        if quoted:
            if byte == _BACKSLASH:
                at += 1
            elif byte == _QUOTE:
                quoted = False
        elif byte == _QUOTE and at == begin:
            quoted = True
        elif byte == _COMMA:
            fields.append(text[begin:at])
            begin = at + 1
        at += 1
    fields.append(text[begin:])
    return fields
