"""The UART of the simulated board in fast mode: nothing is lost, and buffers are as large as the driver's."""

from __future__ import annotations

import os
from pathlib import Path

from tests.sim.ports import running, wait_for_line
from tests.sim.scripts import wait_for

ECHO = """
uart = UART(1, 115200, txbuf=8192, rxbuf=2048)
poll = select.poll()
poll.register(uart, select.POLLIN)
buffer = bytearray(4096)
print("up")
while True:
    poll.poll()
    count = uart.readinto(buffer)
    if count:
        uart.write(memoryview(buffer)[:count])
"""


def test_echo_of_a_megabyte(tmp_path: Path) -> None:
    with running(tmp_path, ECHO) as (board, host):
        wait_for_line(board, "up")
        data = os.urandom(1 << 20)
        writer = host.write_in_background(data)
        assert host.read(len(data)) == data
        writer.join()
        assert board.uart(1).lost == 0


def test_the_receive_buffer_is_as_large_as_asked_for(tmp_path: Path) -> None:
    text = """
uart = UART(1, 115200, rxbuf=1000)
print("up")
while uart.any() < 1000:
    pass
time.sleep_ms(50)
print(uart.any())
buffer = bytearray(1000)
print(uart.readinto(buffer))
"""
    with running(tmp_path, text) as (board, host):
        wait_for_line(board, "up")
        host.write(bytes(5000))
        assert board.wait(30)
        assert board.console.endswith(b"up\n1000\n1000\n")


def test_write_waits_while_the_transmit_buffer_is_full(tmp_path: Path) -> None:
    """With CTS held off: the buffer and the hardware's FIFO take 1024 + 128 bytes."""
    text = """
uart = UART(1, 115200, txbuf=1024, flow=UART.RTS | UART.CTS)
print("up")
while not uart.any():
    time.sleep_ms(1)
print(uart.write(bytes(1152)), uart.txdone())
uart.write(b"x")
print("written")
"""
    with running(tmp_path, text) as (board, host):
        wait_for_line(board, "up")
        board.uart(1).cts = False
        host.write(b"go")
        wait_for_line(board, "1152 False")
        assert host.is_silent(0.2)
        assert b"written" not in board.console
        board.uart(1).cts = True
        assert host.read(1153) == bytes(1152) + b"x"
        wait_for_line(board, "written")


def test_cts_does_not_matter_without_flow_control(tmp_path: Path) -> None:
    text = """
uart = UART(1, 115200)
print("up")
while not uart.any():
    time.sleep_ms(1)
uart.write(b"out")
"""
    with running(tmp_path, text) as (board, host):
        wait_for_line(board, "up")
        board.uart(1).cts = False
        host.write(b"go")
        assert host.read(3) == b"out"


def test_txdone_when_the_host_has_it_all(tmp_path: Path) -> None:
    text = """
uart = UART(1, 115200, flow=UART.CTS)
print("up")
while not uart.any():
    time.sleep_ms(1)
uart.write(b"out")
print(uart.txdone())
while not uart.txdone():
    time.sleep_ms(1)
print("done")
"""
    with running(tmp_path, text) as (board, host):
        wait_for_line(board, "up")
        board.uart(1).cts = False
        host.write(b"go")
        wait_for_line(board, "False")
        assert b"done" not in board.console
        board.uart(1).cts = True
        wait_for_line(board, "done")
        assert host.read(3) == b"out"


def test_a_host_that_does_not_read_holds_the_board_up(tmp_path: Path) -> None:
    text = """
uart = UART(1, 115200, txbuf=4096)
data = bytes(range(256)) * 16
for i in range(64):
    uart.write(data)
print("written")
while not uart.txdone():
    time.sleep_ms(1)
"""
    with running(tmp_path, text) as (board, host):
        wait_for(lambda: len(board.uart(1).tx_trace.data) > 0, "output")
        assert not board.wait(0.3)
        assert host.read(64 * 4096) == bytes(range(256)) * 1024
        wait_for_line(board, "written")


def test_what_comes_while_nobody_listens_is_lost(tmp_path: Path) -> None:
    text = """
uart = UART(1, 115200)
uart.deinit()
print("deaf")
while not machine.Pin(4).value():
    time.sleep_ms(1)
uart = UART(1, 115200)
print("up")
while not uart.any():
    time.sleep_ms(1)
print(uart.read())
"""
    with running(tmp_path, text) as (board, host):
        wait_for_line(board, "deaf")
        host.write(b"lost")
        wait_for(lambda: board.uart(1).lost == 4, "loss")
        board.pins.drive(4, 1)
        wait_for_line(board, "up")
        host.write(b"heard")
        wait_for_line(board, "b'heard'")


