"""Writes ``package.json``, by which ``mpremote mip install`` gets the firmware: ``python -m tools.package_json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tools.package import ROOT, sources
from tools.version import own

FILE = "package.json"


def content(root: Path = ROOT) -> str:
    """All files of the package; paths are relative to the file's own place."""
    described = {"urls": [[name, name] for name in sources(root)], "deps": [], "version": own(root)}
    return json.dumps(described, indent=2) + "\n"


def main() -> int:
    (ROOT / FILE).write_text(content())
    return 0


if __name__ == "__main__":
    sys.exit(main())
