"""The modules that stand in front of the Unix interpreter's own, with words of 32 and of 64 bits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sim.scripts import run

pytestmark = pytest.mark.parametrize("bits", [32, 64])


def test_the_clock_starts_in_2000_and_can_be_set(tmp_path: Path, bits: int) -> None:
    lines = run(
        tmp_path,
        """
import time, machine
print(time.time() < 60, time.gmtime()[:3], type(time.time()).__name__)
machine.RTC().datetime((2025, 2, 28, 0, 23, 59, 58, 0))
print(time.localtime()[:5], time.time_ns() // 1000000000 - time.time())
""",
        bits=bits,
    )
    assert lines == ["True (2000, 1, 1) int", "(2025, 2, 28, 23, 59) 0"]


def test_mktime_is_the_inverse_of_gmtime(tmp_path: Path, bits: int) -> None:
    lines = run(
        tmp_path,
        """
import time
days = range(0, 365 * 60, 13)
print([d for d in days if time.mktime(time.gmtime(d * 86400 + 4321)) != d * 86400 + 4321])
print(time.gmtime(60 * 86400), time.mktime((2024, 14, 1, 0, 0, 0, 0, 0)) == time.mktime((2025, 2, 1, 0, 0, 0, 0, 0)))
""",
        bits=bits,
    )
    assert lines == ["[]", "(2000, 3, 1, 0, 0, 0, 2, 61) True"]


def test_ticks_wrap_at_2_to_the_30(tmp_path: Path, bits: int) -> None:
    lines = run(
        tmp_path,
        """
import time
top = (1 << 30) - 1
print(time.ticks_add(top, 2), time.ticks_diff(1, top), time.ticks_diff(top, 1), time.ticks_diff(1 << 29, 0))
print(all(0 <= t() <= top for t in (time.ticks_ms, time.ticks_us, time.ticks_cpu)))
for delta in (1 << 29, -(1 << 29)):
    try:
        print(time.ticks_add(0, delta))
    except OverflowError as e:
        print(e)
""",
        bits=bits,
    )
    assert lines == ["1 2 -2 -536870912", "True", "ticks interval overflow", "ticks interval overflow"]


def test_asyncio_sleeps_and_times_out(tmp_path: Path, bits: int) -> None:
    lines = run(
        tmp_path,
        """
import asyncio, time
async def main():
    start = time.ticks_ms()
    await asyncio.sleep_ms(50)
    print(time.ticks_diff(time.ticks_ms(), start) >= 50)
    try:
        await asyncio.wait_for_ms(asyncio.Event().wait(), 20)
    except asyncio.TimeoutError:
        print("timeout")
asyncio.run(main())
""",
        bits=bits,
    )
    assert lines == ["True", "timeout"]


def test_nothing_of_the_host_is_left(tmp_path: Path, bits: int) -> None:
    lines = run(
        tmp_path,
        """
import errno, os, socket, sys, time, uerrno, uos, usocket, usys, utime
print(errno is uerrno, os is uos, socket is usocket, sys is usys, time is utime, sys.modules["sys"] is sys)
print([name for name in ("system", "getenv", "putenv", "unsetenv", "VfsPosix") if hasattr(os, name)])
print(os.uname().sysname, os.uname().machine, sys.implementation.name, len(os.urandom(4)), sys.argv)
import _thread, ssl, umqtt.simple, umqtt.robust
print(ssl, umqtt.simple)
""",
        bits=bits,
    )
    assert lines == [
        "True True True True True True",
        "[]",
        "esp32 Generic ESP32 module with ESP32 micropython 4 []",
        "<module 'ssl'> <module 'umqtt.simple'>",
    ]
