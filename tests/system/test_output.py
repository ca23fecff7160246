"""What is sent: reports split nothing, and a host that does not read blocks nothing."""

from __future__ import annotations

import time

import pytest

from sim.board import Board
from tests.system.conftest import MakeBoard
from tests.system.host import BUSY, ERROR, OK, PROMPT, READY, WRITE_OK, Host
from tests.system.own_commands import COMMANDS_PY, NEEDED, arrive, held, tell, will_tell
from tests.system.ram import chunks, fill

USER_FILES = {"commands.py": COMMANDS_PY}
LATER = b"+LATER\r\n"
# How long a report takes that waits for nothing, generously.
SOON = 0.15
BLOCK = 65536

own_commands = pytest.mark.simulator(NEEDED)


# Reports.


@own_commands
def test_a_report_comes_unasked(host: Host) -> None:
    host.command(b"AT+LATER=20", OK, LATER)
    host.expect_nothing()


@own_commands
def test_reports_keep_their_number_and_order(host: Host, board: Board) -> None:
    for _ in range(10):
        will_tell(host, board)
    tell(board)
    host.expect(LATER * 10)
    host.expect_nothing()


@own_commands
def test_a_report_comes_while_a_command_is_in_progress(host: Host, board: Board) -> None:
    will_tell(host, board)
    with held(host, board):
        tell(board)
        host.expect(LATER)
    host.expect(OK)


@own_commands
@pytest.mark.parametrize("echo", [False, True])
def test_a_report_waits_for_a_line_half_received(host: Host, board: Board, echo: bool) -> None:
    will_tell(host, board)
    if echo:
        host.command(b"ATE1")
    for byte in b"AT+SYSLOG?":
        host.write(bytes((byte,)))
        if echo:
            host.expect(bytes((byte,)))
        tell(board)
        time.sleep(SOON / 3)
    host.expect_nothing()
    host.write(b"\r\n")
    host.expect((b"\r\n" if echo else b"") + b"+SYSLOG:0\r\n" + OK + LATER)


@own_commands
def test_a_report_waits_for_a_line_that_is_being_dropped(host: Host, board: Board) -> None:
    will_tell(host, board)
    arrive(host, board, b"x" * 300)
    tell(board)
    host.expect_nothing(SOON)
    host.write(b"\r\n")
    host.expect(ERROR + LATER)


@own_commands
def test_a_report_comes_when_a_half_line_is_left_alone(host: Host, board: Board) -> None:
    will_tell(host, board)
    arrive(host, board, b"AT+SYSL")
    tell(board)
    host.expect_nothing(SOON)
    host.expect(LATER)
    host.write(b"OG?\r\n")
    host.expect(b"+SYSLOG:0\r\n" + OK)


@own_commands
def test_a_report_does_not_split_an_answer(host: Host, board: Board) -> None:
    will_tell(host, board)
    host.send(b"AT+TALK=10,20")
    host.expect(b"+TALK:0\r\n")
    tell(board)
    host.expect(b"".join(b"+TALK:%d\r\n" % number for number in range(1, 10)) + OK + LATER)


@own_commands
def test_a_report_does_not_come_between_prompt_and_data(host: Host, board: Board) -> None:
    host.command(b"AT+USERRAM=1,8")
    will_tell(host, board)
    host.command(b"AT+USERRAM=2,8", PROMPT)
    tell(board)
    host.expect_nothing(SOON)
    host.write(b"1234")
    host.expect_nothing()
    host.write(b"5678")
    host.expect(WRITE_OK + LATER)


@own_commands
def test_a_report_does_not_split_a_payload(host: Host, board: Board) -> None:
    data = fill(host, BLOCK)
    host.write(b"AT+LATER=0\r\n" * 3 + b"AT+USERRAM=3,%d\r\n" % BLOCK)
    host.expect(OK * 3)
    # Each report may come before the answer or after it.
    time.sleep(SOON)
    answer = chunks(data) + OK
    stream = host.read_exactly(len(answer) + 3 * len(LATER), 30)
    before, _, after = stream.partition(answer)
    assert before + after == LATER * 3


# A host that does not read, or that holds CTS off.


def test_a_host_that_stops_reading_gets_everything_later(host: Host) -> None:
    data = fill(host, BLOCK)
    host.send(b"AT+USERRAM=3,%d" % BLOCK)
    answer = chunks(data) + OK
    host.expect(answer[:10_000])
    time.sleep(0.5)
    host.expect(answer[10_000:20_000])
    time.sleep(0.2)
    host.expect(answer[20_000:], 30)
    host.command(b"AT")


def test_served_lines_are_answered_in_the_middle_of_a_long_read(host: Host) -> None:
    data = fill(host, BLOCK)
    host.send(b"AT+USERRAM=3,%d" % BLOCK)
    answer = chunks(data)
    host.expect(answer[:10_000])
    host.send(b"AT+SLEEP=0")
    host.send(b"AT+GMR")
    host.send(b"AT+USERMCUSLEEP=0")
    rest = host.read_exactly(len(answer) - 10_000 + len(OK + BUSY + ERROR + OK), 30)
    assert_between_pieces(answer[10_000:], rest, [OK, BUSY, ERROR, OK])
    host.expect_nothing()
    host.command(b"AT")


def assert_between_pieces(pieces: bytes, stream: bytes, inserted: list[bytes]) -> None:
    """``stream`` must be ``pieces`` with each of ``inserted`` in order, in front of a +USERRAM or at the end."""
    at = 0
    for answer in inserted:
        found = stream.find(answer, at)
        assert found >= 0, f"no {answer!r} in the stream"
        after = stream[found + len(answer) :]
        assert not after or after.startswith((b"+USERRAM:", *inserted)), f"{answer!r} splits a piece"
        stream = stream[:found] + after
        at = found
    assert stream == pieces


@pytest.fixture(scope="module")
def cts_board(make_board: MakeBoard) -> Board:
    """A board with all flow control, and little patience before a restart."""
    return make_board({"flow_control": 3, "restart_drain_ms": 200}, USER_FILES)


@pytest.mark.simulator("holds CTS off")
def test_cts_held_off_in_the_middle_of_a_long_read(cts_board: Board) -> None:
    with cts_board as board:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        data = fill(host, BLOCK)
        answer = chunks(data) + OK

        host.send(b"AT+USERRAM=3,%d" % BLOCK)
        host.expect(answer[:5000])
        board.uart(1).cts = False
        received = host.clear(0.3)
        assert len(received) < len(answer) - 5000
        host.expect_nothing(0.3)
        board.uart(1).cts = True
        host.expect((answer[5000:])[len(received) :], 30)
        host.command(b"AT")

        # Not even a restart, which is a served line, may hang because nothing can be sent.
        host.send(b"AT+USERRAM=3,%d" % BLOCK)
        host.expect(answer[:5000])
        board.uart(1).cts = False
        host.clear(0.3)
        host.send(b"AT+RST")
        deadline = time.monotonic() + 10
        while len(board.boots) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(board.boots) == 2
        board.uart(1).cts = True
        host.read_until(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        host.close()
