"""SPEC, "AT+USERRAM": every row and rule, and the data prompt."""

from __future__ import annotations

import pytest

from tests.system.conftest import MakeBoard
from tests.system.host import ERROR, OK, PROMPT, READY, WRITE_OK, Host, error
from tests.system.ram import PATIENCE, chunks, fill, pattern, write

NONE = 0x010A0001
THERE = 0x010A0002
PAST_END = 0x010A0003
NO_MEMORY = 0x010A0004
COUNT = 0x01060000
VALUE = 0x01070000
PARSE = 0x01080000

SIZE = 64
HUGE = (b"2147483647", b"0x7fffffff")
# More than 32 bits, or not a number at all.
WILD = (
    b"2147483648",
    b"4294967296",
    b"4294967297",
    b"18446744073709551616",
    b"-2147483649",
    b"x",
    b"8.0",
    b"0x",
    b" 8",
)


@pytest.fixture
def coded(host: Host) -> Host:
    """A host that has asked for error codes."""
    host.command(b"AT+SYSLOG=1")
    return host


@pytest.fixture
def block(coded: Host) -> bytes:
    """The content of a block of 64 bytes, beside ``coded``."""
    return fill(coded, SIZE)


def expect_block(host: Host, content: bytes) -> None:
    """The block must be there and hold exactly ``content``."""
    host.command(b"AT+USERRAM?", b"+USERRAM:%d\r\n" % len(content), OK)
    host.command(b"AT+USERRAM=3,%d" % len(content), chunks(content), OK, patience=PATIENCE)


# Allocate, query, release.


def test_there_is_no_block_at_first(fresh: Host) -> None:
    fresh.command(b"AT+USERRAM?", b"+USERRAM:0\r\n", OK)


@pytest.mark.parametrize("size", [1, 2, 1023, 1024, 1025, 65536])
def test_a_fresh_block_is_zero(host: Host, size: int) -> None:
    host.command(b"AT+USERRAM=1,%d" % size)
    expect_block(host, bytes(size))


def test_the_size_is_that_of_the_block_whatever_is_written(coded: Host, block: bytes) -> None:
    coded.command(b"AT+USERRAM?", b"+USERRAM:64\r\n", OK)


def test_release(coded: Host, block: bytes) -> None:
    coded.command(b"AT+USERRAM=0")
    coded.command(b"AT+USERRAM?", b"+USERRAM:0\r\n", OK)
    coded.command(b"AT+USERRAM=0", error(NONE))


def test_a_new_block_holds_nothing_of_the_one_before(coded: Host, block: bytes) -> None:
    coded.command(b"AT+USERRAM=0")
    coded.command(b"AT+USERRAM=1,%d" % SIZE)
    expect_block(coded, bytes(SIZE))


def test_a_block_of_64_kilobytes_is_free_again_after_use(host: Host) -> None:
    for _ in range(3):
        data = fill(host, 65536)
        expect_block(host, data)
        host.command(b"AT+USERRAM=0")


@pytest.mark.parametrize("size", [b"64", b"1", b"65536", b"10000000"])
def test_a_second_block_is_refused(coded: Host, block: bytes, size: bytes) -> None:
    coded.command(b"AT+USERRAM=1," + size, error(THERE))
    expect_block(coded, block)


@pytest.mark.parametrize("size", [b"10000000", b"1000000", *HUGE])
def test_more_than_the_memory_is_refused(coded: Host, size: bytes) -> None:
    coded.command(b"AT+USERRAM=1," + size, error(NO_MEMORY))
    coded.command(b"AT+USERRAM?", b"+USERRAM:0\r\n", OK)
    coded.command(b"AT+USERRAM=1,1024")


@pytest.mark.parametrize(
    ("size", "code"),
    [(b"0", VALUE), (b"-1", VALUE), (b"-2147483648", VALUE), (b"", PARSE), *((text, PARSE) for text in WILD)],
)
def test_a_size_that_is_none(coded: Host, size: bytes, code: int) -> None:
    coded.command(b"AT+USERRAM=1," + size, error(code | 1))
    coded.command(b"AT+USERRAM?", b"+USERRAM:0\r\n", OK)


# Without a block.


