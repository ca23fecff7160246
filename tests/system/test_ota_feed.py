"""The upgrade that a host feeds over the UART: AT+USEROTASTART, AT+USEROTADATA, AT+USEROTAEND, byte by byte."""

from __future__ import annotations

import hashlib

import pytest

from sim.board import Board
from tests.system import slots, upgrades
from tests.system.feeding import feed, feed_piece, recv
from tests.system.host import ERROR, OK, PROMPT, READY, Host, error
from tests.system.upgrades import JOINED, after_restart, version
from tools.image import SLOT_SIZE

CONFIG = {"wifi_poll_ms": 20, "trial_ms": 600_000}
NOT_THERE = 0x010A0001
ALREADY_THERE = 0x010A0002
PAST_END = 0x010A0003
REFUSED = 0x010A0008
TIMED_OUT = 0x010A0009


@pytest.fixture(scope="module")
def image() -> bytes:
    """An image that is not the one that runs."""
    return upgrades.image("2.0.0")


def state(host: Host, number: int, received: int, total: int) -> None:
    """AT+USEROTA? must say this."""
    host.command(b"AT+USEROTA?", b"+USEROTA:%d,%d,%d\r\n" % (number, received, total), OK)


def end(host: Host, board: Board, image: bytes) -> None:
    """AT+USEROTAEND must take the image."""
    host.command(b"AT+USEROTAEND", patience=10)
    assert slots.content(board, len(image)) == image
    assert upgrades.boot_slot(board) == slots.other(board).label


# The whole way.


def test_every_byte(staying: Host, board: Board, image: bytes) -> None:
    staying.send(b"AT+USEROTASTART=%d" % len(image))
    staying.expect(b"\r\nOK\r\n")
    for begin in range(0, len(image), 4096):
        piece = image[begin : begin + 4096]
        staying.send(b"AT+USEROTADATA=%d" % len(piece))
        staying.expect(b"\r\nOK\r\n\r\n>")
        staying.write(piece)
        staying.expect(b"\r\nRecv %d bytes\r\n\r\nOK\r\n" % len(piece))
    staying.send(b"AT+USEROTAEND")
    staying.expect(b"\r\nOK\r\n", 10)
    state(staying, 2, len(image), len(image))
    assert slots.content(board, len(image)) == image


@pytest.mark.parametrize("size", [1000, 1024, 1025, 4095])
def test_pieces_of_any_size(staying: Host, board: Board, image: bytes, size: int) -> None:
    feed(staying, image, size)
    end(staying, board, image)


def test_pieces_that_change_size(staying: Host, board: Board, image: bytes) -> None:
    staying.command(b"AT+USEROTASTART=%d" % len(image))
    at = 0
    sizes = [1, 1, 1021, 1, 1, 1023, 1, 2047, 4096, 3, 511, 512, 2049] + [1] * 20
    while at < len(image):
        size = sizes.pop(0) if sizes else 4001
        feed_piece(staying, image[at : at + size])
        at += size
        if at < 10_000:
            state(staying, 1, at, len(image))
    end(staying, board, image)


def test_the_module_restarts_into_it(staying: Host, board: Board) -> None:
    name = "3.0.0" if version(staying) == "2.0.0" else "2.0.0"
    staying.command(b"AT+USEROTACFG=0,1")
    feed(staying, upgrades.image(name))
    staying.command(b"AT+USEROTAEND", OK, READY, JOINED, patience=20)
    staying.command(b"ATE0", b"ATE0\r\n", OK)
    assert version(staying) == name


def test_data_that_looks_like_commands(staying: Host, board: Board, image: bytes) -> None:
    # A segment more, of lines that would be served at any other time.
    parsed = upgrades.app_image.parse(image)
    lines = (b"\r\nAT+RST\r\nAT+USEROTAABORT\r\n+++\x00\x03\x11\x13\xff" * 200)[:5000]
    segments = [(part.load_address, part.data) for part in parsed.segments]
    crafted = upgrades.app_image.assemble(parsed.header, [*segments, (0, lines)])
    feed(staying, crafted, 1500)
    end(staying, board, crafted)


