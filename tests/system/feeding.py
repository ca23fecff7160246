"""The host's part of an upgrade that it feeds over the UART."""

from __future__ import annotations

from tests.system.host import ERROR, OK, PROMPT, Host

PIECE_MOST = 4096
FLASH_PATIENCE = 10.0


def recv(count: int) -> bytes:
    """What the module says when a piece has arrived and flash is done."""
    return b"\r\nRecv %d bytes\r\n" % count + OK


def feed_piece(host: Host, piece: bytes) -> None:
    """One AT+USEROTADATA (echo off)."""
    host.command(b"AT+USEROTADATA=%d" % len(piece), PROMPT)
    host.write(piece)
    host.expect(recv(len(piece)), FLASH_PATIENCE)


def feed(host: Host, data: bytes, piece: int = PIECE_MOST) -> None:
    """From START up to and without END."""
    host.command(b"AT+USEROTASTART=%d" % len(data))
    for begin in range(0, len(data), piece):
        feed_piece(host, data[begin : begin + piece])


def feed_refused(host: Host, data: bytes) -> bool:
    """Feed an image that is not to be taken; whether it was refused, at a piece or at the end."""
    host.command(b"AT+USEROTASTART=%d" % len(data))
    for begin in range(0, len(data), PIECE_MOST):
        piece = data[begin : begin + PIECE_MOST]
        host.command(b"AT+USEROTADATA=%d" % len(piece), PROMPT)
        host.write(piece)
        if host.read_answer(FLASH_PATIENCE) != recv(len(piece)):
            return True
    return host.answer(b"AT+USEROTAEND", FLASH_PATIENCE).endswith(ERROR)
