"""Which port is taken when none is named."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tools import console, ports


@dataclass
class Found:
    device: str
    vid: int | None
    description: str = "n/a"


BUILT_IN = Found("/dev/ttyS0", None)
CP2102 = Found("/dev/ttyUSB0", 0x10C4, "CP2102 USB to UART")
CH340 = Found("/dev/ttyUSB1", 0x1A86, "USB Serial")
NATIVE = Found("/dev/ttyACM0", 0x303A, "USB JTAG/serial debug unit")
MODEM = Found("/dev/ttyACM1", 0x1199)


@pytest.mark.parametrize("named", ["/dev/ttyUSB7", "COM3", "socket://10.0.0.5:4000", "rfc2217://10.0.0.5:4000"])
def test_what_is_named_is_taken(named: str) -> None:
    assert ports.find(named, list) == named


@pytest.mark.parametrize("board", [CP2102, CH340, NATIVE])
def test_the_only_board_is_found(board: Found) -> None:
    assert ports.find(None, lambda: [BUILT_IN, board, MODEM]) == board.device
    assert ports.find("", lambda: [board]) == board.device


def test_several_boards_are_named() -> None:
    with pytest.raises(ports.PortError) as caught:
        ports.find(None, lambda: [CH340, BUILT_IN, CP2102])
    assert str(caught.value) == (
        "several boards: /dev/ttyUSB0 (CP2102 USB to UART), /dev/ttyUSB1 (USB Serial): say which with PORT=..."
    )


@pytest.mark.parametrize(("there", "words"), [([], "none"), ([MODEM, BUILT_IN], "/dev/ttyACM1, /dev/ttyS0")])
def test_no_board(there: list[Found], words: str) -> None:
    with pytest.raises(ports.PortError) as caught:
        ports.find(None, lambda: there)
    assert str(caught.value) == f"no board: connect one by USB, or say PORT=... (serial ports here: {words})"


def test_the_consoles_terminal() -> None:
    assert console.command("socket://h:1")[1:] == [
        "-m",
        "serial.tools.miniterm",
        "--raw",
        "--eol",
        "CR",
        "socket://h:1",
        "115200",
    ]
