"""The simulated Wi-Fi: joining, failing, dropping, as a program on the board sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.board import Board
from sim.network import AccessPoint, Network
from sim.station import Target
from tests.sim.scripts import Script, run, wait_for

JOIN = """
import network, time
w = network.WLAN(network.STA_IF)
w.active(True)
seen = []
def until(*statuses):
    while True:
        s = w.status()
        if not seen or seen[-1] != s:
            seen.append(s)
        if s in statuses:
            return s
        time.sleep_ms(2)
"""


def test_joining_gives_an_address(tmp_path: Path) -> None:
    lines = run(
        tmp_path,
        JOIN
        + """
w.connect("sim-ap", "sim-password")
until(network.STAT_GOT_IP)
print(seen, w.isconnected(), w.config("ssid"), w.config("channel"), w.status("rssi"))
print(w.ifconfig())
print(w.scan())
""",
    )
    assert lines == [
        "[1001, 1010] True sim-ap 6 -50",
        "('192.168.1.23', '255.255.255.0', '192.168.1.1', '192.168.1.1')",
        r"[(b'sim-ap', b'\x02Q\x00\x00\x00\x01', 6, -50, 3, False)]",
    ]


def test_wrong_password_shows_as_on_the_port(tmp_path: Path) -> None:
    lines = run(
        tmp_path,
        JOIN
        + """
w.connect("sim-ap", "wrong-password")
until(network.STAT_WRONG_PASSWORD)
print(seen, w.isconnected())
w.disconnect()
w.config(reconnects=0)
w.connect("sim-ap", "wrong-password")
print(until(15), w.status())
""",
    )
    assert lines == ["[1001, 202] False", "15 15"]


@pytest.mark.parametrize(
    ("ap_password", "arguments", "status"),
    [
        ("sim-password", '"nowhere", "sim-password"', 201),
        ("sim-password", '"sim-ap"', 210),
        ("", '"sim-ap", "sim-password"', 211),
        ("sim-password", '"sim-ap", "sim-password", bssid=b"abcdef"', 201),
    ],
)
def test_what_does_not_fit_is_not_found(tmp_path: Path, ap_password: str, arguments: str, status: int) -> None:
    def prepare(board: Board) -> None:
        board.network.set(password=ap_password)

    text = JOIN + f"w.connect({arguments})\nprint(until({status}), w.isconnected())\n"
    assert run(tmp_path, text, prepare) == [f"{status} False"]


def test_associated_without_an_address_shows_in_rssi_only(tmp_path: Path) -> None:
    text = (
        JOIN
        + """
def rssi():
    try:
        return w.status("rssi")
    except OSError as e:
        return e.args[0]
print(rssi())
w.connect("sim-ap", "sim-password")
while rssi() == "Wifi Not Connected":
    time.sleep_ms(2)
print(rssi(), w.status(), w.isconnected())
until(network.STAT_GOT_IP)
print("address")
"""
    )
    with Script(tmp_path, text, lambda board: board.network.set(dhcp_fails=True)) as script:
        script.wait("-50 1001 False")
        script.board.network.set(dhcp_fails=False)
        script.board.network.kick()
        assert script.finish() == ["Wifi Not Connected", "-50 1001 False", "address"]


def test_the_driver_reconnects_by_itself_after_a_drop(tmp_path: Path) -> None:
    text = (
        JOIN
        + """
w.connect("sim-ap", "sim-password")
until(1010)
print("joined")
print(until(201), w.isconnected(), w.ifconfig()[0])
until(1010)
print(w.isconnected())
"""
    )
    with Script(tmp_path, text) as script:
        script.wait("joined")
        script.board.network.drop()
        script.wait("201 False 0.0.0.0")
        script.board.network.restore()
        assert script.finish() == ["joined", "201 False 0.0.0.0", "True"]


def test_no_reconnect_with_reconnects_0(tmp_path: Path) -> None:
    text = (
        JOIN
        + """
w.config(reconnects=0)
w.connect("sim-ap", "sim-password")
until(1010)
print("joined")
print(until(200))
time.sleep_ms(200)
print(w.status(), w.isconnected())
"""
    )
    with Script(tmp_path, text) as script:
        script.wait("joined")
        script.board.network.kick()
        assert script.finish() == ["joined", "200", "200 False"]


def test_disconnect_is_idle_and_stays_so(tmp_path: Path) -> None:
    lines = run(
        tmp_path,
        JOIN
        + """