@pytest.mark.parametrize(
    "operation", [b"0", b"2,1", b"2,1,0", b"3,1", b"3,1,0", b"3,1,", b"4", b"4,1", b"4,1,0", b"2,2147483647,2147483647"]
)
def test_without_a_block_everything_but_allocation_is_refused(coded: Host, operation: bytes) -> None:
    coded.command(b"AT+USERRAM=" + operation, error(NONE))


# What is never an operation.


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (b"", PARSE),
        (b"5", VALUE),
        (b"-1", VALUE),
        (b"5,8,0", VALUE),
        (b"2147483648", PARSE),
        (b"x", PARSE),
        (b",8", PARSE),
        (b'"1",8', 0x01050000),
        (b"0,", COUNT | 0x0102),
        (b"0,8", COUNT | 0x0102),
        (b"0,8,0", COUNT | 0x0103),
        (b"1", COUNT | 0x0201),
        (b"1,8,0", COUNT | 0x0203),
        (b"1,8,", COUNT | 0x0203),
        (b"2", COUNT | 0x0201),
        (b"2,", PARSE | 1),
        (b"2,,0", PARSE | 1),
        (b"2,8,0,", COUNT | 0x0304),
        (b"3", COUNT | 0x0201),
        (b"3,", PARSE | 1),
        (b"3,,0", PARSE | 1),
        (b"3,8,0,0", COUNT | 0x0304),
        (b"4,", PARSE | 1),
        (b"4,,0", PARSE | 1),
        (b"4,8,0,0", COUNT | 0x0304),
    ],
)
def test_malformed_operations_change_nothing(coded: Host, block: bytes, parameters: bytes, code: int) -> None:
    coded.command(b"AT+USERRAM=" + parameters, error(code))
    coded.expect_nothing(0.01)
    expect_block(coded, block)


@pytest.mark.parametrize("operation", [2, 3, 4])
@pytest.mark.parametrize("size", [b"0", b"-1", b"-64", *WILD])
def test_sizes_that_are_none(coded: Host, block: bytes, operation: int, size: bytes) -> None:
    code = PARSE if size in WILD else VALUE
    coded.command(b"AT+USERRAM=%d,%s" % (operation, size), error(code | 1))
    coded.command(b"AT+USERRAM=%d,%s,0" % (operation, size), error(code | 1))
    expect_block(coded, block)


@pytest.mark.parametrize("operation", [2, 3, 4])
@pytest.mark.parametrize("offset", [b"-1", b"-64", *WILD])
def test_offsets_that_are_none(coded: Host, block: bytes, operation: int, offset: bytes) -> None:
    code = PARSE if offset in WILD else VALUE
    coded.command(b"AT+USERRAM=%d,1,%s" % (operation, offset), error(code | 2))
    expect_block(coded, block)


@pytest.mark.parametrize("operation", [2, 3, 4])
@pytest.mark.parametrize(
    ("size", "offset"),
    [
        (b"65", b""),
        (b"65", b"0"),
        (b"64", b"1"),
        (b"1", b"64"),
        (b"1", b"65"),
        (b"33", b"32"),
        *((size, b"0") for size in HUGE),
        *((b"1", offset) for offset in HUGE),
        (b"2147483647", b"1"),
        (b"2147483647", b"2147483647"),
        (b"2147483600", b"2147483647"),
        (b"0x40000000", b"0x40000000"),
    ],
)
def test_nothing_past_the_end_of_the_block(
    coded: Host, block: bytes, operation: int, size: bytes, offset: bytes
) -> None:
    coded.command(b"AT+USERRAM=%d,%s,%s" % (operation, size, offset), error(PAST_END))
    expect_block(coded, block)


# Read.


@pytest.mark.parametrize("size", [1, 2, 1023, 1024, 1025, 2047, 2048, 2049, 3000, 65535, 65536])
def test_a_read_comes_in_chunks_of_at_most_1024(host: Host, size: int) -> None:
    data = fill(host, 65536)
    host.command(b"AT+USERRAM=3,%d" % size, chunks(data[:size]), OK, patience=PATIENCE)


def test_chunks_byte_by_byte(host: Host) -> None:
    data = fill(host, 2050)
    host.send(b"AT+USERRAM=3,2050")
    host.expect(b"+USERRAM:1024," + data[:1024] + b"+USERRAM:1024," + data[1024:2048])
    host.expect(b"+USERRAM:2," + data[2048:] + b"\r\nOK\r\n")


