"""SPEC, "Lines and answers": kinds, parameters, error codes, and the test form of section 6."""

from __future__ import annotations

import pytest

from tests.system.host import ERROR, OK, Host, error
from tests.system.own_commands import COMMANDS_PY, NEEDED

USER_FILES = {"commands.py": COMMANDS_PY}

LENGTH = 0x01040000
TYPE = 0x01050000
COUNT = 0x01060000
VALUE = 0x01070000
PARSE = 0x01080000
UNSUPPORTED = 0x01090000
FAILED = 0x010A0000
NO_MEMORY = 0x010A0004
KIND = 0x010C0000


@pytest.fixture
def coded(host: Host) -> Host:
    """A host that has asked for error codes."""
    host.command(b"AT+SYSLOG=1")
    return host


def test_the_code_comes_before_error(host: Host) -> None:
    host.command(b"AT+NO", ERROR)
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+NO", b"ERR CODE:0x01090000\r\n\r\nERROR\r\n")
    host.command(b"AT+SYSLOG=0")
    host.command(b"AT+NO", ERROR)


# Kinds.


@pytest.mark.parametrize(
    "line",
    [
        b"AT?",
        b"AT=",
        b"AT=1",
        b"AT=?",
        b"ATE0?",
        b"ATE1=1",
        b"AT+RST?",
        b"AT+RST=1",
        b"AT+RST=?",
        b"AT+GMR?",
        b"AT+GMR=",
        b"AT+GMR=?",
        b"AT+CMD",
        b"AT+CMD=1",
        b"AT+RESTORE?",
        b"AT+SLEEP",
        b"AT+SYSLOG",
        b"AT+SYSRAM",
        b"AT+CWMODE",
        b"AT+CWQAP?",
        b"AT+CWSTATE",
        b"AT+USERRAM",
        b"AT+USEROTA",
        b"AT+USERWKMCUCFG",
        b"AT+USERMCUSLEEP",
    ],
)
def test_a_kind_that_the_command_does_not_have(coded: Host, line: bytes) -> None:
    coded.command(line, error(KIND))


@pytest.mark.parametrize("line", [b"AT+NO", b"AT+NO?", b"AT+NO=1", b"AT+NO=?", b"AT+USERRAM??", b"AT+USERRAMX=1,2"])
def test_a_command_that_is_not_there(coded: Host, line: bytes) -> None:
    coded.command(line, error(UNSUPPORTED))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        (b"+SLEEP", b"(0-3)"),
        (b"+SYSLOG", b"(0-1)"),
        (b"+USERRAM", b"(0-4)[,(1-2147483647)][,(0-2147483647)]"),
        (b"+USEROTA", b"(1-8192)"),
        (b"+USERWKMCUCFG", b"(0-1),(1-2),(0-39),(0-255),(0-60000)[,(0-7)]"),
        (b"+USERMCUSLEEP", b"(0-1)"),
        (b"+CWMODE", b"(0-3)[,(0-1)]"),
        (
            b"+CWJAP",
            b'["1-32"][,"0-64"][,"17-17"][,(0-16)][,(0-7200)][,(1-100)][,(0-1)][,(3-600)][,(0-3)]',
        ),
    ],
)
def test_the_test_form_tells_the_ranges(host: Host, name: bytes, form: bytes) -> None:
    host.command(b"AT" + name + b"=?", name + b":" + form + b"\r\n", OK)


@pytest.mark.simulator(NEEDED)
def test_the_test_form_of_a_command_of_ones_own(host: Host) -> None:
    host.command(b"AT+SHOW=?", b'+SHOW:"0-300"[,(-5-5)][,"2-4"]\r\n', OK)


@pytest.mark.parametrize("line", [b"AT+SYSLOG=??", b"AT+SYSLOG=?,1", b"AT+SYSLOG=1?", b"AT+SYSLOG=? "])
def test_what_only_looks_like_a_test_form(coded: Host, line: bytes) -> None:
    needed = COUNT | 0x0102 if b"," in line else PARSE
    coded.command(line, error(needed))


# Numbers of parameters.


