"""The version of what is built here: what git says of the working tree, or ``firmware/version.py`` without git.

``python -m tools.version`` prints it. A tag ``v1.2.3`` gives ``1.2.3``, commits after it ``1.2.3-4-gabcdef0``; without
tags it is the number in ``firmware/version.py`` with the commit. ``-dirty`` says that files have changed since.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path

from tools.package import ROOT, VERSION_FILE

HASH = re.compile(r"g?([0-9a-f]{7,40}(-dirty)?)")


def current(root: Path = ROOT) -> str:
    """The version of the tree at ``root``."""
    try:
        done = subprocess.run(
            ["git", "describe", "--tags", "--always", "--dirty", "--abbrev=8", "--match", "v[0-9]*"],
            cwd=root,
            env={**os.environ, "GIT_CEILING_DIRECTORIES": str(root.parent)},  # not the repository around this tree
            capture_output=True,
            text=True,
        )
        told = done.stdout.strip() if done.returncode == 0 else ""
    except OSError:
        told = ""
    if told and not HASH.fullmatch(told):
        return told.removeprefix("v")
    return f"{own(root)}-g{told}" if told else own(root)


def own(root: Path = ROOT) -> str:
    """The number in ``firmware/version.py``."""
    statements = ast.parse((root / VERSION_FILE).read_text()).body
    return next(str(ast.literal_eval(node.value)) for node in statements if isinstance(node, ast.Assign))


if __name__ == "__main__":
    print(current())
