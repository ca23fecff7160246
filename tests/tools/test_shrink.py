"""What shrinking changes in sources, what it leaves alone, and that the package still works."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.board import Board
from tests.system.host import OK, READY, Host
from tools import interpreter, package
from tools import shrink as shrink_module
from tools.shrink import API, ShrinkError
from tools.shrink_public import micropython_names

START_SECONDS = 20.0


def shrink(sources: dict[str, str], kept: tuple[str, ...] = (), held: tuple[str, ...] = ()) -> dict[str, str]:
    """The sources, shrunk where MicroPython has only the names ``held``."""
    return shrink_module.shrink(sources, kept, held=held)


def shrunk(text: str, held: tuple[str, ...] = (), **others: str) -> str:
    """The module p.m with ``text``, shrunk along with ``others`` of the package."""
    return shrink({"p/m.py": text} | {f"p/{name}.py": other for name, other in others.items()}, held=held)["p/m.py"]


LIMITS = """\
from micropython import const

MOST = const(1 << 8)
LEAST = const(-MOST + 1)


def check(number):
    return LEAST <= number <= MOST
"""


def test_constants_become_private_and_their_imports_definitions() -> None:
    user = """\
import time
from p.limits import LEAST, MOST, check

print(check(MOST), LEAST)
"""
    modules = shrink({"p/limits.py": LIMITS, "p/m.py": user})
    assert (
        modules["p/limits.py"]
        == """\
pass

_MOST = const(1 << 8)
_LEAST = const(-_MOST + 1)


def check(_a):
    return _LEAST <= _a <= _MOST
"""
    )
    assert (
        modules["p/m.py"]
        == """\
import time
from p.limits import check; _LEAST = const(-255); _MOST = const(256)

print(check(_MOST), _LEAST)
"""
    )


def test_an_import_over_several_lines_keeps_the_lines() -> None:
    user = """\
from p.limits import (
    MOST,  # bytes
    check,
)
from p.limits import LEAST

x = check(MOST + LEAST)
"""
    text = shrunk(user, limits=LIMITS)
    assert (
        text
        == """\
from p.limits import check; _MOST = const(256)\\
\\
\\

_LEAST = const(-255)

x = check(_MOST + _LEAST)
"""
    )
    ast.parse(text)


@pytest.mark.parametrize(
    "use",
    [
        "from p import limits\nprint(limits.MOST)\n",
        "import p.limits\nprint(getattr(p.limits, 'MOST'))\n",
        "from p.limits import *\n",
        "from .limits import MOST\n",
        "from p.limits import MOST as most\n",
        "def late():\n    from p.limits import MOST\n    return MOST\n",
        "from p.limits import MOST\nprint(f'{MOST}')\n",
        "from p.limits import MOST\nMOST = MOST + 1\n",
    ],
)
def test_constants_that_are_used_otherwise_stay(use: str) -> None:
    modules = shrink({"p/limits.py": LIMITS, "p/m.py": use, "p/n.py": "from p.limits import MOST\nprint(MOST)\n"})
    assert "\nMOST = const(1 << 8)\n" in modules["p/limits.py"]
    assert modules["p/m.py"] == use
    assert modules["p/n.py"] == "_MOST = const(256)\nprint(_MOST)\n"


def test_constants_for_own_commands_stay() -> None:
    text = "from micropython import const\nONE = const(1)\nTWO = const(2)\n"
    assert shrink({"p/m.py": text}, ("p.m.TWO",))["p/m.py"] == "pass\n_ONE = const(1)\nTWO = const(2)\n"


@pytest.mark.parametrize(
    "text",
    [
        "from micropython import const\n\nBOTH = const((1, 2))\n",
        "from micropython import const\n\n\ndef work():\n    _here = const(1)\n    return _here\n",
        "from micropython import const\n\nprint(const)\n",
    ],
)
def test_const_stays_imported_for_what_the_parser_may_leave(text: str) -> None:
    assert shrunk(text) == text


def test_const_leaves_its_import() -> None:
    text = "from micropython import const, native\n_A = const(1)\n"
    assert shrunk(text) == "from micropython import native\n_A = const(1)\n"


def test_private_attributes_and_variables() -> None:
    text = """\
_table = {"_word": 1}  # _table


class Counter:
    _limit = 5

    def __init__(self):
        self._count = self.total = 0

    def up(self):
        if self._count < self._limit:
            self._count += _table["_word"]
        return "self._count", b"_table"
"""
    # The string "self._count" might be for getattr.
    assert (
        shrunk(text)
        == """\
_b = {"_word": 1}  # _table


class Counter:
    _a = 5

    def __init__(self):
        self._count = self.total = 0

    def up(self):
        if self._count < self._a:
            self._count += _b["_word"]
        return "self._count", b"_table"
