"""AT+UART_CUR, AT+UART_DEF and AT+UART (ESP-AT user guide, "Basic AT Commands"; its ``at_uart_cmd.c``)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sim.board import Board
from sim.uart import FLOW_CTS, FLOW_RTS
from tests.system import upgrades
from tests.system.conftest import MakeBoard
from tests.system.feeding import feed
from tests.system.host import ERROR, OK, READY, Host, error
from tests.system.upgrades import version

pytestmark = pytest.mark.simulator("changes the line's speed, and looks at what the UART is set to")

# AT+SPOIL="<text>" stores what AT+UART_DEF never does.
USER_FILES = {
    "commands.py": b"""\
from firmware.command import command, string
from firmware.settings import Settings


def spoil(at, text):
    Settings(at.memory).store(uart=text)


COMMANDS = (command("+SPOIL", (string(),), set=spoil),)
"""
}
CONFIG = {"restart_drain_ms": 200}
DEFAULT = b"115200,8,1,0,1"
# The divider of the UART's clock has no value for 115200.
ACTUAL = b"115201,8,1,0,1"


@pytest.fixture
def line(host: Host, board: Board) -> Iterator[Host]:
    """The host of a module whose UART is set as by default, and is so again afterwards."""
    uart = board.uart(1)
    yield host
    uart.cts = True
    uart.heeds_baudrate = False
    host.set_baudrate(115200)
    host.command(b"AT+UART_DEF=" + DEFAULT)


def test_queries(line: Host) -> None:
    line.command(b"AT+UART_CUR?", b"+UART_CUR:%s\r\n" % ACTUAL, OK)
    line.command(b"AT+UART_DEF?", b"+UART_DEF:%s\r\n" % DEFAULT, OK)
    line.command(b"AT+UART?", b"+UART:%s\r\n" % ACTUAL, OK)


@pytest.mark.parametrize("name", [b"+UART", b"+UART_CUR", b"+UART_DEF"])
def test_the_test_form(line: Host, name: bytes) -> None:
    line.command(b"AT%s=?" % name, name + b":(80-5000000),(5-8),(1-3),(0-2),(0-3)\r\n", OK)


def test_cur_is_for_now(line: Host, board: Board) -> None:
    line.command(b"AT+UART_CUR=921600,7,3,1,0")
    line.command(b"AT+UART_CUR?", b"+UART_CUR:922190,7,3,1,0\r\n", OK)
    line.command(b"AT+UART_DEF?", b"+UART_DEF:%s\r\n" % DEFAULT, OK)
    settings = board.uart(1).settings
    assert (settings.bits, settings.stop, settings.parity, settings.flow) == (7, 2, 1, 0)


@pytest.mark.parametrize("name", [b"+UART", b"+UART_DEF"])
def test_def_is_for_now_and_for_later(line: Host, board: Board, name: bytes) -> None:
    line.command(b"AT%s=921600,8,1,2,3" % name)
    line.command(b"AT+UART_CUR?", b"+UART_CUR:922190,8,1,2,3\r\n", OK)
    line.command(b"AT+UART_DEF?", b"+UART_DEF:921600,8,1,2,3\r\n", OK)
    line.command(b"AT+UART_CUR=" + DEFAULT)
    board.reset()
    line.expect(READY, 20)
    line.command(b"ATE0", b"ATE0\r\n", OK)
    line.command(b"AT+UART_CUR?", b"+UART_CUR:922190,8,1,2,3\r\n", OK)
    assert board.uart(1).settings.flow == FLOW_RTS | FLOW_CTS


def test_restore_forgets_it(line: Host) -> None:
    line.command(b"AT+UART_DEF=921600,8,1,0,0")
    line.command(b"AT+RESTORE", OK, READY, patience=20)
    line.command(b"ATE0", b"ATE0\r\n", OK)
    line.command(b"AT+UART_CUR?", b"+UART_CUR:%s\r\n" % ACTUAL, OK)
    line.command(b"AT+UART_DEF?", b"+UART_DEF:%s\r\n" % DEFAULT, OK)


@pytest.mark.parametrize("extremes", [b"80,5,1,0,0", b"5000000,8,3,2,3"])
def test_the_least_and_the_most(line: Host, board: Board, extremes: bytes) -> None:
    line.command(b"AT+UART_CUR=" + extremes)
    line.command(b"AT+UART_CUR?", b"+UART_CUR:%s\r\n" % extremes, OK)
    # At 80 baud the answer to a further change would be on its way for seconds.
    board.reset()
    line.expect(READY, 20)
    line.command(b"ATE0", b"ATE0\r\n", OK)


@pytest.mark.parametrize("name", [b"+UART", b"+UART_CUR", b"+UART_DEF"])
@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (b"", 0x01060501),
        (b"115200", 0x01060501),
        (b"9600,8,1,0", 0x01060504),
        (b"9600,8,1,0,0,0", 0x01060506),
        (b"79,8,1,0,0", 0x01070000),
        (b"5000001,8,1,0,0", 0x01070000),
        (b"-9600,8,1,0,0", 0x01070000),
        (b"9600,4,1,0,0", 0x01070001),
        (b"9600,9,1,0,0", 0x01070001),
        (b"9600,8,0,0,0", 0x01070002),
        (b"9600,8,4,0,0", 0x01070002),
        (b"9600,8,1,3,0", 0x01070003),
        (b"9600,8,1,0,4", 0x01070004),
        (b"9600,8,1,0,-1", 0x01070004),
        (b"9600,8,,0,0", 0x01080002),
        (b"9600,8,1,0,", 0x01080004),
        (b"9600,8,1,0,x", 0x01080004),
        (b'"9600",8,1,0,0', 0x01050000),
        # One and a half stop bits, which the port's machine.UART does not have.
        (b"9600,5,2,0,0", 0x010A000A),
    ],
)
def test_what_is_wrong_changes_nothing(line: Host, name: bytes, parameters: bytes, code: int) -> None:
    line.command(b"AT+SYSLOG=1")
    line.command(b"AT%s=%s" % (name, parameters), error(code))
    line.command(b"AT+UART_CUR?", b"+UART_CUR:%s\r\n" % ACTUAL, OK)
    line.command(b"AT+UART_DEF?", b"+UART_DEF:%s\r\n" % DEFAULT, OK)


def test_the_answer_comes_at_the_old_speed(line: Host, board: Board) -> None:
    board.uart(1).heeds_baudrate = True
    line.command(b"AT+UART_CUR=921600,8,1,0,0")
    # A host takes a moment to switch, and so does the module.
    line.expect_nothing(0.1)
    line.set_baudrate(921600)
    line.command(b"AT")
    line.set_baudrate(115200)
    line.send(b"AT")
    assert OK not in line.clear(0.2)
    line.set_baudrate(921600)
    # The bytes of the wrong speed are the beginning of a line.
    line.command(b"", ERROR)
    line.command(b"AT+UART_CUR=115200,8,1,0,1")
    line.expect_nothing(0.1)
    line.set_baudrate(115200)
    line.command(b"AT")


def test_a_long_answer_before_goes_out_at_the_old_speed(line: Host, board: Board) -> None:
    board.uart(1).heeds_baudrate = True
    line.command(b"AT+USERRAM=1,4096")
    line.command(b"AT+UART_CUR=9600,8,1,0,0")
    line.expect_nothing(0.1)
    line.set_baudrate(9600)
    line.send(b"AT+USERRAM=3,1024")
    line.expect(b"+USERRAM:1024," + bytes(1024) + OK)
    line.command(b"AT+UART_CUR=115200,8,1,0,1")
    line.clear(1.5)
    line.set_baudrate(115200)
    line.command(b"AT")


def test_cts_holds_the_module_up_when_it_is_on(line: Host, board: Board) -> None:
    board.uart(1).cts = False
    line.command(b"AT")
    board.uart(1).cts = True
    line.command(b"AT+UART_CUR=115200,8,1,0,3")
    board.uart(1).cts = False
    line.send(b"AT")
    line.expect_nothing(0.1)
    board.uart(1).cts = True
    line.expect(OK)


def test_cts_can_be_switched_off_though_it_holds_the_module_up(line: Host, board: Board) -> None:
    line.command(b"AT+UART_CUR=115200,8,1,0,2")
    board.uart(1).cts = False
    line.command(b"AT+UART_CUR=115200,8,1,0,0")
    line.command(b"AT+UART_CUR?", b"+UART_CUR:115201,8,1,0,0\r\n", OK)


@pytest.mark.parametrize("text", [b"nonsense", b"9600", b"79\\,8\\,1\\,0\\,0", b"9600\\,8\\,2\\,0\\,0"])
def test_what_is_stored_is_not_trusted(line: Host, board: Board, text: bytes) -> None:
    line.command(b'AT+SPOIL="%s"' % text)
    board.reset()
    line.expect(READY, 20)
    line.command(b"ATE0", b"ATE0\r\n", OK)
    line.command(b"AT+UART_CUR?", b"+UART_CUR:%s\r\n" % ACTUAL, OK)
    line.command(b"AT+UART_DEF?", b"+UART_DEF:%s\r\n" % DEFAULT, OK)
    assert b"stored settings of the UART not understood: " in board.console


def test_a_stored_speed_survives_an_upgrade_and_the_way_back(make_board: MakeBoard) -> None:
    with make_board({"wifi_poll_ms": 20}) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        old = version(host)
        host.command(b"AT+UART_DEF=460800,8,1,0,1")
        host.set_baudrate(460800)
        host.read(1, 0.2)  # the module switches after the OK
        board.uart(1).heeds_baudrate = True
        feed(host, upgrades.image("2.0.0"))
        for line, running in ((b"AT+USEROTAEND", "2.0.0"), (b"AT+SYSROLLBACK", old)):
            host.command(line, OK, READY, patience=20)
            host.command(b"ATE0", b"ATE0\r\n", OK)
            assert version(host) == running
            host.command(b"AT+UART_DEF?", b"+UART_DEF:460800,8,1,0,1\r\n", OK)
        host.close()


@pytest.mark.parametrize(("micropython", "irq"), [("1.25", False), ("1.26", True)])
def test_the_interrupt_wakes_the_module_where_it_does_not_hang_it(
    make_board: MakeBoard, micropython: str, irq: bool
) -> None:
    with make_board(micropython=micropython) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        assert board.uart(1).wakes == irq
        host.command(b"AT+UART_CUR=921600,8,1,0,1", b"AT+UART_CUR=921600,8,1,0,1\r\n", OK)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        assert board.uart(1).wakes == irq
        host.close()
