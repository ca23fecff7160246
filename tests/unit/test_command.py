from firmware.at_error import COUNT, LENGTH, PARSE, TYPE, VALUE, AtError
from firmware.command import Arguments, integer, number, string, value_of
from firmware.quoted import split, unquote


def code_of(function, *arguments):
    try:
        value = function(*arguments)
    except AtError as error:
        return error.code
    raise AssertionError("no AtError but %r" % (value,))


def test_number():
    for text, value in (
        (b"0", 0),
        (b"-0", 0),
        (b"7", 7),
        (b"007", 7),
        (b"-007", -7),
        (b"0x7", 7),
        (b"0xfF", 255),
        (b"0x007", 7),
        (b"2147483647", 2147483647),
        (b"0000000000002147483647", 2147483647),
        (b"-2147483648", -2147483648),
        (b"0x7fffffff", 2147483647),
        (b"0x000000007FFFFFFF", 2147483647),
    ):
        assert number(text) == value, text


def test_number_refuses():
    for text in (
        (b"", b"-", b"+1", b"--1", b" 1", b"1 ", b"1\r", b"1.0", b"1e3", b"1_0", b"x", b"0x", b"0X1", b"-0x1", b"0x-1")
        + (b"0x1g", b"0x 1", b"0b1", b"0o1", b"\xb2", b"\xd9\xa1", b"\x00", b"1\x00", b"None", b"True")
        + (b"2147483648", b"-2147483649", b"0x80000000", b"0xffffffff", b"4294967297", b"9" * 254, b"0x" + b"f" * 250)
    ):
        assert number(text) is None, text


def test_unquote():
    for text, value in (
        (b'""', b""),
        (b'"a"', b"a"),
        (b'" a "', b" a "),
        (b'"a,b"', b"a,b"),
        (b'"a\\,b"', b"a,b"),
        (b'"\\""', b'"'),
        (b'"\\\\"', b"\\"),
        (b'"\\n\\0"', b"n0"),
        (b'"\\\\\\""', b'\\"'),
        (b'"\x00\xff\r"', b"\x00\xff\r"),
    ):
        assert unquote(text) == value, text


def test_unquote_refuses():
    for text in (
        b"",
        b"a",
        b'"',
        b'"a',
        b'a"',
        b'"\\"',
        b'"a\\',
        b'"a"b"',
        b'"a""b"',
        b'""a',
        b'a""',
        b"'a'",
        b'"\\\\\\"',
    ):
        assert unquote(text) is None, text


def test_split():
    for text, fields in (
        (b"", [b""]),
        (b"1", [b"1"]),
        (b",", [b"", b""]),
        (b"1,,2,", [b"1", b"", b"2", b""]),
        (b'"a,b",1', [b'"a,b"', b"1"]),
        (b'"a\\",b",1', [b'"a\\",b"', b"1"]),
        (b'"a\\\\",1', [b'"a\\\\"', b"1"]),
        (b'1,"a",2', [b"1", b'"a"', b"2"]),
        (b'a"b,c"', [b'a"b', b'c"']),
        (b'"a', [b'"a']),
        (b'"a,', [b'"a,']),
        (b'"a\\', [b'"a\\']),
    ):
        assert split(text) == fields, text


def test_integer_in_its_range():
    parameter = integer(-3, 300)
    for text, value in ((b"-3", -3), (b"0", 0), (b"300", 300), (b"0x12c", 300)):
        assert value_of(parameter, text, 0) == value
    for text, code in ((b"-4", VALUE), (b"301", VALUE), (b"", PARSE), (b"x", PARSE), (b'"1"', TYPE), (b'""', TYPE)):
        assert code_of(value_of, parameter, text, 2) == code | 2, text


def test_string_in_its_lengths():
    parameter = string(2, 3)
    for text, value in ((b'"ab"', b"ab"), (b'"abc"', b"abc"), (b'"\\a\\b\\c"', b"abc")):
        assert value_of(parameter, text, 0) == value
    for text, code in (
        (b'""', LENGTH),
        (b'"a"', LENGTH),
        (b'"abcd"', LENGTH),
        (b"", PARSE),
        (b"ab", PARSE),
        (b'"ab', PARSE),
        (b"12", TYPE),
        (b"-1", TYPE),
        (b"0x1", TYPE),
    ):
        assert code_of(value_of, parameter, text, 1) == code | 1, text


def test_an_optional_parameter_may_be_empty():
    assert value_of(integer(5, 6, optional=True), b"", 0) is None
    assert value_of(string(5, 6, optional=True), b"", 0) is None
    assert code_of(value_of, string(5, 6, optional=True), b'""', 0) == LENGTH


def test_values():
    parameters = (integer(0, 9), string(0, 9, optional=True), integer(0, 9, optional=True))
    for text, values in (
        (b"1", [1, None, None]),
        (b"1,", [1, None, None]),
        (b'1,"a"', [1, b"a", None]),
        (b"1,,2", [1, None, 2]),
        (b'1,"a,b",2', [1, b"a,b", 2]),
    ):
        assert Arguments(parameters, text).values() == values, text
    assert code_of(Arguments(parameters, b"1,,2,3").values) == COUNT | 0x0304
    assert code_of(Arguments(parameters, b"").values) == PARSE | 0
    assert code_of(Arguments(parameters, b"1,2").values) == TYPE | 1


def test_an_optional_parameter_before_one_that_is_not_counts():
    parameters = (integer(0, 9, optional=True), integer(0, 9))
    assert code_of(Arguments(parameters, b"1").values) == COUNT | 0x0201
    assert Arguments(parameters, b",1").values() == [None, 1]


def test_counts_are_checked_before_values():
    parameters = (integer(0, 9), integer(0, 9))
    assert code_of(Arguments(parameters, b"x").values) == COUNT | 0x0201
    assert code_of(Arguments(parameters, b"x,y,z").values) == COUNT | 0x0203


def test_get_checks_one_parameter_alone():
    arguments = Arguments((integer(0, 9), integer(0, 9), integer(0, 9, optional=True)), b"1,x")
    assert arguments.get(0) == 1
    assert arguments.get(2) is None
    assert code_of(arguments.get, 1) == PARSE | 1
    assert len(arguments) == 2


def test_the_given_number_fits_its_byte():
    assert code_of(Arguments((integer(),), b"," * 400).values) == COUNT | 0x01FF