def test_rts_says_when_the_buffer_is_full(tmp_path: Path) -> None:
    text = """
uart = UART(1, 115200, rxbuf=200, flow=UART.RTS)
print("up")
while not machine.Pin(4).value():
    time.sleep_ms(1)
print(len(uart.read()))
"""
    with running(tmp_path, text) as (board, host):
        wait_for_line(board, "up")
        uart = board.uart(1)
        assert uart.rts
        host.write(bytes(200))
        wait_for(lambda: not uart.rts, "RTS false")
        board.pins.drive(4, 1)
        wait_for_line(board, "200")
        wait_for(lambda: uart.rts or not uart.installed, "RTS true")
        assert [level for _, level in uart.rts_trace][:4] == [1, 0, 1, 0]


def test_timeouts_of_read(tmp_path: Path) -> None:
    text = """
uart = UART(1, 115200, timeout=20000, timeout_char=200)
print("up")
print(uart.read(5))
print(uart.readline())
print(uart.read(9))
uart.init(timeout=0, timeout_char=0)
print(uart.read(5))
"""
    with running(tmp_path, text) as (board, host):
        wait_for_line(board, "up")
        host.write(b"12345line\nrest")
        assert board.wait(30)
        assert board.console.endswith(b"b'12345'\nb'line\\n'\nb'rest'\nNone\n")


def test_uart2_is_a_port_of_its_own(tmp_path: Path) -> None:
    text = """
one, two = UART(1, 115200), UART(2, 115200)
one.write(b"one")
two.write(b"two")
"""
    with running(tmp_path, text) as (board, host):
        assert board.uart(1).tty != board.uart(2).tty
        assert host.read(3) == b"one"
        wait_for(lambda: board.uart(2).tx_trace.data == b"two", "output on UART2")


def test_asyncio_reads_and_writes(tmp_path: Path) -> None:
    text = """
import asyncio
async def main():
    uart = UART(1, 115200, rxbuf=1024, txbuf=1024)
    reader, writer = asyncio.StreamReader(uart), asyncio.StreamWriter(uart, {})
    print("up")
    writer.write(await reader.readexactly(3000))
    await writer.drain()
asyncio.run(main())
"""
    with running(tmp_path, text) as (board, host):
        wait_for_line(board, "up")
        data = bytes(range(250)) * 12
        host.write(data)
        assert host.read(3000) == data


IRQ = """
import sys
print("cause", machine.reset_cause(), sys.implementation.version)
if machine.reset_cause() == 1:
    UART(1, 115200).irq(print, UART.IRQ_RX)
    print("still there")
    UART(1, 115200, rxbuf=1024).irq(print, UART.IRQ_RX)
    print("here too")
"""


def test_irq_with_larger_buffers_hangs_the_board(tmp_path: Path) -> None:
    """As MicroPython 1.25 does."""
    with running(tmp_path, IRQ) as (board, _):
        wait_for_line(board, "cause 3 (1, 25, 0, '')")
        assert b"still there" in board.console
        assert b"here too" not in board.console


def test_irq_works_from_1_26_on(tmp_path: Path) -> None:
    with running(tmp_path, IRQ, micropython="1.26") as (board, _):
        wait_for_line(board, "here too")
        assert b"cause 1 (1, 26, 0, '')" in board.console


def test_init_keeps_what_has_been_received_but_for_new_buffers(tmp_path: Path) -> None:
    """A size that is given makes 1.25 install the driver anew, though it be the same."""
    text = """
uart = UART(1, 115200)
print("up")
while uart.any() < 4:
    time.sleep_ms(1)
uart.init(baudrate=9600, flow=UART.RTS)
print("kept", uart.any())
uart.init(rxbuf=256)
print("left", uart.any())
"""
    for version, left in (("1.25", 0), ("1.26", 4)):
        with running(tmp_path / version, text, micropython=version) as (board, host):
            wait_for_line(board, "up")
            host.write(b"four")
            wait_for_line(board, "kept 4")
            wait_for_line(board, f"left {left}")


def test_bytes_at_another_speed_are_spoiled_if_the_board_is_to_heed_it(tmp_path: Path) -> None:
    """The host's tty has 38400 baud; the board begins with 9600."""
    text = """
uart = UART(1, 9600)
print("up")
while True:
    while not uart.any():
        time.sleep_ms(1)
    data = uart.read()
    if data.endswith(b"."):
        uart.init(baudrate=38400)
    uart.write(data)
"""
    with running(tmp_path, text) as (board, host):
        board.uart(1).heeds_baudrate = True
        wait_for_line(board, "up")
        host.write(b"abc")
        assert host.read(3) == bytes(byte | 0x80 for byte in b"abc")
        board.uart(1).heeds_baudrate = False
        host.write(b".")
        assert host.read(1) == b"."
        board.uart(1).heeds_baudrate = True
        host.write(b"abc")
        assert host.read(3) == b"abc"
