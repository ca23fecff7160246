"""A board's console: its log and MicroPython's REPL, in pyserial's terminal. Ctrl-] ends it."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence

from tools import ports
from tools.ports import PortError

BAUDRATE = 115200


def command(port: str) -> list[str]:
    """What is run: keys go out as they are, Enter as CR, which the REPL wants."""
    terminal = [sys.executable, "-m", "serial.tools.miniterm", "--raw", "--eol", "CR"]
    return [*terminal, port, str(BAUDRATE)]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.console", description="Show a board's log and REPL.")
    parser.add_argument("--port", help="a device, or any URL that pyserial takes; found if there is one board only")
    options = parser.parse_args(arguments)
    try:
        return subprocess.call(command(ports.find(options.port)))
    except PortError as error:
        print(f"no console: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
