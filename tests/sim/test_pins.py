"""Pads: what modes, pulls, hold and the outside make of a level."""

from __future__ import annotations

from sim.pins import PIN_GET, PIN_HOLD, PIN_MODE, PIN_PULL, PIN_SET, PIN_TOGGLE, Pins
from sim.rpc import Server

IN, OUT, OPEN_DRAIN = 1, 3, 7
DOWN, UP = 1, 2


class Chip:
    """Asks as the program on the board does; every question takes a second."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pins = Pins(lambda: self.now)
        self._server = Server.__new__(Server)
        self._server.ops = {}
        self.pins.register(self._server)

    def __call__(self, code: int, pin: int, value: int = 0) -> int:
        self.now += 1
        return self._server.ops[code](pin, value)


def test_an_output_follows_what_is_set() -> None:
    chip = Chip()
    chip(PIN_SET, 18, 1)
    assert chip.pins.level(18) is None
    chip(PIN_MODE, 18, OUT)
    assert chip(PIN_GET, 18) == 1
    chip(PIN_TOGGLE, 18)
    assert chip(PIN_GET, 18) == 0
    assert chip.pins.mode(18) == "output"
    assert chip.pins.trace(18) == [(0.0, None), (2.0, 1), (4.0, 0)]


def test_an_output_begins_without_a_pulse() -> None:
    chip = Chip()
    chip(PIN_SET, 18, 0)
    chip(PIN_MODE, 18, OUT)
    chip(PIN_MODE, 18, IN)
    assert chip.pins.trace(18) == [(0.0, None), (2.0, 0), (3.0, None)]


def test_an_input_shows_the_outside_and_the_pull() -> None:
    chip = Chip()
    chip(PIN_PULL, 4, UP)
    assert (chip.pins.level(4), chip.pins.pull(4)) == (1, "up")
    chip.pins.drive(4, 0)
    assert chip(PIN_GET, 4) == 0
    chip.pins.drive(4, None)
    chip(PIN_PULL, 4, DOWN)
    assert (chip.pins.level(4), chip.pins.pull(4)) == (0, "down")
    chip(PIN_PULL, 4, 0)
    assert (chip.pins.level(4), chip.pins.pull(4), chip(PIN_GET, 4)) == (None, None, 0)


def test_pins_34_and_up_have_no_pulls() -> None:
    chip = Chip()
    chip(PIN_PULL, 34, UP)
    assert chip.pins.level(34) is None


def test_open_drain_only_pulls_down() -> None:
    chip = Chip()
    chip(PIN_SET, 5, 1)
    chip(PIN_MODE, 5, OPEN_DRAIN)
    assert (chip.pins.level(5), chip.pins.mode(5)) == (None, "open-drain")
    chip.pins.drive(5, 1)
    assert chip.pins.level(5) == 1
    chip(PIN_SET, 5, 0)
    assert chip.pins.level(5) == 0


def test_a_held_pad_waits_with_changes_until_it_is_let_go() -> None:
    chip = Chip()
    chip(PIN_SET, 18, 1)
    chip(PIN_MODE, 18, OUT)
    chip(PIN_HOLD, 18, 1)
    chip(PIN_SET, 18, 0)
    chip.pins.restart(power_lost=False)
    assert (chip.pins.level(18), chip.pins.mode(18), chip.pins.hold(18)) == (1, "input", True)
    chip(PIN_HOLD, 18, 0)
    assert chip.pins.trace(18) == [(0.0, None), (2.0, 1), (5.0, None)]


def test_without_power_nothing_is_held() -> None:
    chip = Chip()
    chip(PIN_SET, 18, 1)
    chip(PIN_MODE, 18, OUT)
    chip(PIN_HOLD, 18, 1)
    chip.pins.restart(power_lost=True)
    assert (chip.pins.level(18), chip.pins.hold(18)) == (None, False)


def test_in_deep_sleep_held_pads_of_the_rtc_domain_keep_their_level() -> None:
    chip = Chip()
    for pin in (18, 25, 26):
        chip(PIN_SET, pin, 1)
        chip(PIN_MODE, pin, OUT)
    for pin in (18, 25):
        chip(PIN_HOLD, pin, 1)
    chip.pins.sleep(hold_digital=False)
    assert [chip.pins.level(pin) for pin in (18, 25, 26)] == [None, 1, None]


def test_in_deep_sleep_all_digital_pads_can_be_held() -> None:
    chip = Chip()
    for pin in (18, 19):
        chip(PIN_SET, pin, 1)
        chip(PIN_MODE, pin, OUT)
    chip(PIN_HOLD, 18, 1)
    chip.pins.sleep(hold_digital=True)
    assert [chip.pins.level(pin) for pin in (18, 19)] == [1, 1]
    chip.pins.restart(power_lost=False)
    assert [chip.pins.level(pin) for pin in (18, 19)] == [1, None]


def test_a_wire_carries_a_level_either_way() -> None:
    chip = Chip()
    chip.pins.join(4, 5)
    chip(PIN_SET, 4, 1)
    chip(PIN_MODE, 4, OUT)
    assert chip(PIN_GET, 5) == 1
    chip(PIN_MODE, 4, IN)
    assert chip.pins.level(5) is None
    chip(PIN_MODE, 5, OUT)
    assert (chip.pins.level(4), chip(PIN_GET, 4)) == (0, 0)
    chip.pins.part(4, 5)
    assert chip.pins.level(4) is None


def test_only_pins_that_had_a_level_are_drawn() -> None:
    chip = Chip()
    chip(PIN_PULL, 4, UP)
    assert chip.pins.used() == [4]
    assert [signal.name for signal in chip.pins.signals()] == ["GPIO4"]
