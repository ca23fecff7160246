"""The ``esp32`` module as programs on the board see it, beside what the port's probes ask."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from sim.board import Board
from tests.sim.scripts import Script, run, wait_for

BUFFERS = """
import array, esp32
ota_1 = esp32.Partition("ota_1")
block = bytearray(4096)

def show(action):
    try:
        print(action())
    except Exception as error:
        print(repr(error))
"""


def test_small_blocks_keep_the_rest_of_their_sector(tmp_path: Path) -> None:
    program = """
small = esp32.Partition("ota_1", 512)
print(small.ioctl(4, 0), small.ioctl(5, 0), small.ioctl(6, 0))
ota_1.writeblocks(0, b"\\x55" * 8192)
small.writeblocks(7, b"\\xaa" * 1024)
print(small.writeblocks(0, b""))
for number in range(2):
    ota_1.readblocks(number, block)
    print(block.count(b"\\x55"), block.count(b"\\xaa"), block.find(b"\\xaa"))
"""
    assert run(tmp_path, BUFFERS + program) == ["3072 512 -22", "None", "3584 512 3584", "3584 512 0"]


def test_what_can_be_written_and_read_into(tmp_path: Path) -> None:
    program = """
ota_1.ioctl(6, 0)
ota_1.writeblocks(0, array.array("H", [0x0201, 0x0403]), 0)
ota_1.writeblocks(0, memoryview(b"xyz")[1:], 8)
ota_1.readblocks(0, memoryview(block)[1:14])
print(block[:14])
show(lambda: ota_1.writeblocks(0, 5, 0))
show(lambda: ota_1.writeblocks(0, [1, 2], 0))
show(lambda: ota_1.readblocks(0, bytes(4)))
show(lambda: ota_1.readblocks(0, memoryview(bytes(4))))
show(lambda: ota_1.info()[4])
"""
    wrong = "TypeError('object with buffer protocol required',)"
    filler = "\\xff" * 4
    expected = [rf"bytearray(b'\x00\x01\x02\x03\x04{filler}yz{filler[:12]}')", wrong, wrong, wrong, wrong, "ota_1"]
    assert run(tmp_path, BUFFERS + program) == expected


def test_a_block_costs_little_memory(tmp_path: Path) -> None:
    """At most 64 bytes for a block of 4096, counted without a collection in between."""
    program = """
import gc

def cost(action, *arguments):
    action(*arguments)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    action(*arguments)
    after = gc.mem_alloc()
    gc.enable()
    return after - before

for action in (ota_1.readblocks, ota_1.writeblocks):
    print(cost(action, 1, block) <= 64, cost(action, 1, block, 0) <= 64)
"""
    assert run(tmp_path, BUFFERS + program) == ["True True"] * 2


def test_wrong_types_are_errors_and_nothing_else(tmp_path: Path) -> None:
    program = """
def kind(action):
    try:
        action()
    except Exception as error:
        print(type(error).__name__)

nvs = esp32.NVS("types")
kind(lambda: esp32.Partition(None))
kind(lambda: esp32.Partition.find(label=5))
kind(lambda: nvs.set_i32("a", 1.5))
kind(lambda: nvs.set_i32(1, 1))
kind(lambda: nvs.set_blob("b", 5))
nvs.set_blob("b", "text")
kind(lambda: nvs.get_blob("b", bytes(4)))
print(nvs.get_blob("b", block), block[:4])
"""
    assert run(tmp_path, BUFFERS + program) == ["TypeError"] * 6 + ["4 bytearray(b'text')"]


def test_memory_outside_of_the_heap_shrinks_when_python_needs_more(tmp_path: Path) -> None:
    program = """
def largest():
    return max(region[2] for region in esp32.idf_heap_info(esp32.HEAP_DATA))

print(largest())
held = bytearray(60000)
print(largest())
held = None
print(largest())
"""
    assert run(tmp_path, "import esp32\n" + program) == ["96256", "40256", "96256"]


def test_wake_up_sources_exclude_each_other(tmp_path: Path) -> None:
    program = """
from machine import Pin
esp32.wake_on_ext1([Pin(32), Pin(33)], esp32.WAKEUP_ANY_HIGH)
show(lambda: esp32.wake_on_ext1([Pin(18)]))
show(lambda: esp32.wake_on_ext0(Pin(32), True))
show(lambda: esp32.wake_on_touch(True))
esp32.wake_on_ext0(None)
show(lambda: esp32.wake_on_touch(True))
show(lambda: esp32.wake_on_ext0(Pin(32), True))
"""
    expected = ["ValueError('invalid pin',)", "None", "ValueError('no resources',)", "None"]
    assert run(tmp_path, BUFFERS + program) == [*expected, "ValueError('no resources',)"]


COUNT = """
import esp32
nvs = esp32.NVS("count")
try:
    number = nvs.get_i32("number")
except OSError:
    number = 0
print("from", number)
while True:
    number += 1
    nvs.set_i32("number", number)
"""


@pytest.mark.parametrize("torn", [False, True])
def test_nvs_goes_on_after_a_power_cut(tmp_path: Path, torn: bool) -> None:
    """The 100th operation fails; a start costs two for otadata, and the namespace four for the first bank."""

    def cut(board: Board) -> None:
        board.flash.cut_after(100, torn)

    with Script(tmp_path, COUNT, cut) as script:
        wait_for(lambda: not script.board.running, "power cut")
        assert script.board.flash.operations == 100
        script.board.flash.cut_after(50, torn)
        script.board.power_on()
        script.wait("from 93")


def test_a_power_cut_leaves_half_a_block(tmp_path: Path) -> None:
    program = """
import esp32
esp32.Partition("ota_1").writeblocks(0, bytes(4096))
print("not reached")
"""

    def cut(board: Board) -> None:
        board.flash.cut_after(board.flash.operations + 4, torn=True)

    with Script(tmp_path, program, cut) as script:
        wait_for(lambda: script.board.boots != [] and not script.board.running, "power cut")
        start = script.board.flash.partition("ota_1").address
        content = script.board.flash.read(start, 4096)
        assert "not reached" not in script.lines()
    assert struct.unpack("<2048s2048s", content) == (bytes(2048), b"\xff" * 2048)
