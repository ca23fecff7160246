"""The Wi-Fi driver of the simulated board, as MicroPython's ESP32 port shows it.

What a program can see is decided by ``ports/esp32/network_wlan.c`` of MicroPython: the reason of the last disconnection
stays until an address has been got, a station that was told to connect reconnects by itself, and the status is computed
from these. Time is read when somebody looks (``advance``); nothing runs in the background.

States of the station:

1. ``idle``: not connecting.
2. ``searching``: looks for the access point and authenticates; ends in 3, or with a reason in 1 or again in 2.
3. ``associated``: waits for an address.
4. ``up``: has an address.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.rpc import DeviceError

if TYPE_CHECKING:
    from sim.network import AccessPoint, Network

# Reasons of a disconnection: wifi_err_reason_t of ESP-IDF.
ASSOC_LEAVE = 8
HANDSHAKE_FAILED = 15
BEACON_TIMEOUT = 200
NO_AP_FOUND = 201
AUTH_FAIL = 202
CONNECTION_FAIL = 205
NO_COMPATIBLE_SECURITY = 210
NOT_IN_AUTHMODE_THRESHOLD = 211
NOT_IN_RSSI_THRESHOLD = 212

# What WLAN.status() adds to the reasons.
IDLE, CONNECTING, GOT_IP = 1000, 1001, 1010

# The reasons that status() shows although the driver tries again.
SHOWN = {reason: reason for reason in (NO_AP_FOUND, NO_COMPATIBLE_SECURITY, NOT_IN_AUTHMODE_THRESHOLD)}
SHOWN |= {NOT_IN_RSSI_THRESHOLD: NOT_IN_RSSI_THRESHOLD, AUTH_FAIL: AUTH_FAIL, CONNECTION_FAIL: AUTH_FAIL}
SHOWN |= {ASSOC_LEAVE: IDLE}

SHORTEST_SEARCH = 0.01  # seconds: a driver that retries for ever must not retry in no time
NOWHERE = ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")


@dataclass
class Target:
    """What the station is configured to join."""

    ssid: bytes = b""
    key: bytes = b""
    bssid: bytes = b""


@dataclass
class Station:
    """The station interface of one run of the interpreter; made anew at each reset."""

    world: Network
    active: bool = False
    target: Target = field(default_factory=Target)
    phase: str = "idle"
    until: float = 0.0
    reason: int = 0
    attempts: int = 0
    most_attempts: int = 0  # 0: for ever
    requested: bool = False
    joined: AccessPoint | None = None
    fixed: tuple[str, str, str] | None = None
    name_server: str = NOWHERE[3]

    def advance(self) -> None:
        """Let everything happen that is due by now."""
        now = time.monotonic()
        while self.active and self.phase in ("searching", "associated") and now >= self.until:
            if self.phase == "associated":
                self.phase, self.reason = "up", 0
                if not self.fixed:
                    self.name_server = self.world.addresses[3]
                continue
            self.joined, reason = self.world.find(self.target, self.attempts)
            if self.joined is None:
                self._disconnected(reason, max(self.until, now - 1))
            else:
                self.phase = "associated"
                self.until += self._address_delay()

    def _address_delay(self) -> float:
        if self.fixed:
            return 0.0 if self.fixed[0] != NOWHERE[0] else math.inf
        return math.inf if self.world.dhcp_fails else self.world.dhcp_delay

    def _search(self, now: float) -> None:
        self.phase = "searching"
        self.until = now + max(self.world.association_delay, SHORTEST_SEARCH)

    def _disconnected(self, reason: int, now: float) -> None:
        self.phase, self.reason, self.joined = "idle", reason, None
        if not (self.requested and self.active):
            return
        self.attempts += 1
        if self.most_attempts == 0 or self.attempts < self.most_attempts:
            self._search(now)

    def lose(self, reason: int = BEACON_TIMEOUT) -> None:
        """The access point is gone, or has thrown the station out."""
        if self.phase in ("associated", "up"):
            self._disconnected(reason, time.monotonic())

    def set_active(self, active: bool) -> None:
        if self.active and not active:
            self.active = False
            if self.joined is not None:
                self._disconnected(ASSOC_LEAVE, time.monotonic())
            self.phase = "idle"
        elif active and not self.active:
            self.active, self.attempts = True, 0

    def connect(self, target: Target | None) -> None:
        """Start to join ``target``, or the one that was given before."""
        if not self.active:
            raise DeviceError("OSError", "Wifi Invalid Mode" if target else "Wifi Not Started")
        if target is not None:
            self.target = target
        if not self.target.ssid:
            raise DeviceError("OSError", "Wifi SSID Invalid")
        self.attempts = 0
        if self.phase == "searching":
            raise DeviceError("OSError", "Wifi Internal Error")
        if self.phase == "idle":
            self._search(time.monotonic())
        self.requested = True

    def disconnect(self) -> None:
        self.requested = False
        if not self.active:
            raise DeviceError("OSError", "Wifi Not Started")
        if self.joined is not None:
            self._disconnected(ASSOC_LEAVE, time.monotonic())
        self.phase = "idle"

    def status(self) -> int:
        if self.phase == "up":
            return GOT_IP
        if self.reason in SHOWN:
            return SHOWN[self.reason]
        if self.requested and (self.most_attempts == 0 or self.attempts < self.most_attempts):
            return CONNECTING
        return self.reason or IDLE

    def addresses(self) -> tuple[str, str, str, str]:
        """Address, netmask, gateway, name server."""
        if self.fixed:
            return *self.fixed, self.name_server
        return (*self.world.addresses[:3], self.name_server) if self.phase == "up" else NOWHERE

    def fix(self, addresses: tuple[str, str, str] | None) -> None:
        """Use this address, netmask and gateway, or with None ask for them."""
        self.fixed = addresses
        if self.phase == "up" and not addresses:
            self.name_server = self.world.addresses[3]
        if self.phase == "associated":
            self.until = time.monotonic() + self._address_delay()