"""
    )


def test_the_same_names_in_each_module_and_the_most_used_first() -> None:
    one = "class One:\n    def __init__(self):\n        self._rare = 0\n        self._often = self._often = 0\n"
    two = "class Two:\n    def __init__(self):\n        self._other = 0\n"
    modules = shrink({"p/one.py": one, "p/two.py": two})
    assert modules["p/one.py"] == one.replace("_rare", "_b").replace("_often", "_a")
    assert modules["p/two.py"] == two.replace("_other", "_a")


def test_short_names_that_are_taken_are_left_out() -> None:
    text = "_b = 1\n\n\ndef total():\n    return x._a + _long + _b\n\n\n_long = 2\n"
    assert shrunk(text) == text.replace("_b", "_c").replace("_long", "_d")


@pytest.mark.parametrize(
    "use",
    [
        "def look(other):\n    return other._state\n",
        "class Other:\n    def look(self):\n        return self._state\n",
        "def look(other):\n    return getattr(other, '_state')\n",
        "def outer():\n    def _state():\n        return None\n",
        "from x import _state\n",
        "import p._state\n",
        "call(_state=1)\n",
        "def set():\n    global _state\n",
        "print(f'{_state}')\n",
    ],
)
def test_private_names_that_others_may_mean_stay_in_the_whole_package(use: str) -> None:
    text = "class Holder:\n    def __init__(self):\n        self._state = 1\n"
    assert shrunk(text, other=use) == text


def test_private_functions_and_methods() -> None:
    text = """\
class Till:
    def _take(self):
        return _count(self)

    async def take(self):
        @_count
        def _inner():
            return self._take()

        return await _inner()


def _count(till):
    return till
"""
    short = text.replace("_take", "_b").replace("_count", "_a")
    assert shrunk(text) == short.replace("(till)", "(_c)").replace("return till", "return _c")


def test_parameters() -> None:
    text = """\
def scale(value, factor, unit=1):
    def inner(step):
        return value * step

    return [inner(index) * factor for index in range(unit)]


def _scale(value, limit=2):
    return scale(value, limit)


class Scale:
    def __init__(self, value, name="x"):
        self.value = value

    def by(self, other):
        return self.value * other
"""
    assert (
        shrunk(text)
        == """\
def scale(_a, _b, unit=1):
    def inner(_c):
        return _a * _c

    return [inner(index) * _b for index in range(unit)]


def _d(_a, _b=2):
    return scale(_a, _b)


class Scale:
    def __init__(self, _a, name="x"):
        self.value = _a

    def by(self, _a):
        return self.value * _a
"""
    )


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("def work(size):\n    return size\n", "from p.m import work\nwork(size=1)\n"),
        ("def work(size):\n    return size\n", "from p.m import work\nwork(**{'size': 1})\n"),
        ("def work(size):\n    return size\n\n\nsize = 3\n", ""),
        ("def work(set):\n    return set\n\n\nwork(set)\n", ""),
        ("class Work:\n    size = 1\n\n    def work(self, size):\n        return size\n", ""),
        ("from x import *\n\n\ndef work(size):\n    return size\n", ""),
        ("from x import size\n\n\ndef work(size):\n    return size\n", ""),
    ],
)
def test_parameters_whose_names_mean_something_stay(text: str, other: str) -> None:
    assert shrunk(text, other=other) == text


def test_characters_of_several_bytes() -> None:
    text = 'def put(word):\n    return "é", word, "日本", word.size\n'
    assert shrunk(text) == text.replace("word", "_a")


@pytest.mark.parametrize("middle", ["", "from p.base import Base\n\n\nclass Middle(Base):\n    pass\n"])
def test_private_attributes_of_a_base_in_another_module_are_refused(middle: str) -> None:
    base = "class Base:\n    def __init__(self):\n        self._one = 1\n"
    name = "Middle" if middle else "Base"
    leaf = f"import p\n\n\nclass Leaf(p.x.{name}):\n    def keep(self):\n        self._two = 2\n"
    with pytest.raises(ShrinkError, match=r"^p/m\.py: class Leaf and its bases .*: p/base\.py, p/m\.py$"):
        shrunk(leaf, base=base, middle=middle)


HELD = ("append", "acos", "asin", "atan", "ceil", "cos", "erf")


def test_public_names_become_ones_that_micropython_has() -> None:
    one = """\
import time


class Clock:
    zone = 0

    def __init__(self, place):
        self.shift_by = place

    def now(self):
        return time.time() + self.shift_by + self.zone


def clock_of(place):
    return Clock(place.shift_by)
