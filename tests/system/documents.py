"""What docs/commands.md and the README's table say about commands, and what the firmware says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.system.host import OK, Host

INTEGER = re.compile(r"(-?\d+)-(-?\d+)")
TEXT = re.compile(r"(\d+)-(\d+) bytes")
FIELD = re.compile(r'\[?,?(?:\((-?\d+-\d+)\)|"(\d+-\d+)")\]?')
FORM = re.compile(r"^- (Query|Set|Execute) `(AT[^`]*)`", re.MULTILINE)
PARAMETER = re.compile(r"^\| `(\[?<[^`]*>\]?)` \| ([^|]*?) \|", re.MULTILINE)
FORMS = ("query", "set", "execute")


@dataclass
class Command:
    """One command: ``forms`` of FORMS, ``test`` what ``=?`` answers without the name, "" without a set form."""

    name: str
    forms: tuple[str, ...]
    test: str = ""
    syntax: list[str] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return " ".join([f"AT{self.name}:", ", ".join(self.forms), self.test]).strip()


def firmware_commands(host: Host) -> dict[str, Command]:
    """What the module lists (echo off), with the answers to the test forms."""
    commands = {}
    for line in host.answer(b"AT+CMD?").decode().splitlines():
        if not (match := re.fullmatch(r'\+CMD:\d+,"AT(.*)",(\d),(\d),(\d),(\d)', line)):
            continue
        name, test, *has = match.groups()
        command = Command(name, tuple(form for form, there in zip(FORMS, has, strict=True) if there == "1"))
        if test == "1":
            answer = host.answer(f"AT{name}=?".encode())
            assert answer.endswith(OK), f"AT{name}=? was answered with {answer!r}"
            command.test = answer.decode().partition("\r\n")[0].partition(":")[2]
        commands[name] = command
    return commands


def documented_commands(text: str) -> dict[str, Command]:
    """What the page says: a heading for each command or for several alike, its forms, and a table of parameters."""
    commands = {}
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        body = re.split(r"^## ", body, flags=re.MULTILINE)[0]
        forms = FORM.findall(body)
        parameters = PARAMETER.findall(body)
        for name in heading.split(", "):
            assert name.removeprefix("AT") not in commands, f"docs/commands.md has {name} twice"
            commands[name.removeprefix("AT")] = Command(
                name.removeprefix("AT"),
                tuple(form for form in FORMS if form.title() in [kind for kind, _ in forms]),
                _test_form([(name.startswith("["), extent) for name, extent in parameters]),
                [syntax for kind, syntax in forms if kind == "Set"],
                [name for name, _ in parameters],
            )
    return commands


@dataclass
class Row:
    """A line of the README's table of commands."""

    names: list[str]
    forms: tuple[str, ...]
    state: str


def table_rows(readme: str) -> list[Row]:
    """The README's table of commands; a line may have several that are alike."""
    section = readme.partition("| command | forms | state | remark |\n")[2].partition("\n\n")[0]
    rows = []
    for line in section.splitlines()[1:]:
        names, forms, state, _ = (cell.strip() for cell in line.strip("|").split("|"))
        found = [name.removeprefix("AT") for name in re.findall(r"`(AT[^`]*)`", names)]
        rows.append(Row(found, tuple(form for form in FORMS if form in forms.split(", ")), state))
    return rows


def table_line(command: Command) -> str:
    """A line of the README's table for a command of the firmware."""
    return f"| `AT{command.name}` | {', '.join(command.forms)} | complete | |"


def documented_settings(page: str) -> dict[str, str]:
    """The names in docs/settings.md with their defaults, as JSON; a line may have several names."""
    settings: dict[str, str] = {}
    for names, defaults in re.findall(r"^\| (`[a-z_`, ]*`) \| ([^|]*) \|", page, re.MULTILINE):
        found = re.findall(r"`([a-z_]+)`", names)
        values = [defaults] if len(found) == 1 else defaults.split(", ")
        settings |= dict(zip(found, values, strict=True))
    return settings


def _test_form(parameters: list[tuple[bool, str]]) -> str:
    form = ""
    for index, (optional, extent) in enumerate(parameters):
        if match := TEXT.fullmatch(extent):
            part = f'"{match[1]}-{match[2]}"'
        elif match := INTEGER.fullmatch(extent):
            part = f"({match[1]}-{match[2]})"
        else:
            part = f"no range: {extent!r}"
        part = "," + part if index else part
        form += f"[{part}]" if optional else part
    return form


def template(command: Command) -> str:
    """A section of the page for a command of the firmware, in which names and words are still missing."""
    lines = [f"### AT{command.name}", "", "...", ""]
    names = []
    rows: list[str] = []
    for match in FIELD.finditer(command.test):
        optional = match[0].startswith("[")
        name = f"<{chr(ord('a') + len(rows))}>"
        names.append(f"[{',' if rows else ''}{name}]" if optional else f"{',' if rows else ''}{name}")
        extent = match[1] or f"{match[2]} bytes"
        rows.append(f"| `{f'[{name}]' if optional else name}` | {extent} | |")
    syntax = {"query": "?", "set": "=" + "".join(names), "execute": ""}
    lines += [f"- {form.title()} `AT{command.name}{syntax[form]}`." for form in command.forms]
    if rows:
        lines += ["", "| parameter | range | |", "| --- | --- | --- |", *rows]
    return "\n".join([*lines, ""])
