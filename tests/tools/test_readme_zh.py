"""README.zh-CN.md has what README.md has."""

from __future__ import annotations

import re

import pytest

from tools.package import ROOT

ENGLISH = (ROOT / "README.md").read_text()
CHINESE = (ROOT / "README.zh-CN.md").read_text()
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def without_blocks(text: str) -> str:
    return BLOCK.sub("", text)


def headings(text: str) -> list[str]:
    """The levels of all headings, in order."""
    return [line.split()[0] for line in without_blocks(text).splitlines() if line.startswith("#")]


def first_cells(text: str) -> list[tuple[int, list[str]]]:
    """For each line of a table: how many cells it has, and what is code in its first one."""
    lines = [line for line in without_blocks(text).splitlines() if line.startswith("|")]
    cells = [line.strip("|").split("|") for line in lines]
    return [(len(line), re.findall(r"`[^`]*`", line[0])) for line in cells]


def links(text: str) -> list[str]:
    """Where all links lead but those to the other language."""
    return sorted(set(re.findall(r"\]\(([^)]*)\)", text)) - {"README.md", "README.zh-CN.md"})


@pytest.mark.parametrize(
    "part", [headings, BLOCK.findall, first_cells, links], ids=["headings", "code", "tables", "links"]
)
def test_both_languages_have_the_same(part: object) -> None:
    assert callable(part)
    assert part(CHINESE) == part(ENGLISH)


def test_the_code_in_sentences_is_the_same() -> None:
    """Commands, files, settings: in each section, in whatever order the languages want them."""
    for english, chinese in zip(ENGLISH.split("\n## "), CHINESE.split("\n## "), strict=True):
        texts = [" ".join(without_blocks(text).split()) for text in (english, chinese)]
        found = [sorted(re.findall(r"`[^`]+`", text)) for text in texts]
        assert found[0] == found[1], english.partition("\n")[0]
