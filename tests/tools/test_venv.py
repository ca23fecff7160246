"""Setting up the host's environment: once, and in one line where it cannot be done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import stub_fixes, venv


def test_a_second_run_does_nothing(tmp_path: Path) -> None:
    if not venv.READY.exists():
        pytest.skip("the tests do not run in the environment that make sets up")
    made_from = venv.READY.read_text()
    code = "import sys; from tools import venv; venv.fingerprint = lambda: sys.argv[1]; sys.exit(venv.main())"
    command = [sys.executable, "-c", code, made_from]
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=venv.ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_a_way_to_make_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(venv.SetUpError, match=r"^Python's venv module is missing: apt install python3-venv$"):
        venv.make_venv()


def test_an_old_python(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert venv.main() == 1
    assert capsys.readouterr().err == "Python 3.11 or later is needed: apt install python3 (Debian 12 or later)\n"


def test_pip_that_fails_says_why_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\necho WARNING: retrying >&2\necho ERROR: No matching distribution >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(venv, "VENV", tmp_path)
    with pytest.raises(venv.SetUpError) as raised:
        venv.install("-r", "requirements.txt")
    assert str(raised.value) == (
        "pip cannot install the requirements: ERROR: No matching distribution; is the network there?"
    )


def test_stubs_that_have_changed_are_noticed(tmp_path: Path) -> None:
    (tmp_path / stub_fixes.FIXES[0].file).write_text("class Partition: ...\n")
    with pytest.raises(stub_fixes.FixError, match="look at tools/stub_fixes.py"):
        stub_fixes.apply(tmp_path)
