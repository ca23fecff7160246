"""Options of the test run: which board to test, and its surroundings."""

from __future__ import annotations

import faulthandler
import os
import threading
from collections.abc import Generator

import pytest

WORKERS = 3
# What a test has after its timeout, which ends it by an exception, to put away what it has made.
ENDING_SECONDS = 60.0

_errors = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("board", "the board under test")
    group.addoption(
        "--port", metavar="URL", help="a real board's AT port (any pyserial URL) instead of simulated boards"
    )
    group.addoption("--ssid", default="sim-ap", help="access point that the board can join (default: %(default)s)")
    group.addoption("--password", default="sim-password", help="its password (default: %(default)s)")
    group.addoption(
        "--http-host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="where the board reaches this machine (default: %(default)s)",
    )


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes ``make test`` spreads the tests over, two cores given: tests wait more than they work. A real
    board has one port.
    """
    return 0 if config.getoption("--port") else WORKERS


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "simulator(reason): needs the simulated board; skipped with --port")
    # Before a test's output is captured.
    config.stash[_errors] = os.dup(2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test that hangs even after its timeout, in what ends it, ends its process: xdist says so and goes on."""
    seconds = _limit(item) + ENDING_SECONDS
    watchdog = threading.Timer(seconds, _give_up, (item.nodeid, item.config.stash[_errors]))
    watchdog.daemon = True
    watchdog.start()
    try:
        return (yield)
    finally:
        watchdog.cancel()


def _limit(item: pytest.Item) -> float:
    """The test's timeout in seconds."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0] if marker else item.config.getini("timeout"))


def _give_up(name: str, errors: int) -> None:
    """Tell what every thread was doing, and end."""
    os.write(errors, f"\n{name} hangs:\n".encode())
    faulthandler.dump_traceback(errors)
    os._exit(1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    longest: dict[object, float] = {}
    for item in items:
        longest[item.path] = max(longest.get(item.path, 0.0), _limit(item))
    # The files with tests that may take long: were they last, one process would work on while the others have ended.
    items.sort(key=lambda item: -longest[item.path])
    if not config.getoption("--port"):
        return
    for item in items:
        marker = item.get_closest_marker("simulator")
        if marker is not None:
            reason = marker.args[0]
        elif "board" in getattr(item, "fixturenames", ()):
            reason = "controls or looks into the simulated board"
        else:
            continue
        item.add_marker(pytest.mark.skip(reason=f"needs the simulator: {reason}"))
