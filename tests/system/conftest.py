"""Boards and hosts for the system tests.

A module's tests share one board, simulated unless ``--port`` names a real one. A module may define

* ``CONFIG``: settings for ``/user/config.json`` (the names are in ``firmware/config.py``),
* ``USER_FILES``: a dict of path and content of further files for the board's partition ``user``,
* ``BOARD``: a dict of further arguments for ``sim.board.Board``.

None of them reaches a real board.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sim.board import Board
from tests.system import slots
from tests.system.boards import flash_with
from tests.system.host import OK, READY, Host
from tests.system.upgrades import join

START_PATIENCE = 20.0
# What puts a running module into the state after its start but for the echo; each may fail.
SETTLING = (b"ATE0", b"AT+SYSLOG=0", b"AT+USERMCUSLEEP=0", b"AT+SLEEP=0", b"AT+USERWKMCUCFG=0", b"AT+USERRAM=0")

MakeBoard = Callable[..., Board]


@dataclass
class Device:
    """The board under test: its host, and the simulated board if it is one."""

    host: Host
    board: Board | None


@pytest.fixture(scope="session")
def ssid(request: pytest.FixtureRequest) -> bytes:
    """The access point that the board can join."""
    return str(request.config.getoption("--ssid")).encode()


@pytest.fixture(scope="session")
def password(request: pytest.FixtureRequest) -> bytes:
    """The access point's password."""
    return str(request.config.getoption("--password")).encode()


@pytest.fixture(scope="session")
def http_host(request: pytest.FixtureRequest) -> str:
    """The address at which the board reaches this machine."""
    return str(request.config.getoption("--http-host"))


@pytest.fixture(scope="session")
def make_board(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MakeBoard:
    """Makes simulated boards, switched off: ``make_board(config={...}, user_files={...}, **arguments of Board)``."""
    if request.config.getoption("--port"):
        pytest.skip("needs the simulator: makes boards of its own")

    def make(
        config: Mapping[str, Any] | None = None,
        user_files: Mapping[str, bytes] | None = None,
        **arguments: Any,
    ) -> Board:
        files = dict(user_files or {})
        if config:
            files["config.json"] = json.dumps(config).encode()
        folder: Path = tmp_path_factory.mktemp("board")
        if "flash_image" not in arguments:
            arguments["flash_image"] = flash_with(files)
        return Board(folder, **arguments)

    return make


@pytest.fixture(scope="module")
def _device(request: pytest.FixtureRequest) -> Iterator[Device]:
    url = request.config.getoption("--port")
    if url:
        host = Host(url)
        yield Device(host, None)
        host.close()
        return
    make: MakeBoard = request.getfixturevalue("make_board")
    module = request.module
    board = make(getattr(module, "CONFIG", None), getattr(module, "USER_FILES", None), **getattr(module, "BOARD", {}))
    with board:
        host = Host(board.port)
        started = host.read(len(READY), START_PATIENCE)
        assert started == READY, f"the board did not start: {board.console.decode(errors='replace')}"
        yield Device(host, board)
        host.close()


@pytest.fixture
def board(_device: Device) -> Board:
    """The simulated board. Tests that use it are skipped on a real one."""
    assert _device.board is not None
    return _device.board


def restart(device: Device) -> None:
    """Restart the module and wait until it is ready."""
    if device.board is not None:
        device.board.reset()
    else:
        device.host.send(b"AT+RST")
    device.host.read_until(READY, START_PATIENCE)


def settle(host: Host) -> None:
    """Put a running module into the state after its start but for the echo, which is off."""
    for line in SETTLING:
        host.send(line)
        host.read_answer()
    host.clear(0.01)


@pytest.fixture
def _checked(_device: Device) -> Iterator[Device]:
    """After the test ``AT`` must be answered with OK, and with nothing else."""
    yield _device
    host = _device.host
    try:
        host.send(b"AT")
        answer = host.read_until(OK)
        assert answer in (OK, b"AT\r\n" + OK), f"after the test AT was answered with {answer!r}"
    except AssertionError:
        restart(_device)
        raise


@pytest.fixture
def host(_checked: Device) -> Host:
    """The host of a module that answers, with echo off and everything else as after its start but for Wi-Fi."""
    try:
        settle(_checked.host)
    except AssertionError:
        restart(_checked)
        settle(_checked.host)
    return _checked.host


@pytest.fixture
def started(_checked: Device) -> Host:
    """The host of a module that has just started and said ready: echo is on."""
    restart(_checked)
    return _checked.host


@pytest.fixture
def fresh(started: Host) -> Host:
    """As ``started``, but with echo off."""
    started.send(b"ATE0")
    started.expect(b"ATE0\r\n" + OK)
    return started


@pytest.fixture
def staying(host: Host, board: Board, ssid: bytes, password: bytes) -> Host:
    """The host of a module on the network that does not restart after an upgrade and tells error codes; no image is in
    its other slot.
    """
    join(host, ssid, password)
    host.command(b"AT+USEROTAABORT")
    host.command(b"AT+USEROTACFG=0,0")
    host.command(b"AT+SYSLOG=1")
    slots.clear(board)
    return host
