"""Runs the scripts of ``tests/device`` on a board, and sums up: ``python -m tools.device_test``.

Each script runs on its own after a soft reset, with ``harness.py`` before it. Their last lines say how many tests
passed, failed and were skipped; a script without such a line has failed.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools import ports
from tools.ports import PortError
from tools.repl import Repl, ReplError

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "device"
HARNESS = FOLDER / "harness.py"
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped\s*$", re.MULTILINE)
# How long a script may print nothing.
SILENCE_SECONDS = 240.0


def scripts(names: Sequence[str]) -> list[Path]:
    """The scripts with these names, all of them if there are none. FileNotFoundError for one that is not there."""
    everything = sorted(path for path in FOLDER.glob("*.py") if path != HARNESS)
    if not names:
        return everything
    chosen = [FOLDER / f"{Path(name).stem}.py" for name in names]
    missing = [path for path in chosen if path not in everything]
    if missing:
        raise FileNotFoundError(f"{missing[0].name}: there are {', '.join(path.stem for path in everything)}")
    return chosen


def run(port: str, script: Path, settings: Mapping[str, str]) -> tuple[int, int, int]:
    """Run one script, show what it prints, and return the counts of its summary."""
    board = Repl(port)
    try:
        assignments = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
        printed = board.run(assignments + HARNESS.read_text(encoding="utf-8"))
        printed += board.run(script.read_text(encoding="utf-8"), SILENCE_SECONDS)
    finally:
        board.close()
    text = printed.decode(errors="replace").replace("\r\n", "\n")
    print(text, end="", flush=True)
    summary = SUMMARY.findall(text)
    if not summary:
        raise ReplError("the script did not come to its end")
    passed, failed, skipped = map(int, summary[-1])
    return passed, failed, skipped


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.device_test", description="Test a board from the inside.")
    parser.add_argument("--port", help="the board's console: any URL that pyserial takes; found if only one")
    parser.add_argument("--ssid", help="an access point that the board can join")
    parser.add_argument("--password", default="", help="its password")
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", help="names of scripts in tests/device (all)")
    options = parser.parse_args(arguments)
    settings = {"SSID": options.ssid, "PASSWORD": options.password} if options.ssid else {}
    total = [0, 0, 0]
    try:
        port = ports.find(options.port)
        for script in scripts(options.scripts):
            print(f"{script.stem}:", flush=True)
            try:
                counts = run(port, script, settings)
            except ReplError as error:
                print(f"failed  {script.stem}: {error}", flush=True)
                counts = (0, 1, 0)
            total = [sum(pair) for pair in zip(total, counts, strict=True)]
    except (PortError, OSError) as error:
        print(f"device_test: {error}", file=sys.stderr)
        return 2
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
