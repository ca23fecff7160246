"""Getting the interpreter: what is asked of apt, and what is said when it cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import debian, interpreter

BOOKWORM = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
LISTING = [
    "'http://mirror.example/debian/dists/bookworm-updates/InRelease' mirror.example_bookworm-updates_InRelease 0 ",
    "'http://mirror.example/debian-security/dists/bookworm-security/InRelease' mirror.example_security_InRelease 0 ",
    "'http://mirror.example/debian/dists/bookworm/InRelease' mirror.example_bookworm_InRelease 0 ",
    "'http://mirror.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' mirror.example_Packages 0 ",
]


def test_debian_12_takes_the_next_release_from_the_same_mirror(tmp_path: Path) -> None:
    keyring = tmp_path / "debian-archive-keyring.gpg"
    keyring.touch()
    assert debian.sources(LISTING, BOOKWORM, tmp_path).splitlines() == [
        "Types: deb",
        "URIs: http://mirror.example/debian",
        "Suites: trixie",
        "Components: main",
        "Architectures: amd64 i386",
        f"Signed-By: {keyring}",
    ]


@pytest.mark.parametrize(
    ("suite", "codename"), [("trixie", "trixie"), ("stable", "trixie"), ("sid", "forky"), ("testing", "forky")]
)
def test_later_releases_take_their_own(tmp_path: Path, suite: str, codename: str) -> None:
    listing = [f"'https://mirror.example/dists/{suite}/InRelease' name 0 "]
    release = {"ID": "debian", "VERSION_CODENAME": codename}
    lines = debian.sources(listing, release, tmp_path).splitlines()
    assert lines[1:3] == ["URIs: https://mirror.example", f"Suites: {suite}"]


def test_other_distributions_keep_apts_own_keys(tmp_path: Path) -> None:
    (tmp_path / "debian-archive-keyring.gpg").touch()
    listing = ["'http://mirror.example/ubuntu/dists/questing/InRelease' name 0 "]
    text = debian.sources(listing, {"ID": "ubuntu", "VERSION_CODENAME": "questing"}, tmp_path)
    assert "Components: main universe" in text
    assert "Signed-By" not in text


def test_no_release_in_apts_sources(tmp_path: Path) -> None:
    with pytest.raises(debian.FetchError, match="set MICROPYTHON"):
        debian.sources([], BOOKWORM, tmp_path)


def test_planned_packages() -> None:
    plan = [
        "The following NEW packages will be installed:",
        "Inst gcc-14-base:i386 (14.2.0-19 Debian:13.7/stable [i386])",
        "Inst libgcc-s1:i386 (14.2.0-19 Debian:13.7/stable [i386]) []",
        "Inst micropython:i386 (1.25.0+ds-1 Debian:13.7/stable, Debian:14/testing [i386])",
        "Conf micropython:i386 (1.25.0+ds-1 Debian:13.7/stable [i386])",
    ]
    assert debian.planned_packages(plan, "i386") == [
        "gcc-14-base:i386=14.2.0-19",
        "libgcc-s1:i386=14.2.0-19",
        "micropython:i386=1.25.0+ds-1",
    ]
    assert debian.planned_packages(["Inst libc6 (2.41-12 Debian:13/stable [amd64])"], "amd64") == [
        "libc6:amd64=2.41-12"
    ]


@pytest.mark.parametrize("bits", [32, 64])
def test_the_interpreter_starts(bits: int) -> None:
    found = interpreter.probe(interpreter.find(bits))
    assert found.version >= (1, 25)
    assert found.bits in (bits, 64)


def test_a_second_run_needs_no_apt(tmp_path: Path) -> None:
    interpreter.find(64)
    environment = {**os.environ, "PATH": str(tmp_path)}
    command = [sys.executable, "-m", "tools.interpreter"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=interpreter.FOLDER.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("MicroPython 1.")


def test_without_apt_one_line_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(debian.FetchError) as raised:
        debian.fetch(tmp_path / "interpreters")
    assert str(raised.value) == (
        "apt-get is missing: install apt (a Debian system), or set MICROPYTHON to a MicroPython 1.25 or later"
    )


def fake_interpreter(path: Path, version: str, wide: bool) -> Path:
    path.write_text(f"#!/bin/sh\necho {version} {wide}\n")
    path.chmod(0o755)
    return path


def test_one_interpreter_of_ones_own_serves_both_word_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = fake_interpreter(tmp_path / "own", "1 26", True)
    monkeypatch.setenv("MICROPYTHON", str(own))
    assert (interpreter.find(32), interpreter.find(64)) == (own, own)


def test_two_interpreters_are_told_apart_by_their_word_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow, wide = (fake_interpreter(tmp_path / name, "1 26", name == "wide") for name in ("narrow", "wide"))
    monkeypatch.setenv("MICROPYTHON", f"{wide}:{narrow}")
    assert (interpreter.find(32), interpreter.find(64)) == (narrow, wide)


def test_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPYTHON", str(fake_interpreter(tmp_path / "old", "1 19", True)))
    with pytest.raises(interpreter.InterpreterError, match=r"old is 1\.19, but 1\.25 or later is needed"):
        interpreter.find(32)


def test_not_an_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPYTHON", str(tmp_path / "nothing"))
    with pytest.raises(interpreter.InterpreterError, match="is not a MicroPython that starts"):
        interpreter.find(64)
