"""Makes the host's Python environment in ``.venv`` once, from the pinned requirements (run by the Makefile).

Needs nothing but the standard library. What is missing on the machine gets one line that says what to install.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from tools import stub_fixes

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements.txt"
STUBS = ROOT / "requirements-stubs.txt"
DRIVERS = ROOT / "requirements-drivers.txt"
FIXES = ROOT / "tools" / "stub_fixes.py"
READY = VENV / "ready"
OLDEST = (3, 11)


class SetUpError(Exception):
    """Why there is no environment, in one line."""


def fingerprint() -> str:
    """What the environment was made from: the requirements, the stubs' corrections, the Python version."""
    content = b"".join(path.read_bytes() for path in (REQUIREMENTS, STUBS, DRIVERS, FIXES)) + sys.version.encode()
    return hashlib.sha256(content).hexdigest()


def make_venv() -> None:
    """Create ``.venv`` with the first way that this machine has: venv, virtualenv or uv."""
    ways: list[list[str]] = []
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        ways.append([sys.executable, "-m", "venv", "--clear"])
    if importlib.util.find_spec("virtualenv"):
        ways.append([sys.executable, "-m", "virtualenv", "--clear"])
    if uv := shutil.which("uv"):
        ways.append([uv, "venv", "--seed", "--clear"])
    for way in ways:
        if subprocess.run([*way, VENV], capture_output=True).returncode == 0:
            return
    raise SetUpError("Python's venv module is missing: apt install python3-venv")


def install(*arguments: str) -> None:
    """Run the environment's pip, quietly unless it fails."""
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, *arguments], capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = errors[0] if errors else "no reason given"
        raise SetUpError(f"pip cannot install the requirements: {reason}; is the network there?")


def main() -> int:
    if sys.version_info < OLDEST:
        print("Python 3.11 or later is needed: apt install python3 (Debian 12 or later)", file=sys.stderr)
        return 1
    made_from = fingerprint()
    if READY.exists() and READY.read_text() == made_from:
        READY.touch()
        return 0
    print("setting up .venv (once)", file=sys.stderr)
    try:
        make_venv()
        install("-r", str(REQUIREMENTS))
        install("--no-deps", "-r", str(DRIVERS))
        install("--no-deps", "--target", str(VENV / "stubs"), "-r", str(STUBS))
        stub_fixes.apply(VENV / "stubs")
    except (SetUpError, stub_fixes.FixError) as error:
        print(error, file=sys.stderr)
        return 1
    READY.write_text(made_from)
    return 0


if __name__ == "__main__":
    sys.exit(main())
