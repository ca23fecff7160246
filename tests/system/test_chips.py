"""Other chips and modules than the ESP32-WROOM-32: pins, what may wake the host, upgrades for the chip that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.board import Board
from sim.chip import DEEPSLEEP_RESET
from sim.images import firmware_flash
from sim.models import ESP32, MODELS
from tests.system.conftest import MakeBoard
from tests.system.feeding import feed_refused
from tests.system.host import OK, READY, Host, error
from tools import app_image
from tools.image import build_image
from tools.package import ROOT, smallest_filesystem

VALUE = 0x01070000
NOT_POSSIBLE = error(0x010A000A)
# Of each module: TX, RX, RTS and CTS, a GPIO that may wake the host, those that may not, the highest number.
MODULES = {
    "esp32": ((17, 16, 14, 15), 23, (16, 17, 14, 15, 6, 11, 1, 3, 34, 39, 24), 39),
    "esp32-spiram": ((22, 19, 14, 15), 23, (16, 17, 22, 19, 6, 34), 39),
    "esp32-pico-d4": ((22, 19, 14, 15), 23, (16, 17, 22, 19, 6, 34), 39),
    "esp32s3": ((17, 18, 14, 15), 48, (17, 18, 14, 15, 19, 20, 26, 32, 43, 44, 22), 48),
    "esp32c3": ((7, 6, 4, 5), 10, (7, 6, 4, 5, 11, 12, 13, 17, 18, 19, 20, 21, 14), 21),
    "esp32c6": ((7, 6, 4, 5), 23, (7, 6, 4, 5, 12, 13, 16, 17, 24, 30), 30),
}
NAMES = {
    "esp32s3": b"ESP32S3",
    "esp32c3": b"ESP32C3",
    "esp32c6": b"ESP32C6",
}


@pytest.mark.parametrize("model", MODULES)
def test_the_at_port_has_the_pins_that_esp_at_gives_it(tmp_path: Path, model: str) -> None:
    script = tmp_path / "main.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from firmware.config import for_this_board\nconfig = for_this_board()\n"
        "print(config.tx, config.rx, config.rts, config.cts)\n"
    )
    with Board(tmp_path / "board", model=model, script=script) as board:
        assert board.wait(20)
    assert board.console.split(b"\n")[-2].strip().decode() == " ".join(map(str, MODULES[model][0]))


@pytest.mark.parametrize("model", MODULES)
def test_what_may_wake_the_host(make_board: MakeBoard, model: str) -> None:
    _, free, taken, last = MODULES[model]
    target = MODELS[model].target
    with make_board(model=model, flash_image=firmware_flash(target)) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        assert b"\r\nBin version:0.0.0-dev(%s)\r\n" % NAMES.get(model, b"ESP32") in host.answer(b"AT+GMR")
        host.command(b"AT+USERWKMCUCFG=?", b"+USERWKMCUCFG:(0-1),(1-2),(0-%d),(0-255),(0-60000)[,(0-7)]\r\n" % last, OK)
        host.command(b"AT+SYSLOG=1")
        for pin in taken:
            host.command(b"AT+USERWKMCUCFG=1,1,%d,1,1000" % pin, error(VALUE | 2))
        host.command(b"AT+USERWKMCUCFG=1,1,%d,1,1000" % (last + 1), error(VALUE | 2))
        host.command(b"AT+USERWKMCUCFG=1,1,%d,1,1000" % free)
        assert (board.pins.level(free), board.pins.mode(free)) == (0, "output")
        assert board.pins.hold(free)
        host.command(b"AT+USERWKMCUCFG=0")
        host.close()


@pytest.mark.parametrize("model", ["esp32s3", "esp32c3", "esp32c6"])
def test_an_upgrade_must_be_for_the_chip_that_runs(make_board: MakeBoard, model: str) -> None:
    target = MODELS[model].target
    # A package takes a sector at least.
    package = smallest_filesystem({"firmware/app.mpy": bytes(4096)})
    good = build_image(package, "2.0.0", target=target)
    parsed = app_image.parse(good)
    elsewhere = [(ESP32.data.start + 0x20, parsed.segments[0].data)]
    elsewhere += [(part.load_address, part.data) for part in parsed.segments[1:]]
    images = {
        "for an ESP32": (build_image(package, "2.0.0"), False),
        "for its chip number, with an ESP32's addresses": (app_image.assemble(parsed.header, elsewhere), False),
        "its own": (good, True),
    }
    with make_board(model=model, flash_image=firmware_flash(target)) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        host.command(b"AT+SYSLOG=1")
        host.command(b"AT+USEROTACFG=0,0")
        for what, (image, fits) in images.items():
            assert feed_refused(host, image) != fits, what
        assert [slot.label for slot in board.flash.slots() if slot.boot] == ["ota_1"]
        host.close()


@pytest.mark.parametrize(("model", "answer"), [("esp32s3", OK), ("esp32c3", NOT_POSSIBLE), ("esp32c6", NOT_POSSIBLE)])
def test_deep_sleep(make_board: MakeBoard, model: str, answer: bytes) -> None:
    """With a GPIO that can end it on some chips, and with a wake pin that is held."""
    with make_board(model=model, flash_image=firmware_flash(MODELS[model].target)) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        host.command(b"AT+SYSLOG=1")
        host.command(b"AT+SLEEPWKCFG=2,8,1", answer)
        host.command(b"AT+USERWKMCUCFG=1,1,10,0,1000")
        host.command(b"AT+GSLP=50", b"50\r\n", OK)
        host.expect(READY, 20)
        assert board.boots[-1][0] == DEEPSLEEP_RESET
        host.close()
