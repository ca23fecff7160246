"""The network around the simulated board: access points, names, delays and failures, settable while the board runs.

``Network`` is the peripheral behind ``network.WLAN`` and the socket module of the device. Sockets are the host's own:
the network only says whether they work now, and answers for names. A file ``wifi.json`` in the board's folder sets
the same attributes (``JSON_KEYS``) at start and whenever it changes.
"""

from __future__ import annotations

import functools
import json
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.rpc import DeviceError, Server
from sim.station import (
    BEACON_TIMEOUT,
    CONNECTION_FAIL,
    HANDSHAKE_FAILED,
    NO_AP_FOUND,
    NO_COMPATIBLE_SECURITY,
    NOT_IN_AUTHMODE_THRESHOLD,
    Station,
    Target,
)

WLAN_CALLS = (
    "active",
    "connect",
    "disconnect",
    "scan",
    "configure",
    "read",
    "addresses",
    "fix",
    "stations",
    "name_server",
)
# Codes of the integer questions.
OP_STATUS, OP_CONNECTED, OP_RSSI, OP_LINK = 60, 61, 62, 63
# What OP_LINK answers.
LINK_DOWN, LINK_UP, LINK_STALLED = 0, 1, 2
# What OP_RSSI answers when there is none; a signal strength is negative.
NO_STATION, NOT_ASSOCIATED = 1, 2

WPA2, WIFI_OPEN = 3, 0
AP_ADDRESSES = ("192.168.4.1", "255.255.255.0", "192.168.4.1", "0.0.0.0")

# Of station and access point.
MACS = ("02:00:00:51:a7:e5", "02:00:00:51:a7:e6")
# The levels that an ESP32's transmit power has, in 0.25 dBm, and the least setting that gives each.
POWER_LEVELS = ((78, 78), (72, 72), (66, 66), (60, 60), (56, 56), (52, 52), (44, 44), (8, 34))

# The keys of wifi.json: those of the first access point, then those of the network. Times are in seconds.
ACCESS_POINT_KEYS = ("ssid", "password", "bssid", "channel", "rssi", "security", "hidden", "up")
NETWORK_KEYS = (
    "association_delay",
    "scan_delay",
    "dhcp_delay",
    "dhcp_fails",
    "dns_delay",
    "dns_fails",
    "stall",
    "hosts",
    "host_names",
)
JSON_KEYS = ACCESS_POINT_KEYS + NETWORK_KEYS


@dataclass
class AccessPoint:
    """An access point in reach. An empty password makes it an open one; ``security`` is its ``AUTH_...`` number if that
    is not WPA2; ``up`` false takes it off the air.
    """

    ssid: str = "sim-ap"
    password: str = "sim-password"
    bssid: str = "02:51:00:00:00:01"
    channel: int = 6
    rssi: int = -50
    hidden: bool = False
    up: bool = True
    security: int | None = None

    @property
    def authmode(self) -> int:
        if self.security is not None:
            return self.security
        return WPA2 if self.password else WIFI_OPEN


@dataclass
class SoftAccessPoint:
    """The board's own access point: its settings, and the stations that have joined it, by their MAC addresses."""

    active: bool = False
    ssid: bytes = b"ESP_51A7E5"
    key: bytes = b""
    security: int = WIFI_OPEN
    hidden: bool = False
    channel: int = 1
    max_clients: int = 10
    addresses: tuple[str, str, str, str] = AP_ADDRESSES
    stations: list[str] = field(default_factory=list)

    def set_active(self, active: bool) -> None:
        """Switching it off throws everybody out."""
        self.active = active
        if not active:
            self.stations.clear()


def locked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Hold the network's lock, and bring the station up to now first."""

    @functools.wraps(function)
    def wrapper(self: Network, *args: Any, **kwargs: Any) -> Any:
        with self.lock:
            self._read_file()
            self.station.advance()
            return function(self, *args, **kwargs)

    return wrapper


