"""docs/commands.md and the README's table say what the running firmware says about itself."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from tests.system.documents import (
    Command,
    documented_commands,
    documented_settings,
    firmware_commands,
    table_line,
    table_rows,
    template,
)
from tests.system.host import Host, error

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "commands.md"
ROWS = table_rows((ROOT / "README.md").read_text())
STATES = ("complete", "part", "added", "none")
PAGES = ["README.md", *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")))]
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.fixture(scope="module")
def documented() -> dict[str, Command]:
    return documented_commands(PAGE.read_text())


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


def test_the_readmes_table_has_every_command_with_its_forms(host: Host) -> None:
    there = firmware_commands(host)
    listed = {name: row for row in ROWS if row.state != "none" for name in row.names}
    problems = [
        f"README.md's table lacks AT{name}. Add:\n{table_line(command)}"
        for name, command in there.items()
        if name not in listed
    ]
    for name, row in listed.items():
        forms = there[name].forms if name in there else ()
        if row.forms != forms:
            problems.append(f"README.md's table says that AT{name} has {row.forms}, the firmware {forms}")
    assert not problems, "\n" + "\n".join(problems)


def test_what_the_readme_says_cannot_be_done_is_unknown_to_the_firmware(host: Host) -> None:
    host.command(b"AT+SYSLOG=1")
    for row in ROWS:
        assert row.state in STATES, row
        if row.state == "none":
            for name in row.names:
                host.command(f"AT{name}".encode(), error(0x01090000))


@pytest.mark.parametrize("path", PAGES)
def test_links_lead_to_files(path: str) -> None:
    page = ROOT / path
    assert [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


def test_every_setting_is_documented_with_its_default() -> None:
    documented = documented_settings((ROOT / "docs" / "settings.md").read_text())
    spec = importlib.util.spec_from_file_location("config", ROOT / "firmware" / "config.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    values = {name: json.dumps(value) for name, value in vars(module.Config).items() if not name.startswith("_")}
    missing = [f"| `{name}` | {value} | ... |" for name, value in values.items() if name not in documented]
    assert not missing, "docs/settings.md lacks\n" + "\n".join(missing)
    assert documented == values


@pytest.mark.parametrize("path", PAGES)
def test_what_is_to_be_typed_is_there(path: str) -> None:
    text = (ROOT / path).read_text()
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"
    for module in re.findall(r"python -m ((?:tools|sim)[.a-z_]*)", text):
        place = ROOT.joinpath(*module.split("."))
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), f"python -m {module}"


def test_the_syntax_shown_names_the_parameters(documented: dict[str, Command]) -> None:
    for command in documented.values():
        for syntax in command.syntax:
            shown = re.findall(r"<[^>]*>", syntax)
            assert shown == [name.strip("[]") for name in command.parameters], f"AT{command.name}"
