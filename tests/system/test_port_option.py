"""``pytest --port URL``: the system tests on a board that is not theirs, reached over TCP."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.system.bridge import Bridge
from tests.system.conftest import MakeBoard
from tools.package import ROOT

# Of each kind some: with a running module, with one that restarts, with data, and those that need the simulator.
FILES = ("test_basic.py", "test_power.py", "test_wake.py", "test_user_ram.py")
CHOSEN = "sleep_mode_is_told or restart_forgets or test_at or deep_sleep_ends or a_byte or byte_by_byte"


@pytest.fixture
def url(make_board: MakeBoard) -> Iterator[str]:
    with make_board() as board, Bridge(board.port) as bridge:
        yield bridge.url


@pytest.mark.timeout(180)
def test_tests_run_at_any_url_but_for_those_that_need_the_simulator(url: str) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--port", url, "-k", CHOSEN]
    files = [f"tests/system/{name}" for name in FILES]
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stdout
    summary = re.search(r"(\d+) passed, (\d+) skipped", done.stdout)
    assert summary, done.stdout
    assert int(summary[1]) >= 6
    assert "needs the simulator: watches the radio, the pins and the cause of a restart" in done.stdout
