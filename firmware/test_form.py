"""The answer to ``AT+NAME=?``, from the line of the command table that validates. Loaded when asked."""

from micropython import const

_STRING = const(1)


def test_form(name, parameters):
    """The ranges, optional parameters in brackets, strings by their lengths."""
    text = name + b":"
    for index, (kind, least, most, optional) in enumerate(parameters):
        form = (b'"%d-%d"' if kind == _STRING else b"(%d-%d)") % (least, most)
        if index:
            form = b"," + form
        text += b"[" + form + b"]" if optional else form
    return text
