"""Addresses, the module's own access point, scans, and what drivers set before they join (ESP-AT user guide, Wi-Fi
commands).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sim.board import Board
from sim.network import AccessPoint
from tests.sim.scripts import wait_for
from tests.system.host import OK, READY, Host, error

CONFIG = {"wifi_poll_ms": 20, "wifi_join_ms": 600}

JOINED = b"WIFI CONNECTED\r\nWIFI GOT IP\r\n"
LEFT = b"WIFI DISCONNECT\r\n"
JOIN = b'AT+CWJAP="sim-ap","sim-password"'
NOT_THERE = 0x010A0001
NOT_POSSIBLE = 0x010A000A
STATION_MAC = b"02:00:00:51:a7:e5"
PHONE = "02:aa:00:00:00:01"


@pytest.fixture
def module(host: Host, board: Board) -> Iterator[Host]:
    """A module with factory settings that tells error codes; its network is as before after the test."""
    host.command(b"AT+RESTORE", OK, READY)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    host.command(b"AT+SYSLOG=1")
    yield host
    board.network.access_points = [AccessPoint()]
    board.network.set(scan_delay=0.02)


def restart(module: Host) -> None:
    module.command(b"AT+RST", OK, READY)
    module.command(b"ATE0", b"ATE0\r\n", OK)
    module.command(b"AT+SYSLOG=1")


def ask(module: Host, name: bytes, *values: bytes) -> None:
    """The query form answers with these values."""
    module.command(b"AT+%s?" % name, *(b"+%s:%s\r\n" % (name, value) for value in values), OK)


def addresses(module: Host, name: bytes, ip: bytes, gateway: bytes, netmask: bytes) -> None:
    ask(module, name, b'ip:"%s"' % ip, b'gateway:"%s"' % gateway, b'netmask:"%s"' % netmask)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"AT+CWINIT=2", 0x01070000),
        (b"AT+CWAUTOCONN=2", 0x01070000),
        (b'AT+CWHOSTNAME=""', 0x01040000),
        (b'AT+CWHOSTNAME="%s"' % (b"x" * 33), 0x01040000),
        (b'AT+CWHOSTNAME="\xff"', 0x01070000),
        (b'AT+CWCOUNTRY=2,"CN",1,13', 0x01070000),
        (b'AT+CWCOUNTRY=1,"C",1,13', 0x01040001),
        (b'AT+CWCOUNTRY=1,"JP",1,14', NOT_POSSIBLE),
        (b"AT+CWLAPOPT=1", 0x01060201),
        (b"AT+CWLAPOPT=1,2048", 0x01070001),
        (b"AT+CWLAPOPT=1,31,-101", 0x01070002),
        (b"AT+CWLAPOPT=1,31,-100,65536", 0x01070003),
        (b'AT+CWLAP="%s"' % (b"x" * 33), 0x01040000),
        (b'AT+CWLAP="","02-51-00-00-00-01"', 0x01070001),
        (b"AT+CWLAP=,,,0,1501", 0x01070004),
        (b'AT+CIPSTAMAC="02:00:00:51:a7"', 0x01040000),
        (b'AT+CIPSTAMAC="15:00:00:51:a7:e5"', 0x01070000),
        (b'AT+CIPSTAMAC="00:00:00:00:00:00"', 0x01070000),
        (b'AT+CIPSTAMAC="ff:ff:ff:ff:ff:ff"', 0x01070000),
        (b'AT+CIPSTAMAC="02:00:00:51:a7:e6"', 0x01070000),
        (b'AT+CIPAPMAC="02:00:00:51:a7:e5"', 0x01070000),
        (b'AT+CIPSTA="192.168.1"', 0x01070000),
        (b'AT+CIPSTA="192.168.1.256"', 0x01070000),
        (b'AT+CIPSTA="192.168.1.2","1.2.3.4.5"', 0x01070001),
        (b'AT+CIPSTA="192.168.1.2","192.168.1.1","255.0.255.0"', 0x01070002),
        (b"AT+CIPSTA=192", 0x01050000),
        (b'AT+CIPAP="1.1.1.1","1.1.1.1","255.255.255.0","x"', 0x01060304),
        (b"AT+CWDHCP=1", 0x01060201),
        (b"AT+CWDHCP=2,1", 0x01070000),
        (b"AT+CWDHCP=1,4", 0x01070001),
        (b"AT+CWDHCP=0,2", NOT_POSSIBLE),
        (b"AT+CWDHCP=0,3", NOT_POSSIBLE),
        (b'AT+CWDHCPS=1,3,"192.168.4.10","192.168.4.15"', NOT_POSSIBLE),
        (b'AT+CWSAP="","12345678",1,3', 0x01040000),
        (b'AT+CWSAP="ESP","1234567",1,3', 0x01040001),
        (b'AT+CWSAP="ESP","12345678",15,3', 0x01070002),
        (b'AT+CWSAP="ESP","12345678",1,1', 0x01070003),
        (b'AT+CWSAP="ESP","12345678",1,3,11', 0x01070004),
        (b'AT+CWSAP="ESP","12345678",1,3,4,2', 0x01070005),
        (b'AT+CWQIF="02:aa:00:00:00:09"', NOT_THERE),
        (b'AT+CWQIF="02:aa:00:00:00:0x"', 0x01070000),
        (b"AT+MDNS=2,0", 0x01070000),
        (b'AT+MDNS=1,"module"', 0x01080002),
    ],
)
def test_what_is_refused_changes_nothing(module: Host, line: bytes, code: int) -> None:
    module.command(b"AT+CWMODE=3")
    names = (b"CWAUTOCONN", b"CWHOSTNAME", b"CWCOUNTRY", b"CIPSTAMAC", b"CIPAPMAC", b"CIPSTA", b"CIPAP", b"CWDHCP")
    before = [module.answer(b"AT+%s?" % name) for name in (*names, b"CWSAP", b"CWDHCPS")]
    module.command(line, error(code))
    assert [module.answer(b"AT+%s?" % name) for name in (*names, b"CWSAP", b"CWDHCPS")] == before


@pytest.mark.parametrize(
    "line", [b'AT+CWHOSTNAME="x"', b"AT+CWLAP", b"AT+CWSAP?", b'AT+CWSAP="a","",1,0', b"AT+CWLIF", b"AT+CWQIF"]
)
def test_commands_that_need_another_mode(module: Host, line: bytes) -> None:
    module.command(line, error(NOT_THERE))


def test_hostname_and_country_last_until_a_restart(module: Host) -> None:
    module.command(b"AT+CWMODE=1")
    ask(module, b"CWHOSTNAME", b"mpy-esp32")
    module.command(b'AT+CWHOSTNAME="my_test"')
    ask(module, b"CWHOSTNAME", b"my_test")
    ask(module, b"CWCOUNTRY", b'0,"01",1,11')
    module.command(b'AT+CWCOUNTRY=1,"CN",1,13')
    ask(module, b"CWCOUNTRY", b'1,"CN",1,13')
    restart(module)
    ask(module, b"CWHOSTNAME", b"mpy-esp32")
    ask(module, b"CWCOUNTRY", b'0,"01",1,11')


def test_mdns_takes_the_host_name_before_the_first_connection(module: Host) -> None:
    module.command(b"AT+CWMODE=1")
    module.command(b'AT+MDNS=1,"espressif","_iot",8080')
    ask(module, b"CWHOSTNAME", b"espressif")
    module.command(JOIN, JOINED, OK)
    module.command(b'AT+MDNS=1,"espressif","_iot",8080')
    module.command(b'AT+MDNS=1,"other","_iot",8080', error(NOT_POSSIBLE))
    module.command(b"AT+MDNS=0")


# Scans.

FULL = (
    b'+CWLAP:(3,"near",-40,"02:51:00:00:00:02",1,-1,-1,7,7,7,0)\r\n'
    b'+CWLAP:(0,"open, \xc3\xa4",-60,"02:51:00:00:00:03",11,-1,-1,0,0,7,0)\r\n'
    b'+CWLAP:(7,"near",-80,"02:51:00:00:00:04",13,-1,-1,7,7,7,0)\r\n'
)


@pytest.fixture
def scanner(module: Host, board: Board) -> Host:
    """A station with three access points in reach."""
    board.network.access_points = [
        AccessPoint("near", security=7, rssi=-80, bssid="02:51:00:00:00:04", channel=13),
        AccessPoint("near", rssi=-40, bssid="02:51:00:00:00:02", channel=1),
        AccessPoint("open, ä", "", rssi=-60, bssid="02:51:00:00:00:03", channel=11),
    ]
    module.command(b"AT+CWMODE=1")
    return module


def test_all_access_points_the_strongest_first(scanner: Host) -> None:
    scanner.command(b"AT+CWLAP", FULL, OK)


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        (b'"near"', (0, 2)),
        (b'"elsewhere"', ()),
        (b'"near","02:51:00:00:00:04"', (2,)),
        (b",,11", (1,)),
        (b",,,0,0,0,0x802", (0, 1)),
        # As Zephyr sends it for a passive scan.
        (b",,,1,,", (0, 1, 2)),
        (b'"",,0', (0, 1, 2)),
    ],
)
def test_filtered_access_points(scanner: Host, filters: bytes, rows: tuple[int, ...]) -> None:
    lines = FULL.splitlines(keepends=True)
    scanner.command(b"AT+CWLAP=" + filters, *(lines[row] for row in rows), OK)


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        (b",0x1F,-50", b'+CWLAP:(3,"near",-40,"02:51:00:00:00:02",1)\r\n'),
        (b"0,7,-100,1", b'+CWLAP:(0,"open, \xc3\xa4",-60)\r\n'),
        (b"1,23,-70,8", b'+CWLAP:(3,"near",-40,1)\r\n'),
    ],
)
def test_what_a_scan_shows(scanner: Host, options: bytes, answer: bytes) -> None:
    scanner.command(b"AT+CWLAPOPT=" + options)
    scanner.command(b"AT+CWLAP", answer, OK)


def test_the_port_lives_during_a_scan(scanner: Host, board: Board) -> None:
    board.network.set(scan_delay=0.4)
    scanner.send(b"AT+CWLAP")
    scanner.send(b"AT")
    # The line may still be a part of the burst of the one before.
    scanner.expect(b"ERR CODE:0x010b0000\r\n\r\nbusy p...\r\n" + FULL + OK)


def test_a_scan_between_attempts_to_reconnect(module: Host, board: Board) -> None:
    module.command(b"AT+CWMODE=1")
    module.command(JOIN, JOINED, OK)
    board.network.drop()
    module.expect(LEFT)
    board.network.access_points.append(AccessPoint("other", bssid="02:51:00:00:00:07", channel=3, rssi=-70))
    module.command(b"AT+CWLAP", b'+CWLAP:(3,"other",-70,"02:51:00:00:00:07",3,-1,-1,7,7,7,0)\r\n', OK)
    board.network.restore()
    module.expect(JOINED)


# Addresses.


def test_the_station_gets_its_addresses_from_the_network(module: Host) -> None:
    module.command(b"AT+CWMODE=1")
    addresses(module, b"CIPSTA", b"0.0.0.0", b"0.0.0.0", b"0.0.0.0")
    ask(module, b"CWDHCP", b"3")
    module.command(JOIN, JOINED, OK)
    addresses(module, b"CIPSTA", b"192.168.1.23", b"192.168.1.1", b"255.255.255.0")


def test_a_static_address_is_stored(module: Host) -> None:
    module.command(b"AT+CWMODE=1")
    module.command(b'AT+CIPSTA="192.168.6.100","192.168.6.1","255.255.0.0"')
    addresses(module, b"CIPSTA", b"192.168.6.100", b"192.168.6.1", b"255.255.0.0")
    ask(module, b"CWDHCP", b"2")
    restart(module)
    addresses(module, b"CIPSTA", b"192.168.6.100", b"192.168.6.1", b"255.255.0.0")
    module.command(JOIN, JOINED, OK)
    addresses(module, b"CIPSTA", b"192.168.6.100", b"192.168.6.1", b"255.255.0.0")
    module.command(b"AT+CWDHCP=1,1")
    addresses(module, b"CIPSTA", b"192.168.1.23", b"192.168.1.1", b"255.255.255.0")
    ask(module, b"CWDHCP", b"3")


def test_a_static_address_that_is_not_stored(module: Host) -> None:
    module.command(b"AT+CWMODE=1")
    module.command(b"AT+SYSSTORE=0")
    module.command(b'AT+CIPSTA="192.168.6.100"')
    addresses(module, b"CIPSTA", b"192.168.6.100", b"192.168.6.1", b"255.255.255.0")
    restart(module)
    ask(module, b"CWDHCP", b"3")
    addresses(module, b"CIPSTA", b"0.0.0.0", b"0.0.0.0", b"0.0.0.0")


def test_without_dhcp_the_station_waits_for_an_address(module: Host) -> None:
    module.command(b"AT+CWMODE=1")
    module.command(b"AT+CWDHCP=0,1")
    module.command(JOIN, b"WIFI CONNECTED\r\n", b"+CWJAP:1\r\n", error(0x010A0009), LEFT)
    module.command(b'AT+CIPSTA="192.168.1.77"')
    module.command(JOIN, JOINED, OK)


def test_station_mac(module: Host) -> None:
    module.command(b"AT+CWMODE=1")
    ask(module, b"CIPSTAMAC", b'"%s"' % STATION_MAC)
    module.command(JOIN, JOINED, OK)
    module.command(b'AT+CIPSTAMAC="1A:fe:35:98:d3:7b"', OK, LEFT, JOINED)
    ask(module, b"CIPSTAMAC", b'"1a:fe:35:98:d3:7b"')
    module.command(b"AT+RST", OK, READY, JOINED)
    module.command(b"ATE0", b"ATE0\r\n", OK)
    ask(module, b"CIPSTAMAC", b'"1a:fe:35:98:d3:7b"')
    module.command(b"AT+RESTORE", OK, READY)
    module.command(b"ATE0", b"ATE0\r\n", OK)
    ask(module, b"CIPSTAMAC", b'"%s"' % STATION_MAC)


# The module's own access point.


def test_access_point_settings_are_stored(module: Host, board: Board) -> None:
    module.command(b"AT+CWMODE=2")
    ask(module, b"CWSAP", b'"ESP_51A7E5","",1,0,10,0')
    module.command(b'AT+CWSAP="my \\"AP\\"","1234567890",5,3,4,1')
    ask(module, b"CWSAP", b'"my "AP"","1234567890",5,3,4,1')
    module.command(b'AT+CIPAP="192.168.5.1"')
    addresses(module, b"CIPAP", b"192.168.5.1", b"192.168.5.1", b"255.255.255.0")
    ask(module, b"CWDHCPS", b"120,192.168.5.2,192.168.5.101")
    module.command(b"AT+CWDHCPS=0")
    module.command(b'AT+CIPAPMAC="18:fe:35:98:d3:7b"')
    restart(module)
    ask(module, b"CWMODE", b"2")
    ask(module, b"CWSAP", b'"my "AP"","1234567890",5,3,4,1')
    addresses(module, b"CIPAP", b"192.168.5.1", b"192.168.5.1", b"255.255.255.0")
    ask(module, b"CIPAPMAC", b'"18:fe:35:98:d3:7b"')
    assert board.network.soft_ap.key == b"1234567890"
    module.command(b"AT+RESTORE", OK, READY)
    module.command(b"ATE0", b"ATE0\r\n", OK)
    module.command(b"AT+CWMODE=2")
    ask(module, b"CWSAP", b'"ESP_51A7E5","",1,0,10,0')
    addresses(module, b"CIPAP", b"192.168.4.1", b"192.168.4.1", b"255.255.255.0")


def test_access_point_settings_that_are_not_stored(module: Host) -> None:
    module.command(b"AT+CWMODE=2")
    module.command(b"AT+SYSSTORE=0")
    module.command(b'AT+CWSAP="ESP","1234567890",5,4')
    ask(module, b"CWSAP", b'"ESP","1234567890",5,4,10,0')
    restart(module)
    ask(module, b"CWSAP", b'"ESP_51A7E5","",1,0,10,0')


def test_stations_come_and_go(module: Host, board: Board) -> None:
    module.command(b"AT+CWMODE=2")
    module.command(b"AT+CWLIF")
    board.network.station_joins(PHONE)
    module.expect(b'+STA_CONNECTED:"%s"\r\n' % PHONE.encode())
    module.command(b"AT+CWLIF", b"+CWLIF:0.0.0.0,%s\r\n" % PHONE.encode(), OK)
    board.network.station_leaves(PHONE)
    module.expect(b'+STA_DISCONNECTED:"%s"\r\n' % PHONE.encode())


def test_stations_are_thrown_out(module: Host, board: Board) -> None:
    module.command(b"AT+CWMODE=2")
    board.network.station_joins(PHONE)
    module.expect(b'+STA_CONNECTED:"%s"\r\n' % PHONE.encode())
    module.command(b'AT+CWQIF="%s"' % PHONE.encode(), OK, b'+STA_DISCONNECTED:"%s"\r\n' % PHONE.encode())
    for mac in ("02:aa:00:00:00:02", "02:aa:00:00:00:03"):
        board.network.station_joins(mac)
        module.expect(b'+STA_CONNECTED:"%s"\r\n' % mac.encode())
    module.command(b'AT+CWQIF="02:aa:00:00:00:02"', error(NOT_POSSIBLE))
    module.command(b"AT+CWQIF")
    wait_for(lambda: board.network.soft_ap.active and not board.network.soft_ap.stations, "empty access point")
    lines = {module.read_until(b"\r\n") for _ in range(2)}
    assert lines == {b'+STA_DISCONNECTED:"02:aa:00:00:00:0%d"\r\n' % number for number in (2, 3)}
