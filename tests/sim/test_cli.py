"""``python -m sim`` as a person uses it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.flash import Flash
from tests.sim.ports import Host
from tests.sim.scripts import wait_for

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import machine, time
from machine import Pin, UART
Pin(18, Pin.OUT, value=1, hold=True)
uart = UART(1, 115200)
print("started", machine.reset_cause())
while True:
    if uart.any():
        uart.write(uart.read())
    time.sleep_ms(1)
"""


def sim(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sim", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=30
    )


class Running:
    """``python -m sim run`` in a process of its own."""

    def __init__(self, folder: Path, *options: str | Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        script = folder / "script.py"
        script.write_text(SCRIPT, encoding="utf-8")
        self._log = folder / "log"
        command = [sys.executable, "-m", "sim", "run", "--board", folder, "--script", script, *options]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(lambda: "Ctrl-C" in self.output and "started" in self.output, "start of the board")

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8")

    @property
    def port(self) -> str:
        found = re.search(r"^AT port: (\S+)$", self.output, re.MULTILINE)
        assert found
        return found[1]

    def interrupt(self) -> int:
        """Press Ctrl-C: every process of the terminal gets it."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path / "board", "--vcd", tmp_path / "x.vcd")
    yield running
    running.process.kill()
    running.process.wait()


def test_run_prints_its_port_and_ends_on_ctrl_c(board: Running, tmp_path: Path) -> None:
    host = Host(board.port)
    host.write(b"hello")
    assert host.read(5) == b"hello"
    host.close()
    assert board.interrupt() == 0
    assert "Traceback" not in board.output
    assert f"picocom --omap crcrlf -b 115200 {board.port}" in board.output
    assert "$var wire 1 a GPIO18 $end" in (tmp_path / "x.vcd").read_text(encoding="ascii")
    assert not (board.folder / "control").exists()
    assert not (board.folder / "at-port").is_symlink()


def test_the_python_line_works(board: Running) -> None:
    found = re.search(r"^  \S*python\S* -c '(.*)'$", board.output, re.MULTILINE)
    assert found
    done = subprocess.run([sys.executable, "-c", found[1]], capture_output=True, text=True, timeout=30)
    assert done.stdout == "b'AT\\r\\n'\n"


def test_reset_and_power(board: Running) -> None:
    assert sim("reset", "--board", board.folder).stdout == "EN was pressed\n"
    wait_for(lambda: board.output.count("started 1") == 2, "second start")
    assert sim("power-on", "--board", board.folder).stderr == "sim: the board is on\n"
    assert sim("cut-power", "--board", board.folder).returncode == 0
    assert sim("pins", "--board", board.folder).stdout.splitlines()[0] == "GPIO18 - input"
    assert sim("reset", "--board", board.folder).stderr == "sim: the power is off: power-on switches it on\n"
    assert sim("power-on", "--board", board.folder).stdout == "the power is on\n"
    wait_for(lambda: board.output.count("started 1") == 3, "third start")


def test_pins_and_slots(board: Running) -> None:
    assert sim("pins", "--board", board.folder).stdout.splitlines() == [
        "GPIO18 1 output held",
        "UART1 on 115201 rts=1 cts=1 lost=0",
        "UART2 off 115200 rts=1 cts=1 lost=0",
    ]
    slots = sim("slots", "--board", board.folder).stdout.splitlines()
    assert slots[0] == "ota_0, esp-at-micropython 0.0.0, valid, running, boot"
    assert slots[1].startswith("ota_1, no image: ")


def test_wifi(board: Running) -> None:
    assert sim("wifi", "drop", "--board", board.folder).stdout == "sim-ap down -50 dBm\n"
    assert sim("wifi", "restore", "--board", board.folder).stdout == "sim-ap up -50 dBm\n"
    changed = sim("wifi", "set", "ssid", "other", "rssi", "-70", "--board", board.folder)
    assert changed.stdout == "other up -70 dBm\n"
    for wrong in (["nonsense"], [], ["set", "ssid"], ["set", "nonsense", "1"]):
        done = sim("wifi", *wrong, "--board", board.folder)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("sim: wifi takes drop, restore")


def test_cts_and_vcd(board: Running, tmp_path: Path) -> None:
    assert sim("cts", "0", "--board", board.folder).stdout == "cts=0\n"
    assert sim("cts", "2", "--board", board.folder).stderr == "sim: cts takes 1, the board may send, or 0\n"
    assert sim("vcd", tmp_path / "now.vcd", "--board", board.folder).returncode == 0
    assert "GPIO18" in (tmp_path / "now.vcd").read_text(encoding="ascii")


def test_put_needs_the_board_off(board: Running, tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_bytes(b"print('mine')\n")
    on = sim("put", source, "/user/commands.py", "--board", board.folder)
    assert on.stderr == "sim: the board is on and may be writing: cut-power first\n"
    sim("cut-power", "--board", board.folder)
    off = sim("put", source, "/user/commands.py", "--board", board.folder)
    assert off.stdout == "14 bytes in /user/commands.py\n"


def test_put_without_a_running_board(board: Running, tmp_path: Path) -> None:
    board.interrupt()
    source = tmp_path / "source.py"
    source.write_bytes(b"print('mine')\n")
    assert sim("put", source, "a/b.py", "--board", board.folder).stdout == "14 bytes in /user/a/b.py\n"
    again = Running(board.folder)
    assert sim("slots", "--board", board.folder).returncode == 0
    again.interrupt()
    flash = Flash(board.folder / "flash.bin")
    user = flash.partition("user")
    assert b"print('mine')\n" in flash.read(user.address, user.size)
    flash.close()


def test_only_one_board_runs_in_a_folder(board: Running) -> None:
    second = sim("run", "--board", board.folder)
    assert (second.returncode, second.stderr) == (1, f"sim: a board runs in {board.folder} already\n")


def test_no_board(tmp_path: Path) -> None:
    for name in ("reset", "cut-power", "power-on", "pins", "slots", "wifi", "vcd"):
        done = sim(name, "--board", tmp_path / "none")
        assert (done.returncode, done.stderr) == (1, f"sim: no board runs in {tmp_path / 'none'}\n")


def test_a_killed_launcher_takes_its_board_along(board: Running) -> None:
    tasks = Path(f"/proc/{board.process.pid}/task")
    interpreters = [int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()]
    assert len(interpreters) == 1
    board.process.kill()
    board.process.wait()
    wait_for(lambda: not lives(interpreters[0]), "end of the interpreter")


def lives(pid: int) -> bool:
    """Does this process run, and not just wait for somebody to ask how it ended?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
