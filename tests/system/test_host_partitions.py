"""AT+SYSFLASH, on a board whose partition table has partitions of the host's own (ESP-AT user guide, "Basic AT
Commands").
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sim.board import Board
from sim.models import ESP32
from sim.partitions import TYPE_APP, TYPE_DATA, Partition
from tests.system import ram
from tests.system.conftest import MakeBoard
from tests.system.host import ERROR, OK, PROMPT, READY, Host, error
from tools.flash_layout import BOARD
from tools.image import build_flash, build_image
from tools.package import build_package

SECTOR = 4096
CUSTOM = 0x40
NOT_THERE = 0x010A0001
PAST_END = 0x010A0003

_USER = BOARD.partition("user")
_END = _USER.end - 0x20000
STORE = Partition(CUSTOM, 1, _END, 0x8000, "store")
KEYS = Partition(TYPE_DATA, 2, _END + 0x8000, 0x4000, "mfg_nvs")
OTHERS = (
    # None of these is the host's: an application, core dumps, and one that lies upon another partition.
    Partition(TYPE_APP, 0x20, _END + 0x10000, 0x2000, "test_app"),
    Partition(TYPE_DATA, 3, _END + 0xC000, 0x1000, "core"),
    Partition(CUSTOM, 2, BOARD.partition("ota_1").end - SECTOR, SECTOR, "upon"),
)


@pytest.fixture(scope="module")
def own(make_board: MakeBoard) -> Iterator[tuple[Board, Host]]:
    """A board with partitions of the host's own, and its host; echo off."""
    user = Partition(_USER.type, _USER.subtype, _USER.address, _END - _USER.address, "user")
    common = tuple(partition for partition in BOARD.partitions if partition.label != "user")
    flash = build_flash(
        build_image(build_package(), "0.0.0", target=ESP32), partitions=(*common, user, STORE, KEYS, *OTHERS)
    )
    with make_board(flash_image=flash) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        yield board, host
        host.close()


@pytest.fixture
def store(own: tuple[Board, Host]) -> Host:
    """Its host, told of error codes; the partition ``store`` is erased."""
    board, host = own
    board.flash.erase(STORE.address, STORE.size)
    host.command(b"AT+SYSLOG=1")
    return host


@pytest.fixture
def board(own: tuple[Board, Host]) -> Board:
    return own[0]


def write(host: Host, offset: int, data: bytes) -> None:
    host.command(b'AT+SYSFLASH=1,"store",%d,%d' % (offset, len(data)), PROMPT)
    host.write(data)
    host.expect(OK)


def test_the_hosts_partitions_are_listed(store: Host) -> None:
    store.command(
        b"AT+SYSFLASH?",
        b'+SYSFLASH:"store",64,1,0x%x,0x8000\r\n' % STORE.address,
        b'+SYSFLASH:"mfg_nvs",1,2,0x%x,0x4000\r\n' % KEYS.address,
        OK,
    )


def test_what_is_written_is_read(store: Host, board: Board) -> None:
    data = ram.pattern(5000)
    write(store, 0, data[:SECTOR])
    write(store, SECTOR, data[SECTOR:])
    assert board.flash.read(STORE.address, 5001) == data + b"\xff"
    store.command(b'AT+SYSFLASH=2,"store",0,5001', b"+SYSFLASH:5001,", data, b"\xff", OK)
    store.command(b'AT+SYSFLASH=2,"store",4095,2', b"+SYSFLASH:2,", data[4095:4097], OK)
    store.command(b'AT+SYSFLASH=2,"store",0x7FFF,1', b"+SYSFLASH:1,\xff", OK)


def test_a_whole_partition_is_written_at_once(store: Host, board: Board) -> None:
    data = ram.pattern(STORE.size)
    write(store, 0, data)
    assert board.flash.read(STORE.address, STORE.size) == data


def test_writing_does_not_erase(store: Host) -> None:
    write(store, 10, b"\xf0\xff")
    write(store, 10, b"\x3c\x0f")
    store.command(b'AT+SYSFLASH=2,"store",9,4', b"+SYSFLASH:4,\xff\x30\x0f\xff", OK)


def test_sectors_are_erased(store: Host, board: Board) -> None:
    write(store, 0, bytes(STORE.size))
    store.command(b'AT+SYSFLASH=0,"store",4096,8192')
    erased = b"\xff" * 2 * SECTOR
    assert board.flash.read(STORE.address, STORE.size) == bytes(SECTOR) + erased + bytes(STORE.size - 3 * SECTOR)
    store.command(b'AT+SYSFLASH=0,"store"')
    assert board.flash.read(STORE.address, STORE.size) == b"\xff" * STORE.size


def test_a_partition_of_type_data_is_the_hosts_too(store: Host, board: Board) -> None:
    store.command(b'AT+SYSFLASH=0,"mfg_nvs"')
    store.command(b'AT+SYSFLASH=1,"mfg_nvs",16368,16', PROMPT)
    store.write(b"sixteen bytes ok")
    store.expect(OK)
    assert board.flash.read(KEYS.end - 16, 16) == b"sixteen bytes ok"


@pytest.mark.parametrize(
    "name",
    [partition.label for partition in (*BOARD.partitions, *OTHERS)] + ["missing", "stor", "store "],
)
def test_no_other_partition_can_be_reached(store: Host, board: Board, name: str) -> None:
    before = board.flash.read(0, BOARD.flash_size)
    for line in (b'0,"%s"', b'0,"%s",0,4096', b'1,"%s",0,4', b'2,"%s",0,4'):
        store.command(b"AT+SYSFLASH=" + line % name.encode(), error(NOT_THERE))
    assert board.flash.read(0, BOARD.flash_size) == before


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (b"0", 0x01060201),
        (b'3,"store"', 0x01070000),
        (b"0,store", 0x01080001),
        (b'0,"%s"' % (b"x" * 17), 0x01040001),
        (b'0,"store",0', 0x01060403),
        (b'0,"store",0,', 0x01080003),
        (b'0,"store",,4096', 0x01080002),
        (b'0,"store",0,4096,0', 0x01060405),
        (b'0,"store",1,4096', 0x01070002),
        (b'0,"store",0,4095', 0x01070003),
        (b'0,"store",0,0', 0x01070003),
        (b'0,"store",-4096,4096', 0x01070002),
        (b'0,"store",0,36864', PAST_END),
        (b'0,"store",32768,4096', PAST_END),
        (b'1,"store"', 0x01060402),
        (b'1,"store",0', 0x01060403),
        (b'1,"store",0,32769', PAST_END),
        (b'1,"store",32767,2', PAST_END),
        (b'1,"store",1,2147483647', PAST_END),
        (b'2,"store"', 0x01060402),
        (b'2,"store",32768,1', PAST_END),
        (b'2,"store",0x7FFFFFFF,0x7FFFFFFF', PAST_END),
    ],
)
def test_what_is_refused_changes_nothing(store: Host, board: Board, parameters: bytes, code: int) -> None:
    write(store, 0, b"there")
    store.command(b"AT+SYSFLASH=" + parameters, error(code))
    assert board.flash.read(STORE.address, STORE.size) == b"there".ljust(STORE.size, b"\xff")


def test_a_prompt_without_an_answer_writes_nothing(store: Host, board: Board) -> None:
    store.command(b"AT+SYSLOG=0")
    store.command(b"AT+USERPROMPT=100")
    store.command(b'AT+SYSFLASH=1,"store",0,5', PROMPT)
    store.write(b"some")
    store.expect(ERROR)
    store.command(b"AT+USERPROMPT=0")
    assert board.flash.read(STORE.address, 8) == b"\xff" * 8
