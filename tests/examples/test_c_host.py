"""The example host in C, built with the warnings that its Makefile sets and run against a simulated board."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sim.board import Board
from tests.examples.conftest import NEW_VERSION, WAKE_GPIO
from tests.examples.fake_module import FakeModule, Step
from tests.system.host import Host
from tests.system.http_server import HttpServer
from tools.package import ROOT

FOLDER = ROOT / "examples" / "c"
README = (FOLDER / "README.md").read_text()
HAL = Path(__file__).with_name("hal")
PIECE = 4096
TIMEOUT = 50
OK = b"\r\nOK\r\n"
PROMPT = b"\r\nOK\r\n\r\n>"
START = """\
-> AT
<- OK
-> ATE0
<- OK
-> AT+SYSLOG=1
<- OK
-> AT+USERPROMPT=1000
<- OK
"""
STARTING: tuple[Step, ...] = (
    (b"AT\r\n", OK),
    (b"ATE0\r\n", OK),
    (b"AT+SYSLOG=1\r\n", OK),
    (b"AT+USERPROMPT=1000\r\n", OK),
)
# After a restart of the module: echo is on.
RESTART = "<- ready\n" + START.replace("-> AT\n", "-> AT\n<- AT\n").replace("-> ATE0\n", "-> ATE0\n<- ATE0\n")

pytestmark = [
    pytest.mark.simulator("makes boards of its own"),
    pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler (cc)"),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program."""
    folder = tmp_path_factory.mktemp("c")
    subprocess.run(["make", "-C", FOLDER, f"BUILD={folder}", "CC=cc"], check=True, capture_output=True, timeout=TIMEOUT)
    return folder / "demo"


def run(demo: Path, *words: str | Path, status: int = 0) -> str:
    """What the program prints."""
    done = subprocess.run([demo, *words], capture_output=True, text=True, timeout=TIMEOUT)
    assert done.stderr == ""
    assert done.returncode == status, done.stdout
    return done.stdout


def run_with(demo: Path, steps: tuple[Step, ...], *words: str | Path, status: int = 0) -> str:
    """What the program prints with a module that plays ``steps`` after the start."""
    with FakeModule(STARTING + steps) as module:
        return run(demo, module.port, *words, status=status)


@pytest.fixture
def awake(demo: Path, board: Board) -> None:
    """A module with echo off whatever the test before has left."""
    run(demo, board.port, "ram", "x")


# With a simulated board, in this order: an upgrade while the module has no network, so that no report is in its way.


def test_an_upgrade_through_the_port(demo: Path, board: Board, awake: None, new_image: Path) -> None:
    size = new_image.stat().st_size
    pieces = [min(PIECE, size - begin) for begin in range(0, size, PIECE)]
    fed = "".join(f"-> AT+USEROTADATA={count}\n<- OK\n<- Recv {count} bytes\n<- OK\n" for count in pieces)
    shown = run(demo, "-v", board.port, "upgrade", new_image)
    lines = re.sub(r"<- (AT version|SDK version|compile time).*\n", "", shown)
    assert lines == (
        f"{START}-> AT+USEROTAABORT\n<- OK\n-> AT+USEROTASTART={size}\n<- OK\n{fed}-> AT+USEROTAEND\n<- OK\n{RESTART}"
        f"-> AT+GMR\n<- Bin version:{NEW_VERSION}(ESP32)\n<- OK\nversion: {NEW_VERSION}\nupgrade: done\n"
    )


def test_an_upgrade_after_one_that_a_reset_of_the_host_has_cut_off(
    demo: Path, board: Board, awake: None, new_image: Path
) -> None:
    host = Host(board.port)
    host.command(b"AT+USEROTASTART=%d" % new_image.stat().st_size)
    host.command(b"AT+USEROTADATA=4096", PROMPT)
    host.write(b"x" * 1000)
    host.close()
    assert run(demo, board.port, "upgrade", new_image) == f"version: {NEW_VERSION}\nupgrade: done\n"