@pytest.mark.parametrize(
    ("line", "needed", "given"),
    [
        (b"AT+SYSLOG=1,1", 1, 2),
        (b"AT+SYSLOG=1,", 1, 2),
        (b"AT+SYSLOG=,,", 1, 3),
        (b"AT+SLEEP=0,0", 1, 2),
        (b"AT+USERMCUSLEEP=0,1", 1, 2),
        (b"AT+USEROTA=1,1", 1, 2),
        (b"AT+CWMODE=1,0,0", 2, 3),
        (b"AT+CWJAP=" + b"," * 9, 9, 10),
        (b"AT+CWJAP=" + b"," * 200, 9, 201),
        (b"AT+USERRAM=0,1", 1, 2),
        (b"AT+USERRAM=0,", 1, 2),
        (b"AT+USERRAM=1", 2, 1),
        (b"AT+USERRAM=1,8,0", 2, 3),
        (b"AT+USERRAM=2", 2, 1),
        (b"AT+USERRAM=2,8,0,0", 3, 4),
        (b"AT+USERRAM=3", 2, 1),
        (b"AT+USERRAM=3,8,0,0", 3, 4),
        (b"AT+USERRAM=4,8,0,0", 3, 4),
        (b"AT+USERWKMCUCFG=1", 5, 1),
        (b"AT+USERWKMCUCFG=1,1,18,1", 5, 4),
        (b"AT+USERWKMCUCFG=1,1,18,1,1000,1,1", 6, 7),
    ],
)
def test_a_wrong_number_of_parameters(coded: Host, line: bytes, needed: int, given: int) -> None:
    coded.command(line, error(COUNT | needed << 8 | given))


# Integers.


@pytest.mark.parametrize("text", [b"1", b"01", b"0000000000000000000001", b"0x1", b"0x01", b"0x0000000000000001"])
def test_an_integer_may_have_leading_zeros_and_be_hexadecimal(host: Host, text: bytes) -> None:
    host.command(b"AT+SYSLOG=" + text)
    host.command(b"AT+SYSLOG?", b"+SYSLOG:1\r\n", OK)


@pytest.mark.parametrize(("text", "value"), [(b"0xa", 10), (b"0xA", 10), (b"010", 10), (b"0x10", 16), (b"0xfF", 255)])
def test_integers_are_decimal_or_hexadecimal(host: Host, text: bytes, value: int) -> None:
    host.command(b"AT+USERRAM=1," + text)
    host.command(b"AT+USERRAM?", b"+USERRAM:%d\r\n" % value, OK)


@pytest.mark.parametrize("text", [b"-0", b"00", b"0x0", b"0000"])
def test_all_zeros_are_zero(coded: Host, text: bytes) -> None:
    coded.command(b"AT+SYSLOG=" + text)
    coded.command(b"AT+SYSLOG?", b"+SYSLOG:0\r\n", OK)


@pytest.mark.parametrize("text", [b"2", b"-1", b"-01", b"2147483647", b"-2147483648", b"0x7fffffff", b"00002147483647"])
def test_an_integer_out_of_its_range(coded: Host, text: bytes) -> None:
    coded.command(b"AT+SYSLOG=" + text, error(VALUE))


@pytest.mark.parametrize(
    "text",
    [
        b"2147483648",
        b"-2147483649",
        b"4294967296",
        b"4294967297",
        b"18446744073709551617",
        b"9" * 200,
        b"-" + b"9" * 200,
        b"0x80000000",
        b"0xffffffff",
        b"0x100000001",
        b"0x" + b"f" * 200,
        b"",
        b"-",
        b"--1",
        b"+1",
        b"0x",
        b"0X1",
        b"x1",
        b"-0x1",
        b"0xg",
        b"0x1g",
        b"0x-1",
        b"0x_1",
        b"1_0",
        b"1x",
        b"1.0",
        b"1e0",
        b"0b1",
        b"0o1",
        b"one",
        b"1\x00",
        b"\x00",
        b"\xb1",
        b"\xd9\xa1",
        b"1=1",
        b"1;",
    ],
)
def test_what_is_not_a_signed_32_bit_integer(coded: Host, text: bytes) -> None:
    coded.command(b"AT+SYSLOG=" + text, error(PARSE))


def test_the_code_tells_which_parameter(coded: Host) -> None:
    coded.command(b"AT+CWMODE=1,x", error(PARSE | 1))
    coded.command(b"AT+CWMODE=1,2", error(VALUE | 1))
    coded.command(b'AT+CWMODE=1,"0"', error(TYPE | 1))
    coded.command(b"AT+CWJAP=,5", error(TYPE | 1))
    coded.command(b'AT+CWJAP=,"' + b"k" * 65 + b'"', error(LENGTH | 1))
    coded.command(b'AT+CWJAP=,,"00:11:22:33:44:5"', error(LENGTH | 2))
    coded.command(b"AT+CWJAP=,,,,,,,2", error(VALUE | 7))
    coded.command(b"AT+CWJAP=,,,,,,,,x", error(PARSE | 8))


# Strings.


@pytest.mark.parametrize("text", [b"5", b"-5", b"0x5", b"2147483647"])
def test_an_integer_where_a_string_belongs(coded: Host, text: bytes) -> None:
    coded.command(b"AT+CWJAP=" + text, error(TYPE))