def test_progress(staying: Host, image: bytes) -> None:
    staying.command(b"AT+USEROTACFG=1,0")
    staying.command(b"AT+USEROTASTART=%d" % len(image))
    received = told = 0
    for begin in range(0, len(image), 4096):
        piece = image[begin : begin + 4096]
        feed_piece(staying, piece)
        received += len(piece)
        step = len(image) // 20
        if received // step > told or received == len(image):
            told = received // step
            staying.expect(b"+USEROTA:%d,%d\r\n" % (received, len(image)))
    staying.expect_nothing()
    staying.command(b"AT+USEROTAEND", patience=10)


def test_without_a_network(fresh: Host, board: Board, image: bytes) -> None:
    fresh.clear(0.2)
    fresh.command(b"AT+CWQAP")
    fresh.clear(0.2)
    fresh.command(b"AT+USEROTACFG=0,0")
    slots.clear(board)
    feed(fresh, image)
    end(fresh, board, image)


# The digest.


def test_the_right_digest(staying: Host, board: Board, image: bytes) -> None:
    for digest in (hashlib.sha256(image).hexdigest(), hashlib.sha256(image).hexdigest().upper()):
        staying.command(b'AT+USEROTASTART=%d,"%s"' % (len(image), digest.encode()))
        for begin in range(0, len(image), 4096):
            feed_piece(staying, image[begin : begin + 4096])
        end(staying, board, image)
        slots.clear(board)


def test_a_wrong_digest(staying: Host, board: Board, image: bytes) -> None:
    staying.command(b'AT+USEROTASTART=%d,"%s"' % (len(image), b"0" * 64))
    for begin in range(0, len(image), 4096):
        feed_piece(staying, image[begin : begin + 4096])
    staying.command(b"AT+USEROTAEND", error(REFUSED))
    state(staying, -1, len(image), len(image))
    assert slots.content(board, 16) == b"\xff" * 16


# What is refused.


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"START=0", 0x01070000),
        (b"START=-1", 0x01070000),
        (b"START=", 0x01080000),
        (b"START=%d" % (SLOT_SIZE + 1), PAST_END),
        (b"START=2147483647", PAST_END),
        (b'START=1000,"00"', 0x01040001),
        (b'START=1000,"%s"' % (b"x" * 64), 0x01080001),
        (b"START=1000,%s" % (b"f" * 64), 0x01080001),
        (b"START=1000,%s" % (b"0" * 64), 0x01050001),
        (b'START=1000,"%s",1' % (b"0" * 64), 0x01060203),
        (b"START", 0x010C0000),
        (b"START?", 0x010C0000),
        (b"DATA=1", NOT_THERE),
        (b"DATA=0", 0x01070000),
        (b"DATA=4097", 0x01070000),
        (b"DATA", 0x010C0000),
        (b"END", NOT_THERE),
        (b"END=1", 0x010C0000),
    ],
)
def test_what_gets_no_prompt(host: Host, line: bytes, code: int) -> None:
    host.command(b"AT+USEROTAABORT")
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+USEROTA" + line, error(code))
    # Nothing has begun.
    host.command(b"AT+USEROTADATA=1", error(NOT_THERE))


def test_wrong_order(staying: Host, board: Board, image: bytes) -> None:
    staying.command(b"AT+USEROTASTART=%d" % len(image))
    feed_piece(staying, image[:5000][:4096])
    staying.command(b"AT+USEROTASTART=%d" % len(image), error(ALREADY_THERE))
    staying.command(b"AT+USEROTA=20", error(ALREADY_THERE))
    staying.command(b"AT+SYSROLLBACK", error(REFUSED))
    staying.command(b"AT+GMR", staying.answer(b"AT+GMR"))
    # None of them has disturbed it.
    state(staying, 1, 4096, len(image))
    for begin in range(4096, len(image), 4096):
        feed_piece(staying, image[begin : begin + 4096])
    end(staying, board, image)
    staying.command(b"AT+USEROTAEND", error(NOT_THERE))
    staying.command(b"AT+USEROTADATA=1", error(NOT_THERE))


def test_more_than_was_promised(staying: Host, board: Board, image: bytes) -> None:
    staying.command(b"AT+USEROTASTART=%d" % len(image))
    last = len(image) // 4096 * 4096
    for begin in range(0, last, 4096):
        feed_piece(staying, image[begin : begin + 4096])
    staying.command(b"AT+USEROTADATA=%d" % (len(image) - last + 1), error(PAST_END))
    feed_piece(staying, image[last:])
    staying.command(b"AT+USEROTADATA=1", error(PAST_END))
    end(staying, board, image)


