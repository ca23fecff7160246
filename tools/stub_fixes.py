"""Corrects MicroPython's stubs where they lack what the ESP32 port has (applied by ``tools/venv.py`` after installing).

Without this the firmware would be full of exceptions for the type checker, which would hide real mistakes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fix:
    """In ``file`` of the stubs, ``old`` (which occurs ``times`` times) becomes ``new``."""

    file: str
    old: str
    new: str
    why: str
    times: int = 1


UART_END = "        invert: int | None = None,\n    ):"
FLOW_CONTROL = (
    "        rts: PinLike | None = None,\n        cts: PinLike | None = None,\n        flow: int = 0,\n    ):"
)
PIN_END = "        drive: int | None = None,\n        alt: int | None = None,\n    ) -> None:"
FIXES = (
    Fix("esp32.pyi", "self, id: str, block_size", "self, id: str | int, block_size", "BOOT and RUNNING are ints"),
    Fix("vfs.pyi", "block_dev: AbstractBlockDev", "block_dev: Any", "any object with the methods will do", times=4),
    Fix("vfs.pyi", "import List, overload", "import Any, List, overload", "as above"),
    Fix(
        "machine.pyi",
        UART_END,
        UART_END.replace("    ):", FLOW_CONTROL),
        "the ESP32's UART has flow control",
    ),
    Fix(
        "machine.pyi",
        PIN_END,
        PIN_END.replace("    ) ->", "        hold: bool | None = None,\n    ) ->"),
        "the ESP32 can hold a pad's state",
        times=2,
    ),
    Fix(
        "network.pyi",
        "        ssid: str | None = None,\n        password: str | None = None,\n",
        "        ssid: str | bytes | None = None,\n        password: str | bytes | None = None,\n",
        "names of networks are bytes",
    ),
    Fix(
        "stdlib/asyncio/streams.pyi",
        "class StreamReader:\n",
        "class StreamReader(StreamWriter):\n    async def readinto(self, buf: bytearray | memoryview) -> int: ...\n",
        "one class serves both ways, and reads into memory",
    ),
    Fix(
        "stdlib/asyncio/micropython.pyi",
        "class ThreadSafeFlag:\n",
        "from typing import Any\n\nasync def wait_for_ms(aw: Any, timeout: int) -> Any: ...\n\nclass ThreadSafeFlag:\n",
        "missing",
    ),
)


class FixError(Exception):
    """The stubs are not those that the fixes were made for."""


def apply(stubs: Path) -> None:
    """Correct the stubs in the folder ``stubs``, just installed."""
    for fix in FIXES:
        path = stubs / fix.file
        text = path.read_text()
        if text.count(fix.old) != fix.times:
            raise FixError(f"{fix.file} of the stubs has changed: look at tools/stub_fixes.py ({fix.why})")
        path.write_text(text.replace(fix.old, fix.new))