@pytest.mark.parametrize("text", [b"3,5", b"3,5,", b"3,5,0", b"3,05,00", b"3,0x5,0x0", b"0x3,5,-0"])
def test_forms_of_a_read_from_the_start(coded: Host, block: bytes, text: bytes) -> None:
    coded.command(b"AT+USERRAM=" + text, b"+USERRAM:5," + block[:5], OK)


@pytest.mark.parametrize(("size", "offset"), [(1, 0), (1, 63), (64, 0), (63, 1), (10, 20)])
def test_a_read_from_an_offset(coded: Host, block: bytes, size: int, offset: int) -> None:
    coded.command(b"AT+USERRAM=3,%d,%d" % (size, offset), b"+USERRAM:%d," % size + block[offset:][:size], OK)


def test_a_long_read_from_an_offset(host: Host) -> None:
    data = fill(host, 5000)
    for size, offset in ((1024, 1), (1025, 1023), (2048, 2952), (4999, 1)):
        host.command(b"AT+USERRAM=3,%d,%d" % (size, offset), chunks(data[offset:][:size]), OK)


# Write.


def test_a_write_byte_by_byte(host: Host) -> None:
    host.command(b"AT+USERRAM=1,4")
    host.send(b"AT+USERRAM=2,4")
    host.expect(b"\r\nOK\r\n\r\n>")
    host.write(b"abcd")
    host.expect(b"\r\nWRITE OK\r\n")
    host.expect_nothing()


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513, 1024, 4095, 4096, 4097, 10000, 65536])
def test_writes_of_all_sizes(host: Host, size: int) -> None:
    expect_block(host, fill(host, size))


@pytest.mark.parametrize(("size", "offset"), [(1, 0), (1, 63), (64, 0), (63, 1), (10, 20)])
def test_a_write_changes_its_range_alone(coded: Host, block: bytes, size: int, offset: int) -> None:
    data = b"\xee" * size
    write(coded, data, offset)
    expect_block(coded, block[:offset] + data + block[offset + size :])


def test_an_empty_offset_of_a_write_is_zero(coded: Host, block: bytes) -> None:
    coded.command(b"AT+USERRAM=2,3,", PROMPT)
    coded.write(b"xyz")
    coded.expect(WRITE_OK)
    expect_block(coded, b"xyz" + block[3:])


def test_every_byte_value_is_data(host: Host) -> None:
    data = bytes(range(256)) + bytes(range(255, -1, -1))
    host.command(b"AT+USERRAM=1,%d" % len(data))
    write(host, data)
    expect_block(host, data)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"\n",
        b"AT\r\n",
        b"AT+RST\r\n",
        b"\r\nAT+USERRAM=0\r\n",
        b"\x00\x00",
        b">",
        b"+++",
        b"\\\\\\,",
        b"\x1a\x1b\x03\x04",
    ],
)
def test_data_is_raw(host: Host, data: bytes) -> None:
    host.command(b"AT+USERRAM=1,%d" % len(data))
    write(host, data)
    expect_block(host, data)


def test_data_is_not_echoed(host: Host) -> None:
    host.command(b"AT+USERRAM=1,10")
    host.command(b"ATE1")
    host.send(b"AT+USERRAM=2,10")
    host.expect(b"AT+USERRAM=2,10\r\n" + PROMPT)
    host.write(b"AT\r\nAT\r\nxx")
    host.expect(WRITE_OK)
    host.write(b"AT\r\n")
    host.expect(b"AT\r\n" + OK)


def test_data_may_come_byte_by_byte(host: Host) -> None:
    data = pattern(50)
    host.command(b"AT+USERRAM=1,50")
    host.command(b"AT+USERRAM=2,50", PROMPT)
    for byte in data[:-1]:
        host.write(bytes((byte,)))
        host.expect_nothing(0.002)
    host.write(data[-1:])
    host.expect(WRITE_OK)
    expect_block(host, data)


def test_the_prompt_waits(host: Host) -> None:
    host.command(b"AT+USERRAM=1,5")
    host.command(b"AT+USERRAM=2,5", PROMPT)
    host.expect_nothing(0.7)
    host.write(b"abc")
    host.expect_nothing(0.7)
    host.write(b"de")
    host.expect(WRITE_OK)


