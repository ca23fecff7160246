"""What the command line can ask of a running board."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from sim import user_files
from sim.board import Board
from sim.control import ControlError
from sim.flash import Slot
from sim.network import JSON_KEYS

WIFI_USAGE = f"wifi takes drop, restore, kick or pairs of {', '.join(JSON_KEYS)} and a value: wifi set password secret"


def _reset(board: Board, _words: Sequence[str]) -> str:
    if not board.powered:
        raise ControlError("the power is off: power-on switches it on")
    board.reset()
    return "EN was pressed"


def _cut_power(board: Board, _words: Sequence[str]) -> str:
    board.power_cut()
    return "the power is off: power-on switches it on"


def _power_on(board: Board, _words: Sequence[str]) -> str:
    if board.powered:
        raise ControlError("the board is on")
    board.power_on()
    return "the power is on"


def _pins(board: Board, _words: Sequence[str]) -> str:
    lines = []
    for number in board.pins.used():
        level = board.pins.level(number)
        pull = board.pins.pull(number)
        words = [f"GPIO{number}", "-" if level is None else str(level), board.pins.mode(number)]
        words += [f"pull-{pull}"] if pull else []
        words += ["held"] if board.pins.hold(number) else []
        lines.append(" ".join(words))
    for port in (1, 2):
        uart = board.uart(port)
        state = "on" if uart.installed else "off"
        lines.append(
            f"UART{port} {state} {uart.settings.baudrate} rts={int(uart.rts)} cts={int(uart.cts)} lost={uart.lost}"
        )
    return "\n".join(lines)


def describe_slots(slots: Sequence[Slot]) -> str:
    """One line per slot."""
    lines = []
    for slot in slots:
        words = [slot.label, f"{slot.project} {slot.version}" if slot.valid else f"no image: {slot.problem}"]
        words += [slot.state] if slot.state else []
        words += ["running"] if slot.running else []
        words += ["boot"] if slot.boot else []
        lines.append(", ".join(words))
    return "\n".join(lines)


def _slots(board: Board, _words: Sequence[str]) -> str:
    return describe_slots(board.flash.slots())


def _wifi(board: Board, words: Sequence[str]) -> str:
    plain: dict[str, Callable[[], None]] = {
        "drop": board.network.drop,
        "restore": board.network.restore,
        "kick": board.network.kick,
    }
    action, *rest = words or [""]
    if action in plain and not rest:
        plain[action]()
    elif action == "set" and rest and len(rest) % 2 == 0:
        try:
            board.network.set(**{key: _value(key, value) for key, value in zip(rest[::2], rest[1::2], strict=True)})
        except (KeyError, TypeError, ValueError) as error:
            raise ControlError(WIFI_USAGE) from error
    else:
        raise ControlError(WIFI_USAGE)
    points = board.network.access_points
    return "\n".join(f"{point.ssid} {'up' if point.up else 'down'} {point.rssi} dBm" for point in points)


def _value(key: str, value: str) -> object:
    """Names and passwords are text as they stand; everything else is JSON."""
    return value if key in ("ssid", "password", "bssid") else json.loads(value)


def _cts(board: Board, words: Sequence[str]) -> str:
    if list(words) not in (["0"], ["1"]):
        raise ControlError("cts takes 1, the board may send, or 0")
    board.uart(1).cts = words[0] == "1"
    return f"cts={words[0]}"


def _vcd(board: Board, words: Sequence[str]) -> str:
    if len(words) != 1:
        raise ControlError("vcd takes the file to write")
    try:
        board.write_vcd(Path(words[0]))
    except OSError as error:
        raise ControlError(str(error)) from error
    return words[0]


def _put(board: Board, words: Sequence[str]) -> str:
    if board.powered:
        raise ControlError("the board is on and may be writing: cut-power first")
    return user_files.put(board.flash, *words)


COMMANDS: dict[str, tuple[str, Callable[[Board, Sequence[str]], str]]] = {
    "reset": ("press EN", _reset),
    "cut-power": ("take the power away, at this moment", _cut_power),
    "power-on": ("switch on again", _power_on),
    "pins": ("levels, modes and holds of the pins, and the UARTs", _pins),
    "slots": ("what the OTA slots hold", _slots),
    "wifi": ("drop | restore | kick | set KEY VALUE ...: the access point", _wifi),
    "cts": ("1 | 0: may the board send, if it looks at CTS", _cts),
    "vcd": ("FILE: write pins and UART lines so far", _vcd),
    "put": ("FILE PATH: copy a file to the user filesystem; the board must be off", _put),
}


def carry_out(board: Board, words: Sequence[str]) -> str:
    """Do what the command line asks; raises ``ControlError``."""
    name, *rest = words
    if name not in COMMANDS:
        raise ControlError(f"unknown command {name}")
    return COMMANDS[name][1](board, rest)
