"""The UART of the simulated board in timed mode: what gets lost, and what keeps it from getting lost.

Erasing a sector takes 45 ms, in which some 500 bytes arrive at 115200 baud: the hardware's 128 cannot hold them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.loop import Loop
from sim.uart import Settings, readable
from sim.uart_timed import TimedUart
from tests.sim.ports import Host, running, wait_for_line
from tests.sim.scripts import wait_for

DATA = bytes(range(256)) * 12  # 3072 bytes: 0.27 s at 115200 baud

ERASES = """
from esp32 import Partition
uart = UART(1, 115200, rxbuf=8192, flow=%s)
slot = Partition("ota_1")
print("up")
while not uart.any():
    pass
for sector in range(7):
    slot.ioctl(6, sector)
received = b""
idle = 0
while idle < 50:
    more = uart.read()
    if more:
        received += more
        idle = 0
    else:
        idle += 1
        time.sleep_ms(10)
print("received", len(received), received == bytes(range(256)) * 12)
"""


def test_bytes_get_lost_while_flash_is_erased(tmp_path: Path) -> None:
    with running(tmp_path, ERASES % "0", timed=True) as (board, host):
        wait_for_line(board, "up")
        host.write(DATA)
        wait_for(lambda: b"received" in board.console, "end")
        lost = board.uart(1).lost
        assert lost > 0
        wait_for_line(board, f"received {len(DATA) - lost} False")


@pytest.mark.parametrize("honours", [True, False])
def test_rts_keeps_them_if_the_host_looks_at_it(tmp_path: Path, honours: bool) -> None:
    with running(tmp_path, ERASES % "UART.RTS", timed=True) as (board, host):
        wait_for_line(board, "up")
        board.uart(1).host_honours_rts = honours
        host.write(DATA)
        wait_for(lambda: b"received" in board.console, "end")
        lost = board.uart(1).lost
        assert (lost == 0) == honours
        wait_for_line(board, f"received {len(DATA) - lost} {honours}")
        assert (0.0, 1) in board.uart(1).rts_trace
        assert len(board.uart(1).rts_trace) > 3


def test_a_full_receive_buffer_loses_whole_fifos(tmp_path: Path) -> None:
    """The buffer takes the last FIFO whole, as long as it was not full before; then the FIFO overflows."""
    text = """
uart = UART(1, 115200, rxbuf=256)
print("up")
while not machine.Pin(4).value():
    time.sleep_ms(10)
count = 0
while uart.any():
    count += len(uart.read(5000))
print("received", count)
"""
    with running(tmp_path, text, timed=True) as (board, host):
        wait_for_line(board, "up")
        uart = board.uart(1)
        host.write(bytes(1000))
        wait_for(lambda: len(uart.rx_trace.data) == 1000, "arrival")
        lost = uart.lost
        assert lost == 5 * 129
        board.pins.drive(4, 1)
        wait_for_line(board, f"received {1000 - lost}")


def test_bytes_leave_at_the_baud_rate(tmp_path: Path) -> None:
    """960 characters of 10 bits at 9600 baud: the line is busy for a second, by the board's own clock."""
    text = """
uart = UART(1, 9600, txbuf=4096)
start = time.ticks_ms()
uart.write(bytes(960))
written = time.ticks_diff(time.ticks_ms(), start)
while not uart.txdone():
    time.sleep_ms(1)
print("at once", written < 500, "all", time.ticks_diff(time.ticks_ms(), start) >= 990)
"""
    with running(tmp_path, text, timed=True) as (board, host):
        assert host.read(960) == bytes(960)
        wait_for_line(board, "at once True all True")
        frames = board.uart(1).tx_trace.frames
        assert frames[0].bit == pytest.approx(1 / 9600, rel=0.01)


def test_what_the_tty_has_no_room_for_goes_out_when_the_host_reads(tmp_path: Path) -> None:
    data = bytes(range(256)) * 1024
    text = """
uart = UART(1, 5000000, txbuf=4096)
for _ in range(64):
    uart.write(bytes(range(256)) * 16)
while not uart.txdone():
    time.sleep_ms(1)
"""
    with running(tmp_path, text, timed=True) as (board, host):
        went_out = board.uart(1).tx_trace
        wait_for(lambda: bool(went_out.frames) and board.seconds() - went_out.frames[-1].start > 0.3, "full tty")
        assert len(went_out.data) < len(data)
        assert host.read(len(data)) == data


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[TimedUart]:
    """A port without a board, whose ticks are an hour apart."""
    monkeypatch.setattr("sim.uart_timed.TICK_SECONDS", 3600)
    loop = Loop("test")
    uart = TimedUart(1, loop, time.monotonic)
    loop.start()
    uart.install(Settings())
    yield uart
    loop.stop()
    uart.close()


def arrive(uart: TimedUart) -> None:
    """Have a byte arrive in the driver's buffer."""
    host = Host(uart.tty)
    host.write(b"x")
    wait_for(lambda: uart.any() == 1, "arrival")
    host.close()


def test_between_ticks_a_poll_that_waits_sees_nothing(port: TimedUart) -> None:
    arrive(port)
    assert readable(port.device_fds[0]) == 0
    port.sync()  # as a poll that begins, and a read
    assert readable(port.device_fds[0]) == 1


def test_an_irq_wakes_a_poll_between_ticks(port: TimedUart) -> None:
    port.wakes = True
    arrive(port)
    wait_for(lambda: readable(port.device_fds[0]) == 1, "wake")


def test_timeouts_end_at_ticks(tmp_path: Path) -> None:
    """asyncio.sleep_ms(1) takes a tick of 10 ms, sleep_ms(11) two."""
    text = """
import asyncio
async def main(pause):
    start = time.ticks_ms()
    for _ in range(10):
        await asyncio.sleep_ms(pause)
    return time.ticks_diff(time.ticks_ms(), start)
for pause, least in ((1, 90), (11, 190)):
    print(pause, asyncio.run(main(pause)) >= least)
"""
    with running(tmp_path, text, timed=True) as (board, _):
        wait_for_line(board, "1 True")
        wait_for_line(board, "11 True")


def test_nobody_sees_a_byte_before_it_is_there(tmp_path: Path) -> None:
    """Neither poll nor any() sees a byte before it has come over the line."""
    text = """
uart = UART(1, 115200)
poll = select.poll()
poll.register(uart, select.POLLIN)
print("up")
poll.poll()
count = uart.any()
print("polled", count > 0)
while count < 100:
    count = uart.any()
print(len(uart.read(100)))
"""
    with running(tmp_path, text, timed=True) as (board, host):
        wait_for_line(board, "up")
        host.write(bytes(100))
        wait_for_line(board, "polled True")
        wait_for_line(board, "100")
        assert board.uart(1).lost == 0