class Network:
    """What is around the board. Attributes may be set at any time; delays are in seconds.

    ``hosts`` maps names to IPv4 addresses; ``host_names`` lets other names go to the host's own resolver. ``ports``
    maps ports below 1024, which need root on the host, to those that servers there listen on instead.
    ``silent`` are addresses that answer no ping. ``stall`` stops all data without an error, as a network does that has
    gone silent.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.access_points = [AccessPoint()]
        self.association_delay = 0.02
        self.scan_delay = 0.02
        self.dhcp_delay = 0.02
        self.dhcp_fails = False
        self.dns_delay = 0.0
        self.dns_fails = False
        self.hosts: dict[str, str] = {}
        self.host_names = False
        self.silent: set[str] = set()
        self.ports: dict[int, int] = {}
        self.stall = False
        self.addresses = ("192.168.1.23", "255.255.255.0", "192.168.1.1", "192.168.1.1")
        self._file = folder / "wifi.json" if folder else None
        self._file_seen: tuple[int, int] | None = None
        self.reset()
        with self.lock:
            self._read_file()

    def reset(self) -> None:
        """The board restarts: the driver forgets everything, the world stays."""
        with self.lock:
            self.station = Station(self)
            self.soft_ap = SoftAccessPoint()
            # As WLAN.PM_NONE and its companions.
            self.power_save = 1
            self.macs = list(MACS)
            self.transmit_power = 78

    # The world, for tests and the command line.

    @locked
    def set(self, **values: Any) -> None:
        """Set attributes by the names in ``JSON_KEYS``; unknown names raise ``KeyError``.

        A station leaves an access point that changed its name or password, or went off the air.
        """
        for key, value in values.items():
            if key in ACCESS_POINT_KEYS:
                setattr(self.access_points[0], key, value)
            elif key in NETWORK_KEYS:
                setattr(self, key, value)
            else:
                raise KeyError(key)
        if not {"ssid", "password", "bssid", "up"}.isdisjoint(values):
            self._leave_what_is_gone()

    def _leave_what_is_gone(self) -> None:
        if self.station.joined is not None and self.find(self.station.target, 0)[0] is not self.station.joined:
            self.station.lose()

    @locked
    def drop(self) -> None:
        """All access points go off the air: the station loses its own with the reason "beacon timeout"."""
        for access_point in self.access_points:
            access_point.up = False
        self.station.lose()

    @locked
    def restore(self) -> None:
        """All access points are back."""
        for access_point in self.access_points:
            access_point.up = True

    @locked
    def kick(self, reason: int = BEACON_TIMEOUT) -> None:
        """The access point throws the station out and stays: the driver is back after ``association_delay``."""
        self.station.lose(reason)

    @locked
    def station_joins(self, mac: str) -> None:
        """A station joins the board's own access point, if that is on the air and has room."""
        stations = self.soft_ap.stations
        if self.soft_ap.active and mac not in stations and len(stations) < self.soft_ap.max_clients:
            stations.append(mac)

    @locked
    def station_leaves(self, mac: str) -> None:
        """A station leaves the board's own access point."""
        if mac in self.soft_ap.stations:
            self.soft_ap.stations.remove(mac)

    @property
    def joined(self) -> str | None:
        """The name of the access point that the station is associated with."""
        with self.lock:
            self.station.advance()
            return self.station.joined.ssid if self.station.joined else None

    def find(self, target: Target, attempt: int) -> tuple[AccessPoint | None, int]:
        """The strongest access point that lets ``target`` in, or the reason why none does.

        A wrong password shows as a failed handshake first and as a failed connection afterwards (ESP-IDF 5).
        """
        reason = NO_AP_FOUND
        for access_point in sorted(self.access_points, key=lambda each: -each.rssi):
            if not access_point.up or access_point.ssid.encode() != target.ssid:
                continue
            if target.bssid and bytes.fromhex(access_point.bssid.replace(":", "")) != target.bssid:
                continue
            if access_point.password.encode() == target.key:
                return access_point, 0
            if not target.key:
                reason = NO_COMPATIBLE_SECURITY
            elif not access_point.password:
                reason = NOT_IN_AUTHMODE_THRESHOLD
            else:
                reason = CONNECTION_FAIL if attempt else HANDSHAKE_FAILED
        return None, reason

    def _read_file(self) -> None:
        """Take over ``wifi.json`` if it has changed; a broken one is reported and leaves everything as it was."""
        if self._file is None:
            return
        try:
            info = self._file.stat()
        except FileNotFoundError:
            return
        if self._file_seen == (info.st_mtime_ns, info.st_size):
            return
        self._file_seen = (info.st_mtime_ns, info.st_size)
        try:
            values = json.loads(self._file.read_text(encoding="utf-8"))
            unknown = set(values) - set(JSON_KEYS)
            if unknown:
                raise ValueError(f"unknown keys {sorted(unknown)}; known are {list(JSON_KEYS)}")
        except (ValueError, TypeError) as error:
            print(f"{self._file}: {error}", file=sys.stderr)
            return
        self.station.advance()
        self.set(**values)

    # What the device asks.

    def register(self, server: Server) -> None:
        """Serve a fresh interpreter."""
        server.ops[OP_STATUS] = self._status
        server.ops[OP_CONNECTED] = self._connected
        server.ops[OP_RSSI] = self._rssi
        server.ops[OP_LINK] = self._link
        for name in WLAN_CALLS:
            server.calls["wlan." + name] = getattr(self, "_wlan_" + name)
        server.calls["net.resolve"] = self._resolve
        server.calls["net.port"] = self._port
        server.calls["net.ping"] = self._ping

    @locked
    def _status(self, _a: int, _b: int) -> int:
        return self.station.status()

    @locked
    def _connected(self, _a: int, _b: int) -> int:
        return int(self.station.phase == "up")

    @locked
    def _rssi(self, _a: int, _b: int) -> int:
        if not self.station.active:
            return NO_STATION
        return self.station.joined.rssi if self.station.joined else NOT_ASSOCIATED

    @locked
    def _link(self, _a: int, _b: int) -> int:
        if self.station.phase != "up" and not self.soft_ap.active:
            return LINK_DOWN
        return LINK_STALLED if self.stall else LINK_UP

    @locked
    def _wlan_active(self, _payload: bytes, interface: int, active: bool | None) -> bool:
        if active is not None and interface == 0:
            self.station.set_active(active)
        elif active is not None:
            self.soft_ap.set_active(active)
        return self.station.active if interface == 0 else self.soft_ap.active

    @locked
    def _wlan_connect(self, payload: bytes, ssid_size: int, key_size: int) -> None:
        """``payload`` is name, key and BSSID one after the other; ``ssid_size`` -1 keeps what was given before."""
        target = None
        if ssid_size >= 0:
            end = ssid_size + key_size
            target = Target(payload[:ssid_size], payload[ssid_size:end], payload[end:])
        self.station.connect(target)

    @locked
    def _wlan_disconnect(self, _payload: bytes) -> None:
        self.station.disconnect()

    @locked
    def _wlan_scan(self, _payload: bytes) -> list[object]:
        """How many milliseconds it takes; rows of name and BSSID in hex, channel, signal, kind of authentication."""
        if not self.station.active:
            raise DeviceError("OSError", "STA must be active")
        if self.station.phase == "searching":
            return [0, []]
        rows = [
            ["" if ap.hidden else ap.ssid.encode().hex(), ap.bssid.replace(":", ""), ap.channel, ap.rssi, ap.authmode]
            for ap in sorted(self.access_points, key=lambda each: -each.rssi)
            if ap.up
        ]
        return [int(self.scan_delay * 1000), rows]

    @locked
    def _wlan_stations(self, _payload: bytes) -> list[str]:
        """MAC addresses of the stations of the board's own access point, in hex."""
        return [mac.replace(":", "") for mac in self.soft_ap.stations]

    @locked
    def _wlan_configure(self, _payload: bytes, interface: int, values: dict[str, Any]) -> None:
        """As ``config`` of the port: each value is taken when it comes, and at the end the driver refuses the whole of
        them if the interface is off. It takes a MAC address only while it is."""
        active = self.soft_ap.active if interface else self.station.active
        if "mac" in values:
            if active:
                raise DeviceError("OSError", "Wifi Internal State Error")
            if int(values["mac"][:2], 16) & 1:
                raise DeviceError("OSError", "Wifi Invalid MAC Address")
            self.macs[interface] = bytes.fromhex(values["mac"]).hex(":")
        if "pm" in values:
            self.power_save = values["pm"]
        if "txpower" in values:
            if not (self.station.active or self.soft_ap.active):
                raise DeviceError("OSError", "Wifi Not Started")
            self.transmit_power = next(level for least, level in POWER_LEVELS if int(values["txpower"] * 4) >= least)
        if not active:
            raise DeviceError("OSError", "Wifi Invalid Mode")
        if interface == 0:
            if "reconnects" in values:
                self.station.most_attempts = values["reconnects"] + 1
            if not self.station.active:
                raise DeviceError("OSError", "Wifi Invalid Mode")
            return
        access_point = self.soft_ap
        key = bytes.fromhex(values["key"]) if "key" in values else access_point.key
        security = values.get("security", access_point.security)
        if security != WIFI_OPEN and len(key) < 8:
            raise DeviceError("OSError", "Wifi Invalid Password")
        access_point.key, access_point.security = key, security
        if "ssid" in values:
            access_point.ssid = bytes.fromhex(values["ssid"])
        for name in ("hidden", "channel", "max_clients"):
            if name in values:
                setattr(access_point, name, values[name])

    @locked
    def _wlan_read(self, _payload: bytes, interface: int, key: str) -> Any:
        """The value of one setting; a name comes as hex."""
        if key == "pm":
            return self.power_save
        if key == "mac":
            return self.macs[interface].replace(":", "")
        if key == "txpower":
            if not (self.station.active or self.soft_ap.active):
                raise DeviceError("OSError", "Wifi Not Started")
            return self.transmit_power / 4
        if interface == 0:
            joined = self.station.joined
            return {
                "ssid": self.station.target.ssid.hex(),
                "channel": joined.channel if joined else 1,
                "reconnects": self.station.most_attempts - 1,
                "dhcp4": self.station.fixed is None,
                "max_clients": 0,
            }[key]
        value = getattr(self.soft_ap, key)
        return value.hex() if isinstance(value, bytes) else value

    @locked
    def _wlan_addresses(self, _payload: bytes, interface: int) -> list[str]:
        """Address, netmask, gateway and name server."""
        return list(self.station.addresses() if interface == 0 else self.soft_ap.addresses)

    @locked
    def _wlan_fix(self, _payload: bytes, interface: int, addresses: list[str] | None) -> None:
        """Use this address, netmask and gateway, or with None let the station ask for them again."""
        fixed = (addresses[0], addresses[1], addresses[2]) if addresses else None
        if interface == 0:
            self.station.fix(fixed)
        elif fixed:
            self.soft_ap.addresses = *fixed, self.soft_ap.addresses[3]

    @locked
    def _wlan_name_server(self, _payload: bytes, address: str | None) -> str:
        if address:
            self.station.name_server = address
        return self.station.name_server

    def _ping(self, _payload: bytes, address: str) -> int | None:
        """After how many milliseconds ``address`` answers an echo request, None if it does not."""
        if self._link(0, 0) == LINK_DOWN or self.stall or address in self.silent:
            return None
        return 1

    def _port(self, _payload: bytes, port: int) -> int:
        return self.ports.get(port, port)

    def _resolve(self, _payload: bytes, name: str) -> list[object]:
        """How many milliseconds an answer takes, and the address or None."""
        with self.lock:
            up = self._link(0, 0) != LINK_DOWN
            delay, fails, address = int(self.dns_delay * 1000), self.dns_fails, self.hosts.get(name)
            known = "127.0.0.1" if name == "localhost" else address
        if not up:
            return [0, None]
        if fails or self.stall:
            return [delay, None]
        if known is None and self.host_names:
            try:
                known = socket.gethostbyname(name)
            except OSError:
                known = None
        return [delay, known]
