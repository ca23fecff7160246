"""Options of the test run: which board to test, and its surroundings."""

from __future__ import annotations

import pytest

WORKERS = 2


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
    """How many processes ``make test`` spreads the tests over: a simulated board takes more than one core at times, and
    a real one has one port.
    """
    return 0 if config.getoption("--port") else WORKERS


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "simulator(reason): needs the simulated board; skipped with --port")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
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