w.connect("sim-ap", "sim-password")
until(1010)
w.disconnect()
print(w.status(), w.isconnected(), w.ifconfig()[0])
time.sleep_ms(200)
print(w.status())
w.connect()
print(until(1010))
w.active(False)
print(w.status(), w.active())
""",
    )
    assert lines == ["1000 False 0.0.0.0", "1000", "1010", "1000 False"]


def test_static_addresses_need_no_dhcp(tmp_path: Path) -> None:
    lines = run(
        tmp_path,
        JOIN
        + """
w.ifconfig(("10.0.0.7", 24, "10.0.0.1", "10.0.0.2"))
w.connect("sim-ap", "sim-password")
until(1010)
print(w.ifconfig(), w.ipconfig("dhcp4"))
w.ipconfig(addr4="10.9.8.7/16", gw4="10.9.0.1")
print(w.ifconfig(), network.ipconfig("dns"))
w.ipconfig(dhcp4=True)
print(w.ifconfig()[0], w.ipconfig("dhcp4"))
""",
        lambda board: board.network.set(dhcp_fails=True),
    )
    assert lines == [
        "('10.0.0.7', '255.255.255.0', '10.0.0.1', '10.0.0.2') False",
        "('10.9.8.7', '255.255.0.0', '10.9.0.1', '10.0.0.2') 10.0.0.2",
        "192.168.1.23 True",
    ]


def test_a_reset_forgets_the_station_and_keeps_the_world(tmp_path: Path) -> None:
    network = Network()
    network.set(ssid="elsewhere")
    network.station.set_active(True)
    network.station.connect(Target(b"elsewhere", b"sim-password"))
    network.reset()
    assert not network.station.active
    assert network.station.target == Target()
    assert network.access_points[0].ssid == "elsewhere"


def test_wifi_json_is_read_at_start_and_when_it_changes(tmp_path: Path) -> None:
    (tmp_path / "wifi.json").write_text('{"ssid": "home", "password": "home-password"}')
    text = (
        JOIN
        + """
w.connect("home", "home-password")
until(1010)
print("joined")
until(201)
print("lost")
w.disconnect()
w.connect("other", "")
print(until(1010))
"""
    )
    with Script(tmp_path, text) as script:
        script.wait("joined")
        (tmp_path / "wifi.json").write_text('{"ssid": "other", "password": ""}')
        assert script.finish() == ["joined", "lost", "1010"]
        assert script.board.network.joined == "other"


@pytest.mark.parametrize("content", ["{", '{"sid": "x"}', "[1]", "3"])
def test_a_broken_wifi_json_changes_nothing(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wifi.json").write_text(content)
    network = Network(tmp_path)
    assert network.access_points == [AccessPoint()]
    assert capsys.readouterr().err.startswith(f"{tmp_path / 'wifi.json'}: ")


def test_wifi_json_takes_all_settings(tmp_path: Path) -> None:
    values = {"rssi": -80, "up": False, "dns_delay": 1.5, "hosts": {"a.example": "127.0.0.2"}, "dhcp_delay": 3}
    (tmp_path / "wifi.json").write_text(json.dumps(values))
    network = Network(tmp_path)
    assert network.access_points == [AccessPoint(rssi=-80, up=False)]
    assert (network.dns_delay, network.hosts, network.dhcp_delay) == (1.5, {"a.example": "127.0.0.2"}, 3)


def test_the_strongest_access_point_of_a_name_is_joined() -> None:
    network = Network()
    network.access_points = [
        AccessPoint(rssi=-70, bssid="02:51:00:00:00:01"),
        AccessPoint(rssi=-40, bssid="02:51:00:00:00:02"),
        AccessPoint(rssi=-30, bssid="02:51:00:00:00:03", password="another-password"),
    ]
    assert network.find(Target(b"sim-ap", b"sim-password"), 0) == (network.access_points[1], 0)


def test_time_that_nobody_looked_at_passes() -> None:
    """Retries that nobody saw are not made up for one by one, and what has become true meanwhile is found."""
    network = Network()
    network.set(up=False)
    network.association_delay = network.dhcp_delay = 0
    network.station.set_active(True)
    network.station.connect(Target(b"sim-ap", b"sim-password"))
    network.station.until -= 100000
    wait_for(lambda: network.joined is None and network.station.status() == 201, "failed search")
    network.restore()
    wait_for(lambda: network.joined == "sim-ap", "joined access point")
