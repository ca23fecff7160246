"""Fetches MicroPython's unix port from a Debian mirror with apt, without root, leaving the machine's packages alone.

apt runs with lists, cache and package status of its own, in a private folder, on the mirrors that the machine's apt
is set up for; it checks signatures as ever. The packages are unpacked there and started through their own loader, so
that neither the machine's C library nor its architecture list matters.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

PACKAGE = "micropython"
ARCHITECTURES = {64: "amd64", 32: "i386"}
LOADERS = {"amd64": "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "i386": "usr/lib/i386-linux-gnu/ld-linux.so.2"}
# Releases whose own package is older than 1.25, and the release to take it from.
LATER_RELEASE = {"bookworm": "trixie"}
ARCHIVE_NAMES = ("stable", "testing", "unstable", "sid")
KEYRINGS = ("debian-archive-keyring.pgp", "debian-archive-keyring.gpg")
INDEX_URI = re.compile(r"^'(?P<uri>[^']+?)/dists/(?P<suite>[^']+)/(?:In)?Release'")
PLANNED = re.compile(r"^Inst (?P<name>[^ :]+)(?::\S+)? \((?P<version>\S+) .*\[(?P<architecture>\w+)\]\)")

WRAPPER = """#!/bin/sh
root="${{0%/*}}/{architecture}"
exec "$root/{loader}" --library-path "$root/{libraries}" "$root/usr/bin/micropython" "$@"
"""


class FetchError(Exception):
    """Why the interpreter cannot be had, in one line that says what to do."""


def wrapper_path(folder: Path, bits: int) -> Path:
    """Where ``fetch`` puts the executable for a word size of ``bits``."""
    return folder / f"micropython-{ARCHITECTURES[bits]}"


def fetch(folder: Path) -> None:
    """Put MicroPython for both word sizes into ``folder``; raises FetchError with one line."""
    for tool, package in (("apt-get", "apt (a Debian system)"), ("dpkg-deb", "dpkg")):
        if shutil.which(tool) is None:
            raise FetchError(f"{tool} is missing: install {package}, or set MICROPYTHON to a MicroPython 1.25 or later")
    apt = _PrivateApt(folder / "apt")
    apt.update()
    for bits in ARCHITECTURES:
        _unpack(apt, folder, bits)
    shutil.rmtree(apt.folder)


def _unpack(apt: _PrivateApt, folder: Path, bits: int) -> None:
    architecture = ARCHITECTURES[bits]
    archives = apt.download(architecture)
    root = folder / architecture
    shutil.rmtree(root, ignore_errors=True)
    for archive in archives:
        done = subprocess.run(["dpkg-deb", "-x", archive, root], capture_output=True, text=True)
        if done.returncode:
            raise FetchError(f"cannot unpack {archive.name}: {_last_line(done.stderr)}")
    loader = LOADERS[architecture]
    unfinished = root / "micropython"
    unfinished.write_text(WRAPPER.format(architecture=architecture, loader=loader, libraries=Path(loader).parent))
    unfinished.chmod(0o755)
    unfinished.rename(wrapper_path(folder, bits))  # its presence says that all is there


class _PrivateApt:
    """apt with everything it keeps in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("sources", "lists/partial", "cache/archives/partial", "packages"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        settings = {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": folder / "sources",
            "Dir::State::lists": folder / "lists",
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache",
            "APT::Architecture": "amd64",
            "APT::Architectures::": "i386",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
        }
        if os.geteuid() == 0:
            settings["APT::Sandbox::User"] = "root"  # the sandbox's user may be unable to read the folder
        self.options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]

    def update(self) -> None:
        """Get the package lists of the release that has a recent enough MicroPython."""
        release = _os_release(Path("/etc/os-release"))
        listing = _run(["apt-get", "update", "--print-uris"], "cannot read apt's sources").splitlines()
        text = sources(listing, release, Path("/usr/share/keyrings"))
        (self.folder / "sources" / "micropython.sources").write_text(text)
        _run(["apt-get", *self.options, "update", "--error-on=any"], "cannot get Debian's package lists")

    def download(self, architecture: str) -> list[Path]:
        """The package and all it depends on, as .deb files."""
        plan = _run(
            ["apt-get", *self.options, "install", "--simulate", "--no-install-recommends", f"{PACKAGE}:{architecture}"],
            f"apt has no {PACKAGE} for {architecture}",
        )
        wanted = planned_packages(plan.splitlines(), architecture)
        target = self.folder / "packages" / architecture
        target.mkdir(exist_ok=True)
        _run(["apt-get", *self.options, "download", *wanted], "cannot download MicroPython", cwd=target)
        return sorted(target.glob("*.deb"))


def sources(listing: list[str], release: Mapping[str, str], keyrings: Path) -> str:
    """A deb822 sources file for MicroPython, on the mirror of the machine's own release.

    ``listing`` is what ``apt-get update --print-uris`` prints: it knows every form of sources file.
    """
    codename = release.get("VERSION_CODENAME", "")
    mirrors = {m["suite"]: m["uri"] for m in map(INDEX_URI.match, listing) if m}
    suite = next((name for name in (codename, *ARCHIVE_NAMES, "oldstable") if name in mirrors), None)
    if suite is None:
        raise FetchError("apt's sources name no Debian release: set MICROPYTHON to a MicroPython 1.25 or later")
    lines = [
        "Types: deb",
        f"URIs: {mirrors[suite]}",
        f"Suites: {LATER_RELEASE.get(codename, suite)}",
        f"Components: {'main' if release.get('ID') == 'debian' else 'main universe'}",
        "Architectures: amd64 i386",
    ]
    keyring = next((keyrings / name for name in KEYRINGS if (keyrings / name).exists()), None)
    if release.get("ID") == "debian" and keyring:
        lines.append(f"Signed-By: {keyring}")
    return "\n".join(lines) + "\n"


def planned_packages(plan: list[str], architecture: str) -> list[str]:
    """``name:architecture=version`` of each package that ``apt-get install --simulate`` would install."""
    found = [m for m in map(PLANNED.match, plan) if m]
    return [f"{m['name']}:{architecture}={m['version']}" for m in found if m["architecture"] == architecture]


def _os_release(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text().splitlines() if "=" in line)
    return {name: value.strip('"') for name, _, value in pairs}


def _run(command: list[str], failure: str, cwd: Path | None = None) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)
    if done.returncode:
        raise FetchError(f"{failure}: {_last_line(done.stderr)}; is the network there? MICROPYTHON=path does without")
    return done.stdout


def _last_line(text: str) -> str:
    """The line that says why: apt's first error, or the last line of other tools."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E:")]
    return next(iter(errors or lines[-1:]), "no reason given")