def test_end_too_early(staying: Host, board: Board, image: bytes) -> None:
    for fed in (b"", image[:1], image[:4096], image[:-1]):
        staying.command(b"AT+USEROTASTART=%d" % len(image))
        for begin in range(0, len(fed), 4096):
            feed_piece(staying, fed[begin : begin + 4096])
        staying.command(b"AT+USEROTAEND", error(REFUSED))
        state(staying, -1, len(fed), len(image))
        assert slots.content(board, 16) == b"\xff" * 16


def test_end_before_all_that_was_promised(staying: Host, board: Board, image: bytes) -> None:
    staying.command(b"AT+USEROTASTART=%d" % (len(image) + 1))
    for begin in range(0, len(image), 4096):
        feed_piece(staying, image[begin : begin + 4096])
    staying.command(b"AT+USEROTAEND", error(REFUSED))
    assert slots.content(board, 16) == b"\xff" * 16


def test_an_image_refused_at_its_beginning(staying: Host, board: Board, image: bytes) -> None:
    operations = board.flash.operations
    for bad in (bytes(4096), upgrades.for_another_chip(image)[:4096], upgrades.of_project(image, "blinky")[:4096]):
        staying.command(b"AT+USEROTASTART=%d" % len(image))
        staying.command(b"AT+USEROTADATA=%d" % len(bad), PROMPT)
        staying.write(bad)
        staying.expect(error(REFUSED))
        state(staying, -1, 0, len(image))
        staying.command(b"AT+USEROTADATA=1", error(NOT_THERE))
    # The slot may hold the only image to go back to.
    assert board.flash.operations == operations


def test_an_image_refused_at_its_end(staying: Host, board: Board, image: bytes) -> None:
    bad = upgrades.flipped(image, len(image) // 2)
    feed(staying, bad)
    staying.command(b"AT+USEROTAEND", error(REFUSED))
    assert slots.content(board, 16) == b"\xff" * 16


def test_a_few_bytes(staying: Host) -> None:
    # Fewer than there are reports of progress.
    staying.command(b"AT+USEROTASTART=7")
    feed_piece(staying, b"\xe9" * 3)
    feed_piece(staying, b"\xe9" * 4)
    staying.command(b"AT+USEROTAEND", error(REFUSED))


# Stopping.


def test_abort(staying: Host, board: Board, image: bytes) -> None:
    before = version(staying)
    staying.command(b"AT+USEROTASTART=%d" % len(image))
    feed_piece(staying, image[:4096])
    feed_piece(staying, image[4096:5000])
    staying.command(b"AT+USEROTAABORT")
    state(staying, -1, 5000, len(image))
    staying.command(b"AT+USEROTADATA=1", error(NOT_THERE))
    assert slots.content(board, 16) == b"\xff" * 16
    assert version(staying) == before
    feed(staying, image)
    end(staying, board, image)


def test_a_piece_that_stops_can_be_sent_again(staying: Host, board: Board, image: bytes) -> None:
    staying.command(b"AT+USEROTASTART=%d" % len(image))
    feed_piece(staying, image[:1000])
    staying.command(b"AT+USERPROMPT=80")
    for count, sent in ((20, b"x" * 19), (4096, b"y" * 3000), (24, b"")):
        staying.command(b"AT+USEROTADATA=%d" % count, PROMPT)
        staying.write(sent)
        staying.expect(error(TIMED_OUT))
        state(staying, 1, 1000, len(image))
    staying.command(b"AT+USERPROMPT=0")
    for begin in range(1000, len(image), 4096):
        feed_piece(staying, image[begin : begin + 4096])
    end(staying, board, image)


def test_a_restart_in_the_middle(staying: Host, board: Board, image: bytes) -> None:
    before = version(staying)
    staying.command(b"AT+USEROTASTART=%d" % len(image))
    feed_piece(staying, image[:4096])
    staying.command(b"AT+RST", OK)
    after_restart(staying)
    assert version(staying) == before
    state(staying, 0, 0, 0)
    staying.command(b"AT+USEROTADATA=1", ERROR)


def test_bytes_behind_a_piece_are_a_command(staying: Host, image: bytes) -> None:
    staying.command(b"AT+USEROTASTART=%d" % len(image))
    staying.command(b"AT+USEROTADATA=10", PROMPT)
    staying.write(image[:10])
    staying.expect(recv(10))
    staying.write(b"AT\r\n")
    staying.expect(OK)
    staying.command(b"AT+USEROTAABORT")
