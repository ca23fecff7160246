"""docs/commands.md says what the running firmware says about itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.system.documents import Command, documented_commands, firmware_commands, template
from tests.system.host import Host

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


@pytest.fixture(scope="module")
def documented() -> dict[str, Command]:
    return documented_commands(PAGE.read_text())


@pytest.mark.xfail(reason="commands are being added faster than their words", strict=False)
def test_every_command_is_documented_as_it_is(host: Host, documented: dict[str, Command]) -> None:
    there = firmware_commands(host)
    problems = []
    for name, command in there.items():
        if name not in documented:
            problems.append(f"docs/commands.md lacks AT{name}. Add and fill in:\n\n{template(command)}")
        elif str(documented[name]) != str(command):
            problems.append(f"docs/commands.md has  {documented[name]}\nthe firmware has      {command}\n")
    problems += [
        f"docs/commands.md has AT{name}, which the firmware has not\n" for name in documented if name not in there
    ]
    assert not problems, "\n" + "\n".join(problems)


def test_the_syntax_shown_names_the_parameters(documented: dict[str, Command]) -> None:
    for command in documented.values():
        for syntax in command.syntax:
            shown = re.findall(r"<[^>]*>", syntax)
            assert shown == [name.strip("[]") for name in command.parameters], f"AT{command.name}"
