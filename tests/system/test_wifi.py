"""AT+CWMODE, AT+CWJAP, AT+CWQAP, AT+CWSTATE and the reports of the connection (ESP-AT user guide, Wi-Fi commands)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sim.board import Board
from sim.network import AccessPoint
from tests.sim.scripts import wait_for
from tests.system.host import ERROR, OK, READY, Host, error

CONFIG = {"wifi_poll_ms": 20, "wifi_join_ms": 600}

JOINED = b"WIFI CONNECTED\r\nWIFI GOT IP\r\n"
LEFT = b"WIFI DISCONNECT\r\n"
NO_AP = b"No AP\r\n" + OK
TIMED_OUT, WRONG_PASSWORD, NOT_FOUND = (b"+CWJAP:%d\r\n" % number for number in (1, 2, 3))
JOIN_PATIENCE = 20.0

NOT_THERE = 0x010A0001
NOT_POSSIBLE = 0x010A000A
NO_NETWORK = 0x010A0006
TIMEOUT = 0x010A0009


@pytest.fixture
def station(host: Host) -> Iterator[Host]:
    """A module in station mode that is not on a network."""
    host.command(b"AT+CWMODE=1,0")
    yield host
    if host.answer(b"AT+CWSTATE?")[9:10] in b"12":
        host.command(b"AT+CWQAP", OK, LEFT)


@pytest.fixture
def world(board: Board) -> Iterator[Board]:
    """The simulated board; its network is as before after the test."""
    yield board
    board.network.access_points = [AccessPoint()]
    board.network.set(association_delay=0.02, dhcp_delay=0.02, dhcp_fails=False)


def join(ssid: bytes, password: bytes = b"") -> bytes:
    """The command line that joins."""
    return b'AT+CWJAP="%s","%s"' % (ssid, password)


def state(host: Host, number: int, ssid: bytes) -> None:
    host.command(b"AT+CWSTATE?", b'+CWSTATE:%d,"%s"\r\n' % (number, ssid), OK)


# AT+CWMODE.


def test_modes(host: Host) -> None:
    for mode in (1, 2, 3, 0, 1):
        host.command(b"AT+CWMODE=%d" % mode)
        host.command(b"AT+CWMODE?", b"+CWMODE:%d\r\n" % mode, OK)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (b"4", 0x01070000),
        (b"-1", 0x01070000),
        (b"x", 0x01080000),
        (b"", 0x01080000),
        (b'"1"', 0x01050000),
        (b"1,2", 0x01070001),
        (b"1,0,0", 0x01060203),
    ],
)
def test_modes_that_there_are_not(station: Host, parameters: bytes, code: int) -> None:
    station.command(b"AT+SYSLOG=1")
    station.command(b"AT+CWMODE=" + parameters, error(code))
    station.command(b"AT+CWMODE?", b"+CWMODE:1\r\n", OK)


@pytest.mark.parametrize("mode", [0, 2])
def test_joining_needs_the_station(station: Host, ssid: bytes, password: bytes, mode: int) -> None:
    station.command(b"AT+CWMODE=%d" % mode)
    station.command(b"AT+SYSLOG=1")
    station.command(join(ssid, password), error(NOT_THERE))
    station.command(b"AT+CWJAP?", NO_AP)
    station.command(b"AT+CWMODE=1,0")


def test_leaving_the_station_mode_leaves_the_network(station: Host, ssid: bytes, password: bytes) -> None:
    station.command(join(ssid, password), JOINED, OK, patience=JOIN_PATIENCE)
    station.command(b"AT+CWMODE=0", OK, LEFT)
    station.command(b"AT+CWJAP?", NO_AP)
    station.command(b"AT+CWMODE=1,1", OK, JOINED, patience=JOIN_PATIENCE)


# AT+CWJAP.


def test_join_and_leave(station: Host, ssid: bytes, password: bytes) -> None:
    station.command(join(ssid, password), JOINED, OK, patience=JOIN_PATIENCE)
    state(station, 2, ssid)
    station.command(b"AT+CWQAP", OK, LEFT)
    state(station, 4, ssid)
    station.command(b"AT+CWJAP?", NO_AP)
    station.command(b"AT+CWQAP")


def test_query_while_joined(station: Host, board: Board) -> None:
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)
    station.command(b"AT+CWJAP?", b'+CWJAP:"sim-ap","00:00:00:00:00:00",6,-50,0,1,3,0,1\r\n', OK)
    station.command(b"AT+CWQAP", OK, LEFT)
    station.command(b'AT+CWJAP="sim-ap","sim-password","02:51:00:00:00:01"', JOINED, OK)
    station.command(b"AT+CWJAP?", b'+CWJAP:"sim-ap","02:51:00:00:00:01",6,-50,0,1,3,0,1\r\n', OK)


def test_the_execute_form_joins_the_last_one_again(station: Host, ssid: bytes, password: bytes) -> None:
    station.command(join(ssid, password), JOINED, OK, patience=JOIN_PATIENCE)
    station.command(b"AT+CWQAP", OK, LEFT)
    station.command(b"AT+CWJAP", JOINED, OK, patience=JOIN_PATIENCE)


def test_joining_again_leaves_first(station: Host, ssid: bytes, password: bytes) -> None:
    station.command(join(ssid, password), JOINED, OK, patience=JOIN_PATIENCE)
    station.command(join(ssid, password), LEFT, JOINED, OK, patience=JOIN_PATIENCE)


def test_another_access_point(station: Host, world: Board) -> None:
    world.network.access_points.append(AccessPoint("other", "other-password", "02:51:00:00:00:02", channel=11))
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)
    station.command(join(b"other", b"other-password"), LEFT, JOINED, OK)
    station.command(b"AT+CWJAP?", b'+CWJAP:"other","00:00:00:00:00:00",11,-50,0,1,3,0,1\r\n', OK)


def test_an_open_access_point(station: Host, world: Board) -> None:
    world.network.access_points = [AccessPoint("open", "")]
    station.command(b'AT+CWJAP="open",""', JOINED, OK)
    station.command(b"AT+CWQAP", OK, LEFT)
    station.command(b'AT+CWJAP="open"', JOINED, OK)


def test_the_query_tells_the_further_fields(station: Host, board: Board) -> None:
    station.command(b'AT+CWJAP="sim-ap","sim-password",,2,60,10,1,20,0', JOINED, OK)
    station.command(b"AT+CWJAP?", b'+CWJAP:"sim-ap","00:00:00:00:00:00",6,-50,0,60,10,1,0\r\n', OK)
    station.command(b"AT+CWQAP", OK, LEFT)
    station.command(b"AT+CWJAP", JOINED, OK)
    station.command(b"AT+CWJAP?", b'+CWJAP:"sim-ap","00:00:00:00:00:00",6,-50,0,60,10,1,0\r\n', OK)


def test_an_access_point_below_the_wanted_security_is_not_joined(station: Host, world: Board) -> None:
    station.command(b'AT+CWJAP="sim-ap","sim-password",,4', NOT_FOUND, ERROR)
    world.network.access_points[0].security = 7
    station.command(b'AT+CWJAP="sim-ap","sim-password",,4', JOINED, OK)


def test_the_all_channel_scan_joins_the_strongest(station: Host, world: Board) -> None:
    near = AccessPoint(rssi=-40, bssid="02:51:00:00:00:02", channel=1)
    far = AccessPoint(rssi=-70, bssid="02:51:00:00:00:03", channel=11)
    world.network.access_points = [far, near]
    station.command(b'AT+CWJAP="sim-ap","sim-password",,,,,1', JOINED, OK)
    assert world.network.station.joined == near
    # It is not held to that one.
    near.up = False
    world.network.kick()
    station.expect(LEFT + JOINED)
    assert world.network.station.joined == far


@pytest.mark.parametrize(
    ("ssid", "typed"),
    [
        (b"a,b", rb"a\,b"),
        (b"a,b", b"a,b"),
        (b'say "hi"', rb"say \"hi\""),
        (b"back\\slash", rb"back\\slash"),
        (b" spaces ", b" spaces "),
        (b"plain", rb"\p\l\a\i\n"),
        ("Zürich €".encode(), "Zürich €".encode()),
        (b"x" * 32, b"x" * 32),
    ],
)
def test_names_with_special_characters(station: Host, world: Board, ssid: bytes, typed: bytes) -> None:
    world.network.access_points = [AccessPoint(ssid.decode(), 'pass,"\\word')]
    station.command(join(typed, rb"pass\,\"\\word"), JOINED, OK)
    assert world.network.joined == ssid.decode()


def test_wrong_password(station: Host, ssid: bytes, password: bytes) -> None:
    station.command(b"AT+SYSLOG=1")
    station.command(join(ssid, b"not-this-one"), WRONG_PASSWORD, error(NO_NETWORK), patience=JOIN_PATIENCE)
    state(station, 4, ssid)
    station.command(join(ssid, password), JOINED, OK, patience=JOIN_PATIENCE)


def test_no_such_access_point(station: Host, ssid: bytes, password: bytes) -> None:
    station.command(b"AT+SYSLOG=1")
    station.command(join(b"nowhere", password), NOT_FOUND, error(NO_NETWORK), patience=JOIN_PATIENCE)
    station.command(join(ssid, password), JOINED, OK, patience=JOIN_PATIENCE)


def test_no_access_point_of_that_address(station: Host, board: Board) -> None:
    station.command(b'AT+CWJAP="sim-ap","sim-password","02:51:00:00:00:99"', NOT_FOUND, ERROR)
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)


def test_the_same_failure_twice(station: Host, password: bytes) -> None:
    # The driver still shows the first failure for the second attempt, so that one takes its time.
    for _ in range(2):
        station.command(b'AT+CWJAP="nowhere","%s",,,,,,10' % password, NOT_FOUND, ERROR, patience=JOIN_PATIENCE)


def test_each_failure_after_another_one(station: Host, board: Board) -> None:
    for _ in range(3):
        station.command(join(b"sim-ap", b"not-this-one"), WRONG_PASSWORD, ERROR)
        station.command(join(b"nowhere"), NOT_FOUND, ERROR)
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)


def test_timeout_without_an_address(station: Host, world: Board) -> None:
    world.network.set(dhcp_fails=True)
    station.command(join(b"sim-ap", b"sim-password"), b"WIFI CONNECTED\r\n", TIMED_OUT, ERROR, LEFT)
    station.command(b"AT+SYSLOG=1")
    station.command(join(b"sim-ap", b"sim-password"), b"WIFI CONNECTED\r\n", TIMED_OUT, error(TIMEOUT), LEFT)
    world.network.set(dhcp_fails=False)
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)


def test_timeout_without_an_answer(station: Host, world: Board) -> None:
    world.network.set(association_delay=30)
    station.command(join(b"sim-ap", b"sim-password"), TIMED_OUT, ERROR)
    world.network.set(association_delay=0.02)
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)


def test_the_timeout_that_the_host_gives(station: Host, world: Board) -> None:
    # Longer than the configured one.
    world.network.set(dhcp_delay=1.0)
    station.command(b'AT+CWJAP="sim-ap","sim-password",,,,,,3', JOINED, OK)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (b'""', 0x01040000),
        (b'"' + b"x" * 33 + b'"', 0x01040000),
        (b"1", 0x01050000),
        (b"name", 0x01080000),
        (b'"name', 0x01080000),
        (b'name"', 0x01080000),
        (b'"na"me"', 0x01080000),
        (b'"name\\"', 0x01080000),
        (b'"n","' + b"x" * 65 + b'"', 0x01040001),
        (b'"n",12345678', 0x01050001),
        (b'"n","","02:51:00:00:00"', 0x01040002),
        (b'"n","","02-51-00-00-00-01"', 0x01070002),
        (b'"n","","02:51:00:00:00:0x"', 0x01070002),
        (b'"n","",,17', 0x01070003),
        (b'"n","",,,7201', 0x01070004),
        (b'"n","",,,,101', 0x01070005),
        (b'"n","",,,,,2', 0x01070006),
        (b'"n","",,,,,,2', 0x01070007),
        (b'"n","",,,,,,601', 0x01070007),
        (b'"n","",,,,,,,4', 0x01070008),
        (b'"n","",,,,,,,2', NOT_POSSIBLE),
        (b'"n","",,,,,,,,0', 0x0106090A),
    ],
)
def test_parameters_of_a_join(station: Host, parameters: bytes, code: int) -> None:
    station.command(b"AT+SYSLOG=1")
    station.command(b"AT+CWJAP=" + parameters, error(code))
    station.command(b"AT+CWJAP?", NO_AP)


def test_busy_while_joining(station: Host, world: Board) -> None:
    world.network.set(dhcp_delay=0.4)
    station.send(join(b"sim-ap", b"sim-password"))
    station.expect(b"WIFI CONNECTED\r\n")
    station.send(b"AT+CWSTATE?")
    station.expect(b"\r\nbusy p...\r\n" + b"WIFI GOT IP\r\n" + OK)


# Reports.


def test_drop_and_reconnect(station: Host, world: Board) -> None:
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)
    world.network.drop()
    station.expect(LEFT)
    state(station, 3, b"sim-ap")
    station.command(b"AT+CWJAP?", NO_AP)
    world.network.restore()
    station.expect(JOINED)
    state(station, 2, b"sim-ap")


def test_reconnection_with_slow_addresses(station: Host, world: Board) -> None:
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)
    world.network.set(dhcp_delay=0.5)
    world.network.kick()
    station.expect(LEFT + b"WIFI CONNECTED\r\n")
    state(station, 1, b"sim-ap")
    station.expect(b"WIFI GOT IP\r\n")
    state(station, 2, b"sim-ap")


def test_nothing_comes_back_after_cwqap(station: Host, world: Board) -> None:
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)
    world.network.drop()
    station.expect(LEFT)
    station.command(b"AT+CWQAP")
    world.network.restore()
    station.expect_nothing(0.2)
    state(station, 4, b"sim-ap")


# AT+CWRECONNCFG, AT+CWAUTOCONN, AT+CWINIT.


def retry(host: Host, interval: int, most: int) -> None:
    host.command(b"AT+CWRECONNCFG?", b"+CWRECONNCFG:%d,%d\r\n" % (interval, most), OK)


def test_the_reconnection_is_told(station: Host, board: Board) -> None:
    station.command(b"AT+CWRECONNCFG=3,100")
    retry(station, 3, 100)
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)
    retry(station, 1, 100)
    station.command(b'AT+CWJAP="sim-ap","sim-password",,,7200', LEFT, JOINED, OK)
    retry(station, 7200, 100)
    station.command(b"AT+CWRECONNCFG=0,0")
    retry(station, 0, 0)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [(b"7201,0", 0x01070000), (b"1,1001", 0x01070001), (b"1", 0x01060201), (b"1,1,2", 0x01070002)],
)
def test_reconnections_that_there_are_not(station: Host, parameters: bytes, code: int) -> None:
    station.command(b"AT+CWRECONNCFG=5,5")
    station.command(b"AT+SYSLOG=1")
    station.command(b"AT+CWRECONNCFG=" + parameters, error(code))
    retry(station, 5, 5)


def test_no_reconnection_with_interval_0(station: Host, world: Board) -> None:
    station.command(b'AT+CWJAP="sim-ap","sim-password",,,0', JOINED, OK)
    world.network.kick()
    station.expect(LEFT)
    station.expect_nothing(0.5)
    state(station, 4, b"sim-ap")
    # The host may want it at once, or for the future.
    station.command(b"AT+CWRECONNCFG=0,0,1", OK, JOINED)
    world.network.kick()
    station.expect(LEFT)
    station.command(b"AT+CWRECONNCFG=1,0", OK, JOINED)


def test_as_many_attempts_as_wanted(station: Host, world: Board) -> None:
    station.command(b'AT+CWJAP="sim-ap","sim-password"', JOINED, OK)
    station.command(b"AT+CWRECONNCFG=1,2")
    world.network.drop()
    station.expect(LEFT)
    state(station, 3, b"sim-ap")
    wait_for(lambda: station.answer(b"AT+CWSTATE?") == b'+CWSTATE:4,"sim-ap"\r\n' + OK, "last attempt")
    wait_for(lambda: world.network.station.phase == "idle", "end of the last attempt")
    world.network.restore()
    station.expect_nothing(1.2)
    # A connection that was there has all its attempts again.
    station.command(b"AT+CWJAP", JOINED, OK)
    world.network.kick()
    station.expect(LEFT + JOINED)


def test_reconnecting_now_leaves_a_connection_alone(station: Host, board: Board) -> None:
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)
    station.command(b"AT+CWRECONNCFG=1,0,1")
    state(station, 2, b"sim-ap")


def test_no_connection_at_power_on_if_not_wanted(station: Host, board: Board) -> None:
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)
    station.command(b"AT+CWAUTOCONN?", b"+CWAUTOCONN:1\r\n", OK)
    # Stored always.
    station.command(b"AT+SYSSTORE=0")
    station.command(b"AT+CWAUTOCONN=0")
    station.command(b"AT+RST", OK, READY)
    station.command(b"ATE0", b"ATE0\r\n", OK)
    station.command(b"AT+CWAUTOCONN?", b"+CWAUTOCONN:0\r\n", OK)
    state(station, 0, b"")
    station.expect_nothing(0.2)
    station.command(b"AT+CWMODE=0")
    station.command(b"AT+CWMODE=1", OK, JOINED)
    station.command(b"AT+CWAUTOCONN=1")
    station.command(b"AT+RST", OK, READY, JOINED)
    station.command(b"ATE0", b"ATE0\r\n", OK)


def test_switching_all_wifi_off(station: Host, board: Board) -> None:
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)
    station.command(b"AT+CWINIT?", b"+CWINIT:1\r\n", OK)
    station.command(b"AT+CWINIT=1")
    station.command(b"AT+CWINIT=0", OK, LEFT)
    station.command(b"AT+CWINIT?", b"+CWINIT:0\r\n", OK)
    station.command(b"AT+CWMODE?", b"+CWMODE:0\r\n", OK)
    station.command(b"AT+SYSLOG=1")
    for line in (b"AT+CWMODE=1", b"AT+CWLAP", join(b"sim-ap", b"sim-password")):
        station.command(line, error(NOT_THERE))
    assert not board.network.station.active
    station.command(b"AT+CWINIT=1", OK, JOINED)
    station.command(b"AT+CWMODE?", b"+CWMODE:1\r\n", OK)


def test_wifi_is_on_again_after_a_restart(station: Host, board: Board) -> None:
    station.command(b"AT+CWINIT=0")
    station.command(b"AT+CWAUTOCONN=0")
    station.command(b"AT+RST", OK, READY)
    station.command(b"ATE0", b"ATE0\r\n", OK)
    station.command(b"AT+CWINIT?", b"+CWINIT:1\r\n", OK)
    station.command(b"AT+CWMODE?", b"+CWMODE:1\r\n", OK)
    station.command(b"AT+CWAUTOCONN=1")


# What is stored.


def test_what_is_not_stored_is_gone_after_a_restart(station: Host, board: Board) -> None:
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)
    station.command(b"AT+SYSSTORE=0")
    station.command(b"AT+CWMODE=3")
    station.command(b'AT+CWJAP="nowhere"', LEFT, NOT_FOUND, ERROR)
    station.command(b'AT+CWJAP="sim-ap","sim-password",,,17', JOINED, OK)
    station.command(b"AT+CWMODE?", b"+CWMODE:3\r\n", OK)
    retry(station, 17, 0)
    station.command(b"AT+RST", OK, READY, JOINED)
    station.command(b"ATE0", b"ATE0\r\n", OK)
    station.command(b"AT+CWMODE?", b"+CWMODE:1\r\n", OK)
    retry(station, 1, 0)


def test_what_is_stored_again_outlives_what_was_not(station: Host, board: Board) -> None:
    station.command(b"AT+SYSSTORE=0")
    station.command(b"AT+CWRECONNCFG=2,2")
    station.command(b"AT+SYSSTORE=1")
    station.command(b"AT+CWRECONNCFG=3,3")
    retry(station, 3, 3)
    station.command(b"AT+CWAUTOCONN=0")
    station.command(b"AT+RST", OK, READY)
    station.command(b"ATE0", b"ATE0\r\n", OK)
    retry(station, 3, 3)
    station.command(b"AT+CWAUTOCONN=1")


def test_join_by_itself_after_a_restart(station: Host, ssid: bytes, password: bytes) -> None:
    station.command(join(ssid, password), JOINED, OK, patience=JOIN_PATIENCE)
    station.command(b"AT+RST", OK, READY, JOINED, patience=JOIN_PATIENCE)
    station.command(b"ATE0", b"ATE0\r\n", OK)
    station.command(b"AT+CWMODE?", b"+CWMODE:1\r\n", OK)
    state(station, 2, ssid)


def test_a_join_that_failed_is_not_stored(station: Host, board: Board) -> None:
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)
    station.command(join(b"nowhere"), LEFT, NOT_FOUND, ERROR)
    station.command(b"AT+RST", OK, READY, JOINED)
    station.command(b"ATE0", b"ATE0\r\n", OK)
    state(station, 2, b"sim-ap")


def test_after_a_power_cut(station: Host, board: Board) -> None:
    station.command(join(b"sim-ap", b"sim-password"), JOINED, OK)
    board.power_cut()
    board.power_on()
    station.expect(READY + JOINED)
    station.command(b"ATE0", b"ATE0\r\n", OK)


def test_restore_forgets(station: Host, ssid: bytes, password: bytes) -> None:
    station.command(join(ssid, password), JOINED, OK, patience=JOIN_PATIENCE)
    station.command(b"AT+RESTORE", OK, READY)
    station.command(b"ATE0", b"ATE0\r\n", OK)
    station.command(b"AT+CWMODE?", b"+CWMODE:0\r\n", OK)
    state(station, 0, b"")
    station.command(b"AT+CWMODE=1")
    station.expect_nothing(0.2)
    station.command(b"AT+CWJAP", ERROR)
    station.command(b"AT+RST", OK, READY)
    station.expect_nothing(0.2)
    station.command(b"ATE0", b"ATE0\r\n", OK)
    station.command(b"AT+CWJAP?", NO_AP)