def test_an_image_that_the_module_refuses(demo: Path, board: Board, awake: None, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.bin"
    wrong.write_bytes(b"no image" * 1000)
    assert run(demo, board.port, "upgrade", wrong, status=1) == "upgrade: refused (0x010a0008)\n"


def test_what_the_readme_shows(demo: Path, board: Board, awake: None) -> None:
    (shown,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    assert "build/demo -v /dev/ttyUSB0 ram hello\n" in README
    assert run(demo, "-v", board.port, "ram", "hello") == shown


def test_joining(demo: Path, board: Board, awake: None) -> None:
    assert run(demo, board.port, "join", "sim-ap", "wrong", status=1) == "reason: 2\njoin: refused (0x010a0006)\n"
    assert run(demo, "-v", board.port, "join", "sim-ap", "sim-password") == (
        f'{START}-> AT+CWMODE=1\n<- OK\n-> AT+CWJAP="sim-ap","sim-password"\n'
        "<- WIFI CONNECTED\nreport: WIFI CONNECTED\n<- WIFI GOT IP\nreport: WIFI GOT IP\n<- OK\njoin: done\n"
    )


def test_fetching_a_page(demo: Path, board: Board, awake: None) -> None:
    page = b"line\r\n" * 1000
    with HttpServer() as server:
        server.files["/page"] = page
        command: list[str | Path] = [demo, board.port, "get", "127.0.0.1", str(server.port), "page"]
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert body == page + b"report: CLOSED\nget: done\n"


def test_sleeping_until_the_module_wakes_the_host(demo: Path, board: Board, awake: None, wake_level: Path) -> None:
    command: list[str | Path] = [demo, "-v", board.port, "sleep", str(WAKE_GPIO), wake_level]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        before = [host.stdout.readline() for _ in range(15)]
        board.network.drop()
        after, _ = host.communicate(timeout=TIMEOUT)
    assert "".join(before) == (
        f"{START}-> AT+USERWKMCUCFG=0\n<- OK\n-> AT+USERWKMCUCFG=1,1,{WAKE_GPIO},1,10000\n<- OK\n"
        "-> AT+USERMCUSLEEP=1\n<- OK\nasleep\n"
    )
    assert after == ("woken\n-> AT+USERMCUSLEEP=0\n<- OK\n<- WIFI DISCONNECT\nreport: WIFI DISCONNECT\nsleep: done\n")
    assert host.returncode == 0
    assert [level for _, level in board.pins.trace(WAKE_GPIO)][-3:] == [0, 1, 0]


# With a module that does what a real one does rarely.

RAM_HELLO: tuple[Step, ...] = (
    (b"AT+USERRAM=1,5\r\n", OK),
    (b"AT+USERRAM=2,5,0\r\n", PROMPT),
    (b"hello", b"\r\nWRITE OK\r\n"),
    (b"AT+USERRAM=3,5,0\r\n", b"+USERRAM:5,hello" + OK),
    (b"AT+USERRAM=0\r\n", OK),
)
RAM_DONE = "read back: hello\nram: done\n"


def test_a_busy_module_is_asked_again_and_its_older_answer_passed_over(demo: Path) -> None:
    busy = (b"AT+USERRAM=1,5\r\n", b"\r\nbusy p...\r\n\r\nERROR\r\n")
    assert run_with(demo, (busy, *RAM_HELLO), "ram", "hello") == RAM_DONE


def test_reports_before_and_inside_an_answer(demo: Path) -> None:
    steps = (
        (b"AT+USERRAM=1,5\r\n", b"WIFI DISCONNECT\r\n" + OK + b"0,CLOSED\r\n"),
        *RAM_HELLO[1:],
    )
    assert run_with(demo, steps, "ram", "hello") == "report: WIFI DISCONNECT\nreport: 0,CLOSED\n" + RAM_DONE


def test_data_that_looks_like_answers(demo: Path) -> None:
    data = "\r\nOK\r\n>+USERRAM:1,x\r\nready\r\n"
    count = len(data)
    steps = (
        (b"AT+USERRAM=1,%d\r\n" % count, OK),
        (b"AT+USERRAM=2,%d,0\r\n" % count, PROMPT),
        (data.encode(), b"\r\nWRITE OK\r\n"),
        (
            b"AT+USERRAM=3,%d,0\r\n" % count,
            b"+USERRAM:9,%b+USERRAM:%d,%b" % (data[:9].encode(), count - 9, data[9:].encode()) + OK,
        ),
        (b"AT+USERRAM=0\r\n", OK),
    )
    with FakeModule(STARTING + steps) as module:
        done = subprocess.run([demo, module.port, "ram", data], capture_output=True, timeout=TIMEOUT)
    assert done.stdout == b"read back: " + data.encode() + b"\nram: done\n"


def test_bytes_that_were_lost(demo: Path) -> None:
    steps = (*RAM_HELLO[:3], (b"AT+USERRAM=3,5,0\r\n", b"+USERRAM:4,hell" + OK))
    assert run_with(demo, steps, "ram", "hello", status=1) == "ram: refused\n"


def test_data_from_a_connection_between_answers(demo: Path) -> None:
    request = b"GET /x HTTP/1.0\r\nHost: a,b\r\n\r\n"
    steps = (
        (b'AT+CIPSTART="TCP","a\\,b",80\r\n', b"CONNECT\r\n" + OK),
        (b"AT+CIPSEND=%d\r\n" % len(request), PROMPT),
        (
            request,
            b"\r\nRecv %d bytes\r\n\r\nSEND OK\r\n\r\n+IPD,8:\r\nERROR_\r\n+IPD,6: world\r\nCLOSED\r\n" % len(request),
        ),
    )
    with FakeModule(STARTING + steps) as module:
        done = subprocess.run([demo, module.port, "get", "a,b", "80", "x"], capture_output=True, timeout=TIMEOUT)
    assert done.stdout == b"\r\nERROR_ worldreport: CLOSED\nget: done\n"


def test_a_module_that_restarts_by_itself(demo: Path) -> None:
    steps = ((b"AT+USERRAM=1,5\r\n", b"\r\nready\r\n"),)
    assert run_with(demo, steps, "ram", "hello", status=1) == "ram: the module has restarted\n"


def test_a_start_in_the_middle_of_a_prompt(demo: Path) -> None:
    steps = ((b"AT\r\n", b"\r\nERROR\r\n"), *STARTING, *RAM_HELLO)
    with FakeModule(steps) as module:
        assert run(demo, module.port, "ram", "hello") == RAM_DONE


def test_a_piece_of_an_image_that_gets_lost_is_sent_again(demo: Path, tmp_path: Path) -> None:
    path = tmp_path / "image.bin"
    path.write_bytes(b"0123456789")
    steps = (
        (b"AT+USEROTAABORT\r\n", OK),
        (b"AT+USEROTASTART=10\r\n", OK),
        (b"AT+USEROTADATA=10\r\n", PROMPT),
        (b"0123456789", b"ERR CODE:0x010a0009\r\n\r\nERROR\r\n"),
        (b"AT+USEROTA?\r\n", b"+USEROTA:1,0,10\r\n" + OK),
        (b"AT+USEROTADATA=10\r\n", PROMPT),
        (b"0123456789", b"\r\nRecv 10 bytes\r\n" + OK),
        (b"AT+USEROTAEND\r\n", OK + b"\r\nready\r\n"),
        *STARTING,
        (b"AT+GMR\r\n", b"Bin version:2.0.0(ESP32)\r\n" + OK),
    )
    assert run_with(demo, steps, "upgrade", path) == "version: 2.0.0\nupgrade: done\n"


def test_an_answer_that_gets_lost_does_not_repeat_the_piece(demo: Path, tmp_path: Path) -> None:
    path = tmp_path / "image.bin"
    path.write_bytes(b"0123456789")
    steps = (
        (b"AT+USEROTAABORT\r\n", OK),
        (b"AT+USEROTASTART=10\r\n", OK),
        (b"AT+USEROTADATA=10\r\n", PROMPT),
        (b"0123456789", b"\r\nRecv 10 bytes\r\n\r\nERROR\r\n"),
        (b"AT+USEROTA?\r\n", b"+USEROTA:1,10,10\r\n" + OK),
        (b"AT+USEROTAEND\r\n", b"ERR CODE:0x010a0008\r\n\r\nERROR\r\n"),
        (b"AT+USEROTAABORT\r\n", OK),
    )
    assert run_with(demo, steps, "upgrade", path, status=1) == "upgrade: refused (0x010a0008)\n"


# The UART of a microcontroller.


def compile_only(source: Path, folder: Path) -> None:
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{FOLDER}", f"-I{HAL}"]
    done = subprocess.run(
        ["cc", *flags, "-c", source, "-o", folder / "out.o"], capture_output=True, text=True, timeout=TIMEOUT
    )
    assert done.returncode == 0, done.stderr


def test_the_hal_compiles(tmp_path: Path) -> None:
    compile_only(FOLDER / "uart_hal.c", tmp_path)


def test_the_readmes_program_for_a_microcontroller_compiles(tmp_path: Path) -> None:
    (source,) = re.findall(r"```c\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "application.c"
    path.write_text(source)
    compile_only(path, tmp_path)
