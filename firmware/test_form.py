"""The answer to ``AT+NAME=?``, from the line of the command table that validates. Loaded when asked."""

from micropython import const

_STRING = const(1)


def test_form(name, parameters):
    """The ranges, optional parameters in brackets, strings by their lengths."""
    text = name + ":"
    for index, (kind, least, most, optional) in enumerate(parameters):
        form = ('"%d-%d"' if kind == _STRING else "(%d-%d)") % (least, most)
        if index:
            form = "," + form
        text += "[" + form + "]" if optional else form
    return text
