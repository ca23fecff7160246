"""Which serial port a board is at: the one that was named, or the only one that looks like a board's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from serial.tools import list_ports

# USB vendors of the chips that boards have between USB and the ESP32, and of the ESP32s that have USB themselves.
VENDORS = {
    0x303A: "Espressif",
    0x10C4: "CP210x",
    0x1A86: "CH340, CH343, CH9102",
    0x0403: "FT232",
}

List = Callable[[], Iterable[Any]]


class PortError(Exception):
    """No port, or several; the message says which there are."""


def find(named: str | None, comports: List = list_ports.comports) -> str:
    """``named`` if it is not empty, any URL that pyserial takes; else the port of the only board. Raises PortError."""
    if named:
        return named
    found = list(comports())
    boards = sorted((port.device, port.description) for port in found if port.vid in VENDORS)
    if len(boards) == 1:
        return str(boards[0][0])
    if boards:
        several = ", ".join(f"{device} ({description})" for device, description in boards)
        raise PortError(f"several boards: {several}: say which with PORT=...")
    others = ", ".join(sorted(port.device for port in found)) or "none"
    raise PortError(f"no board: connect one by USB, or say PORT=... (serial ports here: {others})")