@pytest.mark.parametrize("text", [b'"0"', b'"x"', b'""'])
def test_a_string_where_an_integer_belongs(coded: Host, text: bytes) -> None:
    coded.command(b"AT+SYSLOG=" + text, error(TYPE))


@pytest.mark.parametrize(
    "text",
    [b"x", b'"', b'"x', b'x"', b'"x"x', b'x"x"', b'"x""y"', b'"x"y"', b'"x\\"', b'"\\', b"'x'", b'"x\\\\\\"', b'""x'],
)
def test_what_is_not_one_quoted_string(coded: Host, text: bytes) -> None:
    coded.command(b"AT+CWJAP=" + text, error(PARSE))


@pytest.mark.parametrize("length", [0, 33, 64, 200])
def test_a_string_of_a_length_out_of_its_range(coded: Host, length: int) -> None:
    coded.command(b'AT+CWJAP="' + b"s" * length + b'"', error(LENGTH))


@pytest.mark.simulator(NEEDED)
@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"", b""),
        (b"x", b"x"),
        (b" x ", b" x "),
        (b"a,b", b"a,b"),
        (b"a\\,b", b"a,b"),
        (b"\\\\", b"\\"),
        (b'\\"', b'"'),
        (b'a\\"b\\"c', b'a"b"c'),
        (b"\\n\\x\\0", b"nx0"),
        (b"\\\\\\\\", b"\\\\"),
        (b'\\\\\\"', b'\\"'),
        (b'\\",\\"', b'","'),
        (b"=?", b"=?"),
        (b"'", b"'"),
        (b"\r", b"\r"),
    ],
)
def test_escapes_in_strings(host: Host, text: bytes, value: bytes) -> None:
    host.command(b'AT+SHOW="' + text + b'",3', b"+SHOW:(" + repr(value).encode() + b", 3, None)\r\n", OK)


@pytest.mark.simulator(NEEDED)
def test_every_byte_but_the_special_ones_may_be_in_a_string(host: Host) -> None:
    for byte in range(256):
        if byte in b'\n"\\':
            continue
        text = bytes((byte, 0x2D))
        host.send(b'AT+SHOW="' + text + b'"')
        answer = host.read_until(OK)
        assert eval(answer[len(b"+SHOW:") : -len(b"\r\n" + OK)]) == (text, None, None)


@pytest.mark.simulator(NEEDED)
def test_lengths_count_after_unescaping(coded: Host) -> None:
    coded.command(b'AT+SHOW="",,"\\a\\b\\c\\d"', b"+SHOW:(b'', None, b'abcd')\r\n", OK)
    coded.command(b'AT+SHOW="",,"\\a"', error(LENGTH | 2))


# Optional parameters.


@pytest.mark.simulator(NEEDED)
@pytest.mark.parametrize(
    ("text", "values"),
    [
        (b'"x"', (b"x", None, None)),
        (b'"x",', (b"x", None, None)),
        (b'"x",,', (b"x", None, None)),
        (b'"x",-5', (b"x", -5, None)),
        (b'"x",5,', (b"x", 5, None)),
        (b'"x",,"ab"', (b"x", None, b"ab")),
        (b'"x",0,"ab"', (b"x", 0, b"ab")),
    ],
)
def test_optional_parameters_may_be_left_out_or_empty(host: Host, text: bytes, values: tuple[object, ...]) -> None:
    host.command(b"AT+SHOW=" + text, b"+SHOW:" + repr(values).encode() + b"\r\n", OK)


@pytest.mark.simulator(NEEDED)
def test_a_parameter_that_is_not_optional_may_not_be_empty(coded: Host) -> None:
    coded.command(b"AT+SHOW=", error(PARSE))
    coded.command(b"AT+SHOW=,5", error(PARSE))
    coded.command(b'AT+SHOW=,5,"ab",1', error(COUNT | 0x0304))


@pytest.mark.simulator(NEEDED)
def test_an_empty_string_is_not_an_empty_parameter(coded: Host) -> None:
    coded.command(b'AT+SHOW="x",,""', error(LENGTH | 2))
    coded.command(b'AT+SHOW="x",""', error(TYPE | 1))


# Handlers that fail.


@pytest.mark.simulator(NEEDED)
@pytest.mark.parametrize(("what", "code"), [(0, FAILED), (1, NO_MEMORY), (2, FAILED)])
def test_whatever_a_handler_raises_is_an_error(coded: Host, what: int, code: int) -> None:
    coded.command(b"AT+FAIL=%d" % what, error(code))
    coded.command(b"AT")