@pytest.mark.parametrize("surplus", [b"AT\r\n", b"\r\nAT\n", b"AT\r\nAT\r\nAT\r\n"])
@pytest.mark.parametrize("size", [1, 5, 511, 512, 513, 3000])
def test_what_follows_the_data_is_the_next_command(host: Host, size: int, surplus: bytes) -> None:
    data = pattern(size)
    host.command(b"AT+USERRAM=1,%d" % size)
    host.command(b"AT+USERRAM=2,%d" % size, PROMPT)
    host.write(data + surplus)
    host.expect(WRITE_OK + OK * surplus.count(b"AT"))
    expect_block(host, data)


def test_what_follows_the_data_is_echoed(host: Host) -> None:
    host.command(b"AT+USERRAM=1,5")
    host.command(b"ATE1")
    host.send(b"AT+USERRAM=2,5")
    host.expect(b"AT+USERRAM=2,5\r\n" + PROMPT)
    host.write(b"12345AT+GM")
    host.expect(WRITE_OK + b"AT+GM")
    host.write(b"\r\n")
    host.expect(b"\r\n" + ERROR)


@pytest.mark.parametrize("size", [1, 5, 600, 5000])
def test_data_may_follow_its_command_at_once(host: Host, size: int) -> None:
    """Some hosts do not wait for the prompt, or see OK in it and send."""
    data = pattern(size)
    host.command(b"AT+USERRAM=1,%d" % size)
    host.write(b"AT+USERRAM=2,%d\r\n" % size + data + b"AT\r\n")
    host.expect(PROMPT + WRITE_OK + OK)
    expect_block(host, data)


def test_data_after_ok_and_before_the_prompt(host: Host) -> None:
    host.command(b"AT+USERRAM=1,5")
    host.send(b"AT+USERRAM=2,5")
    host.expect(OK)
    host.write(b"abcde")
    host.expect(b"\r\n>" + WRITE_OK)
    expect_block(host, b"abcde")


def test_writes_in_one_burst(host: Host) -> None:
    host.command(b"AT+USERRAM=1,300")
    host.write(b"".join(b"AT+USERRAM=2,1,%d\r\n" % offset + bytes((offset % 256,)) for offset in range(300)))
    host.expect((PROMPT + WRITE_OK) * 300, PATIENCE)
    expect_block(host, bytes(offset % 256 for offset in range(300)))


# Clear.


@pytest.mark.parametrize("size", [1, 63, 64, 65, 129, 5000, 65536])
def test_clear_fills_the_block_with_zeros(host: Host, size: int) -> None:
    fill(host, size)
    host.command(b"AT+USERRAM=4")
    expect_block(host, bytes(size))


@pytest.mark.parametrize(("size", "offset"), [(1, 0), (1, 63), (64, 0), (63, 1), (10, 20), (32, 16)])
def test_clear_of_a_range(coded: Host, block: bytes, size: int, offset: int) -> None:
    coded.command(b"AT+USERRAM=4,%d,%d" % (size, offset))
    expect_block(coded, block[:offset] + bytes(size) + block[offset + size :])


@pytest.mark.parametrize("text", [b"4,10", b"4,10,", b"4,10,0"])
def test_clear_from_the_start(coded: Host, block: bytes, text: bytes) -> None:
    coded.command(b"AT+USERRAM=" + text)
    expect_block(coded, bytes(10) + block[10:])


def test_clear_of_a_long_range(host: Host) -> None:
    data = fill(host, 5000)
    host.command(b"AT+USERRAM=4,3001,999")
    expect_block(host, data[:999] + bytes(3001) + data[4000:])


# The reserve for TCP and TLS.

# Python's heap has outgrown its first area of 56,000 bytes; ESP-IDF's largest piece is 38 KB then.
HELD = {"commands.py": b"HELD = bytes(30_000)\n"}


def test_a_block_leaves_the_reserve_also_when_the_heap_has_grown(make_board: MakeBoard) -> None:
    with make_board(user_files=HELD) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        host.command(b"AT+SYSLOG=1")
        host.command(b"AT+USERRAM=1,32768", error(NO_MEMORY))
        host.command(b"AT+USERRAM?", b"+USERRAM:0\r\n", OK)
        fill(host, 4096)
        host.close()
