"""The example host for a Pico, run by MicroPython on this computer against a simulated board."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sim.board import Board
from tests.examples.conftest import WAKE_GPIO
from tests.examples.fake_module import FakeModule, Step
from tools import interpreter
from tools.package import ROOT

FOLDER = ROOT / "examples" / "pico"
MACHINE = Path(__file__).with_name("pico_board")
TIMEOUT = 50
OK = b"\r\nOK\r\n"
PROMPT = b"\r\nOK\r\n\r\n>"

pytestmark = pytest.mark.simulator("makes boards of its own")


def start(folder: Path, script: Path, **environment: str) -> subprocess.Popen[str]:
    """Run a script in ``folder`` as on a Pico that has the example's files."""
    paths = f"{MACHINE}:{FOLDER}:.frozen"
    return subprocess.Popen(
        [interpreter.find(bits=32), script],
        cwd=folder,
        env={**os.environ, "MICROPYPATH": paths, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_what_the_readme_shows(board: Board, new_image: Path, wake_level: Path, tmp_path: Path) -> None:
    shutil.copy(new_image, tmp_path / "module.bin")
    (shown,) = re.findall(r"```text\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
    printed = ""
    with start(tmp_path, FOLDER / "main.py", AT_PORT=board.port, WAKE_LEVEL=str(wake_level)) as pico:
        assert pico.stdout is not None
        while "asleep\n" not in printed and (line := pico.stdout.readline()):
            printed += line
        board.network.drop()
        rest, _ = pico.communicate(timeout=TIMEOUT)
    assert printed + rest == shown
    assert pico.returncode == 0
    assert [level for _, level in board.pins.trace(WAKE_GPIO)][-3:] == [0, 1, 0]
    assert not (tmp_path / "module.bin").exists()


# With a module that does what a real one does rarely.

STARTING: tuple[Step, ...] = (
    (b"AT\r\n", OK),
    (b"ATE0\r\n", OK),
    (b"AT+SYSLOG=1\r\n", OK),
    (b"AT+USERPROMPT=1000\r\n", OK),
)
HEAD = """
from esp_at import Module, NoAnswer, Refused, Restarted, quoted
from machine import UART, Pin

module = Module(UART(1, 115200, tx=Pin(4), rx=Pin(5), cts=Pin(6), flow=UART.CTS, rxbuf=4096))
module.start()
"""


def printed_with(folder: Path, steps: tuple[Step, ...], program: str) -> str:
    """What a program prints, after its start, with a module that plays ``steps``."""
    script = folder / "program.py"
    script.write_text(HEAD + program)
    with FakeModule(STARTING + steps) as module, start(folder, script, AT_PORT=module.port) as pico:
        printed, _ = pico.communicate(timeout=TIMEOUT)
    assert pico.returncode == 0, printed
    return printed


def test_a_busy_module_is_asked_again_and_its_older_answer_passed_over(tmp_path: Path) -> None:
    steps = ((b"AT+USERRAM=0\r\n", b"\r\nbusy p...\r\n\r\nERROR\r\n"), (b"AT+USERRAM=0\r\n", OK))
    assert printed_with(tmp_path, steps, "module.ram_release()\n") == ""


def test_data_that_looks_like_answers_and_reports_beside_them(tmp_path: Path) -> None:
    data = b"\r\nOK\r\n>+USERRAM:1,x\r\nready\r\n"
    steps = (
        (b"AT+USERRAM=2,%d,0\r\n" % len(data), b"WIFI DISCONNECT\r\n" + PROMPT),
        (data, b"\r\nWRITE OK\r\n0,CLOSED\r\n"),
        (
            b"AT+USERRAM=3,%d,0\r\n" % len(data),
            b"+USERRAM:9,%b+USERRAM:%d,%b" % (data[:9], len(data) - 9, data[9:]) + OK,
        ),
    )
    program = f"module.ram_write({data!r})\nprint(bytes(module.ram_read({len(data)})) == {data!r})\n"
    assert printed_with(tmp_path, steps, program) == "b'WIFI DISCONNECT'\nb'0,CLOSED'\nTrue\n"


def test_a_refusal_with_its_code_and_what_was_said_before(tmp_path: Path) -> None:
    steps = (
        (b"AT+CWMODE=1\r\n", OK),
        (b'AT+CWJAP="a\\,b","\\"\\\\"\r\n', b"+CWJAP:2\r\nERR CODE:0x010a0006\r\n\r\nERROR\r\n"),
    )
    program = r"""
try:
    module.join('a,b', '"\\')
except Refused as error:
    print(error, error.lines)
"""
    assert printed_with(tmp_path, steps, program) == "0x010a0006 [b'+CWJAP:2']\n"


def test_data_from_a_connection_between_answers(tmp_path: Path) -> None:
    steps = (
        (b'AT+CIPSTART="TCP","a.b",80\r\n', b"CONNECT\r\n" + OK),
        (b"AT+CIPSEND=2\r\n", PROMPT),
        (b"hi", b"\r\nRecv 2 bytes\r\n\r\nSEND OK\r\n\r\n+IPD,8:\r\nERROR_\r\n+IPD,6: world\r\n"),
        (b"AT+CIPCLOSE\r\n", b"CLOSED\r\n" + OK),
    )
    program = """
got = []
module._on_data = got.append
module.connect("a.b", 80)
module.send(b"hi")
module.close()
print(b"".join(got))
"""
    assert printed_with(tmp_path, steps, program) == "b'\\r\\nERROR_ world'\n"


def test_a_module_that_restarts_by_itself(tmp_path: Path) -> None:
    program = "try:\n    module.ram_release()\nexcept Restarted:\n    print('restarted')\n"
    assert printed_with(tmp_path, ((b"AT+USERRAM=0\r\n", b"\r\nready\r\n"),), program) == "restarted\n"


def test_a_piece_of_an_image_that_gets_lost_is_sent_again(tmp_path: Path) -> None:
    steps = (
        (b"AT+USEROTAABORT\r\n", OK),
        (b"AT+USEROTASTART=10\r\n", OK),
        (b"AT+USEROTADATA=10\r\n", PROMPT),
        (b"0123456789", b"ERR CODE:0x010a0009\r\n\r\nERROR\r\n"),
        (b"AT+USEROTA?\r\n", b"+USEROTA:1,0,10\r\n" + OK),
        (b"AT+USEROTADATA=10\r\n", PROMPT),
        (b"0123456789", b"\r\nRecv 10 bytes\r\n\r\nERROR\r\n"),
        (b"AT+USEROTA?\r\n", b"+USEROTA:1,10,10\r\n" + OK),
        (b"AT+USEROTAEND\r\n", OK + b"\r\nready\r\n"),
        *STARTING,
    )
    program = "import io\nmodule.upgrade(io.BytesIO(b'0123456789'), 10)\nprint('upgraded')\n"
    assert printed_with(tmp_path, steps, program) == "upgraded\n"
