"""AT+FS and AT+FSMOUNT (ESP-AT user guide, "FileSystem AT Commands")."""

from __future__ import annotations

import hashlib
import os
import re

import pytest

from sim.board import Board
from tests.system.host import ERROR, OK, PROMPT, READY, Host, error

NOT_THERE = 0x010A0001
PAST_END = 0x010A0003


@pytest.fixture
def files(host: Host, board: Board) -> Host:
    """A module without files that tells error codes."""
    listed = host.answer(b'AT+FS=1,4,"."')
    match = re.fullmatch(rb"\+FS:(.*)\r\n" + OK, listed)
    assert match
    for name in match[1].split():
        host.command(b'AT+FS=1,0,"%s"' % name)
    host.command(b"AT+SYSLOG=1")
    return host


def write(host: Host, name: bytes, offset: int, data: bytes) -> None:
    host.command(b'AT+FS=1,1,"%s",%d,%d' % (name, offset, len(data)), PROMPT)
    host.write(data)
    host.expect(OK)


def test_a_file_is_written_read_and_deleted(files: Host) -> None:
    data = os.urandom(4096)
    write(files, b"a.bin", 0, data)
    write(files, b"a.bin", 4096, b"end")
    write(files, b"a.bin", 10, b"middle")
    data = data[:10] + b"middle" + data[16:] + b"end"
    files.command(b'AT+FS=1,3,"a.bin"', b"+FS:4099\r\n", OK)
    files.command(b'AT+FS=1,2,"a.bin",0,9999', b"+FS:4099,", data, OK)
    files.command(b'AT+FS=1,2,"a.bin",4095,2', b"+FS:2,", data[4095:4097], OK)
    files.command(b'AT+FS=1,2,"a.bin",4099,1', b"+FS:0,", OK)
    files.command(b'AT+FS=1,5,"a.bin"', b"+FS:%s\r\n" % hashlib.md5(data).hexdigest().encode(), OK)
    write(files, b"b", 0, b"x")
    files.command(b'AT+FS=1,4,"."', b"+FS:a.bin b \r\n", OK)
    files.command(b'AT+FS=1,0,"a.bin"')
    files.command(b'AT+FS=1,4,"."', b"+FS:b \r\n", OK)


def test_files_outlive_a_restart(files: Host) -> None:
    write(files, b"kept", 0, b"hello")
    files.command(b"AT+RST", OK, READY)
    files.command(b"ATE0", b"ATE0\r\n", OK)
    files.command(b'AT+FS=1,2,"kept",0,5', b"+FS:5,hello", OK)


def test_free_and_total_space(files: Host) -> None:
    match = re.fullmatch(rb"\+FS:(\d+),(\d+)\r\n" + OK, files.answer(b"AT+FS=1,6"))
    assert match
    assert 0 < int(match[1]) < int(match[2]) == 896 * 1024


def test_mounting_is_always_possible(files: Host) -> None:
    for on in (0, 1):
        files.command(b"AT+FSMOUNT=%d" % on)
    files.command(b"AT+FSMOUNT=2", error(0x01070000))


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (b'0,3,"a"', 0x01070000),
        (b'1,7,"a"', 0x01070001),
        (b"1,3", 0x01070002),
        (b'1,3,"../config.json"', 0x01070002),
        (b'1,0,".."', 0x01070002),
        (b'1,1,"/user/commands.py",0,5', 0x01070002),
        (b'1,3,"missing"', NOT_THERE),
        (b'1,0,"missing"', NOT_THERE),
        (b'1,2,"there",0', 0x01070004),
        (b'1,2,"there",2,1', PAST_END),
        (b'1,1,"there",2,1', PAST_END),
        (b'1,1,"there",0,4097', 0x01070004),
        (b'1,1,"there",,1', 0x01070003),
        (b'1,1,"%s",0,1' % (b"x" * 65), 0x01040002),
    ],
)
def test_what_is_refused(files: Host, parameters: bytes, code: int) -> None:
    write(files, b"there", 0, b"1")
    files.command(b"AT+FS=" + parameters, error(code))
    files.command(b'AT+FS=1,4,"."', b"+FS:there \r\n", OK)
    files.command(b'AT+FS=1,2,"there",0,1', b"+FS:1,1", OK)


def test_a_prompt_without_an_answer_writes_nothing(files: Host) -> None:
    files.command(b"AT+SYSLOG=0")
    files.command(b"AT+USERPROMPT=100")
    files.command(b'AT+FS=1,1,"new",0,5', PROMPT, ERROR)
    files.command(b"AT+USERPROMPT=0")
    files.command(b'AT+FS=1,4,"."', b"+FS:\r\n", OK)
