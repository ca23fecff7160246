"""Every step that ``answers/ota_transitions.md`` records, done by a program on the simulated board.

The program goes through the steps, one boot after the other, and prints after each what the table has a row for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim.board import Board
from tests.sim.images import IMAGE
from tools.flash_layout import official_ota_partitions
from tools.image import build_flash

TABLE = Path(__file__).with_name("answers") / "ota_transitions.md"
RESET = "reset"
PATIENCE = 30.0

# What each step of the table is in Python; RESET is the end of a boot.
ACTIONS = {
    "first start": RESET,
    "image copied to ota_1": "copy(); Partition('ota_1').set_boot()",
    '`Partition("ota_1").set_boot()`': "Partition('ota_1').set_boot()",
    'on trial: `Partition("ota_0").set_boot()`': "Partition('ota_0').set_boot()",
    'on trial: `Partition("ota_1").set_boot()`': "Partition('ota_1').set_boot()",
    "`machine.reset()`": RESET,
    "`Partition.mark_app_valid_cancel_rollback()`": "Partition.mark_app_valid_cancel_rollback()",
    "one sector of ota_0 erased": "Partition('ota_0').ioctl(6, 0); refused(Partition('ota_0').set_boot)",
    "both otadata sectors erased": "otadata.ioctl(6, 0); otadata.ioctl(6, 1)",
}

PROGRAM = """
import machine, struct
from esp32 import NVS, Partition
STEPS = {steps!r}
otadata = Partition("otadata")
block = bytearray(4096)

def copy():
    source, target = Partition("ota_0"), Partition("ota_1")
    for number in range(2):
        source.readblocks(number, block)
        target.writeblocks(number, block)

def refused(action):
    try:
        action()
    except OSError as error:
        print("raised", repr(error))

def sector(number):
    otadata.readblocks(number, block)
    sequence, state = struct.unpack_from("<I20xI", block)
    return "-" if block.count(b"\\xff") == len(block) else "%d/%d" % (sequence, state)

def report(step):
    running = Partition(Partition.RUNNING)
    slots = (running, Partition(Partition.BOOT), running.get_next_update())
    fields = [sector(0), sector(1)] + [slot.info()[4] for slot in slots]
    print("step", step, machine.reset_cause(), *fields)

nvs = NVS("steps")
try:
    step = nvs.get_i32("step")
except OSError:
    step = 0
report(step)
for step in range(step + 1, len(STEPS)):
    if STEPS[step] == "reset":
        nvs.set_i32("step", step)
        machine.reset()
    exec(STEPS[step])
    report(step)
print("end")
"""


@dataclass(frozen=True)
class Row:
    """A row of the table: the step in words, and what the five columns say."""

    step: str
    fields: tuple[str, ...]

    @property
    def action(self) -> str:
        return ACTIONS[max((name for name in ACTIONS if self.step.startswith(name)), key=len)]


def read_table() -> list[Row]:
    rows = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and cells[0] not in ("step", "---"):
            rows.append(Row(cells[0], tuple(cells[1:])))
    return rows


ROWS = read_table()


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the program printed, the boot loader's lines included."""
    folder = tmp_path_factory.mktemp("board")
    script = folder / "steps.py"
    script.write_text(PROGRAM.format(steps=[row.action for row in ROWS]), encoding="utf-8")
    flash = build_flash(IMAGE, partitions=official_ota_partitions(), vfs_files={})
    with Board(folder, flash_image=flash, script=script) as board:
        assert board.wait_for_console(b"\nend", PATIENCE), board.console.decode()
        return board.console.decode().splitlines()


def test_the_table_is_there() -> None:
    assert len(ROWS) == 14


@pytest.mark.parametrize("number", range(len(ROWS)), ids=lambda number: f"{number}-{ROWS[number].step[:30]}")
def test_step(lines: list[str], number: int) -> None:
    """1 (PWRON_RESET) after the first start and 2 (HARD_RESET) after each ``machine.reset()``, as the file says."""
    cause = 2 if any(row.action == RESET for row in ROWS[1 : number + 1]) else 1
    reported = [line.split()[2:] for line in lines if line.startswith(f"step {number} ")]
    assert reported == [[str(cause), *ROWS[number].fields]]


def test_the_refusal_of_a_corrupt_image(lines: list[str]) -> None:
    (expected,) = [match.group(1) for row in ROWS if (match := re.search(r"raises (OSError\(.*?\))", row.step))]
    assert [line for line in lines if line.startswith("raised ")] == [f"raised {expected}"]