"""
    two = "from p.one import Clock, clock_of\n\n\ndef show(place):\n    print(clock_of(place).now(), Clock)\n"
    modules = shrink({"p/one.py": one, "p/two.py": two}, held=HELD)
    names = {"Clock": "acos", "clock_of": "asin", "now": "atan", "shift_by": "ceil", "show": "cos", "zone": "erf"}
    for text, path in ((one, "p/one.py"), (two, "p/two.py")):
        for name, new in names.items():
            text = re.sub(rf"\b{name}\b", new, text)
        assert modules[path] == text.replace("place", "append")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("def sleep_ms():\n    pass\n", id="MicroPython's own"),
        pytest.param("def command():\n    pass\n", id="for own commands"),
        pytest.param("def later():\n    pass\n\n\nprint(getattr(x, 'later'))\n", id="in a string"),
        pytest.param("def later():\n    pass\n\n\ncall(later=1)\n", id="passed by name"),
        pytest.param("def p():\n    pass\n", id="a module's"),
        pytest.param("from x import y as later\n\n\nclass later:\n    pass\n", id="imported as another"),
        pytest.param("import x\n\nx.later()\n", id="not of the package"),
        pytest.param("class Late(OSError):\n    pass\n", id="an exception's, which the log tells"),
    ],
)
def test_public_names_that_others_may_mean_stay(text: str) -> None:
    assert shrunk(text, held=HELD) == text


def test_names_that_are_looked_up_by_micropython_are_not_given() -> None:
    text = "class Look:\n    def take(self):\n        return self.later\n\n    later = 1\n"
    held = ("readinto", "ioctl", "len", "pass", "acos", "asin", "value", "atan")
    names = {"Look": "acos", "later": "asin", "take": "atan"}
    assert shrunk(text, held=held) == re.sub(r"Look|take|later", lambda found: names[str(found[0])], text)


def python_in(path: Path) -> Iterator[ast.AST]:
    """The syntax of a script, or of the examples in a document."""
    text = path.read_text()
    parts = re.findall(r"```python\n(.*?)```", text, re.DOTALL) if path.suffix == ".md" else [text]
    for part in parts:
        yield from ast.walk(ast.parse(part))


def test_what_is_used_from_outside_keeps_its_name() -> None:
    """By the documents' own commands, and by the tests and benchmarks that run on a board."""
    root = package.ROOT
    users = [root / "docs/own-commands.md", *root.glob("tests/device/*.py"), *root.glob("bench/device/*.py")]
    found: set[str] = set()
    for node in (node for path in users for node in python_in(path)):
        match node:
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] == "firmware":
                found.update(alias.name for alias in node.names)
            case ast.Attribute(value=ast.Name(id="at" | "port" | "assembly") | ast.Attribute(attr="at" | "port")):
                found.add(node.attr)
    modules = {path.stem for path in (root / "firmware").glob("*.py")}
    assert {"command", "AtError", "assemble", "info"} <= found
    assert found - modules - micropython_names()[1] <= API


def test_the_rom_names_are_distinct_identifiers() -> None:
    held, known = micropython_names()
    assert len(set(held)) == len(held) > 500
    assert all(name.isidentifier() for name in known)


def test_a_mistake_is_named() -> None:
    with pytest.raises(ShrinkError, match=r"^p/m\.py: SyntaxError: .*, line 2$"):
        shrunk("x = 1\ndef (:\n")


def read_package() -> dict[str, str]:
    root = package.ROOT
    return {path.relative_to(root).as_posix(): path.read_text() for path in (root / package.PACKAGE).rglob("*.py")}


def test_the_order_of_the_sources_does_not_matter() -> None:
    sources = read_package()
    assert shrink(sources) == shrink(dict(reversed(sources.items())))


def test_the_package_keeps_its_lines_functions_and_classes() -> None:
    def outline(text: str) -> list[tuple[str, int]]:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
        return [(node.name if node.name in API else "", node.lineno) for node in nodes]

    sources = read_package()
    modules = shrink_module.shrink(sources)
    assert {name: outline(text) for name, text in modules.items()} == {
        name: outline(text) for name, text in sources.items()
    }
    assert all(modules[name] != text for name, text in sources.items() if "self._" in text)


@pytest.mark.parametrize("bits", [32, 64])
def test_the_package_is_imported_and_answers(tmp_path: Path, bits: int) -> None:
    for name, text in shrink_module.shrink(read_package()).items():
        path = (tmp_path / "compiled" / name).with_suffix(".mpy")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(package.compile_module(name, text))
    modules = [name.removesuffix(".py").replace("/", ".") for name in read_package() if "__init__" not in name]
    script = tmp_path / "compiled" / "main.py"
    script.write_text("".join(f"import {name}\n" for name in modules) + "print('all')\nfirmware.app.main()\n")
    # All at once are more than a board ever holds.
    with Board(tmp_path / "board", script=script.parent, interpreter=interpreter.find(bits), heap=1 << 20) as board:
        assert board.wait_for_console(b"all\n", START_SECONDS), board.console.decode()
        host = Host(board.port)
        host.expect(READY, START_SECONDS)
        host.command(b"AT", b"AT\r\n", OK)
        host.close()


def test_the_interpreter_folds_the_constants(tmp_path: Path) -> None:
    files = {
        "p/__init__.py": "",
        "p/limits.py": LIMITS,
        "p/m.py": "from p.limits import MOST, check\nx = check(MOST)\n",
    }
    for name, text in shrink(files).items():
        path = (tmp_path / name).with_suffix(".mpy")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(package.compile_module(name, text))
    code = "import p.m; print(p.m.x, sorted(n for n in dir(p.m) + dir(p.limits) if n[:2] != '__'))"
    done = subprocess.run([interpreter.find(32), "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "True ['check', 'check', 'x']\n"
