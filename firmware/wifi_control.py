"""What is done to the station: mode, connect, disconnect. Loaded at the start and by the Wi-Fi commands.

``active(True)`` blocks for some 100 ms.
"""

import network
from micropython import const

_STATION = const(1)
_ACCESS_POINT = const(2)


def start(wifi, settings):
    """Take up the stored mode, and the stored access point."""
    wifi.ssid = settings.text("ssid")
    wifi.key = settings.text("key")
    wifi.bssid = settings.text("bssid")
    activate(wifi, settings.integer("mode", 0))
    connect_stored(wifi)


def activate(wifi, mode):
    """Switch station and access point on or off as the bits of ``mode`` say; OSError if the driver refuses."""
    wifi.station.active(bool(mode & _STATION))
    if (mode | wifi.mode) & _ACCESS_POINT:
        network.WLAN(network.AP_IF).active(bool(mode & _ACCESS_POINT))
    wifi.mode = mode
    if not mode & _STATION:
        wifi.wanted = False


def connect_stored(wifi):
    """Begin to connect to the access point of before, if there is one."""
    if wifi.mode & _STATION and wifi.ssid and not wifi.wanted:
        try:
            connect(wifi, -1)
        except (OSError, ValueError):
            # The settings may be of another firmware; the host finds out by AT+CWJAP?.
            wifi.wanted = False


def connect(wifi, reconnects):
    """Begin to connect; the driver repeats that ``reconnects`` times, -1 is for ever. OSError if it refuses."""
    wifi.wanted = wifi.tried = True
    wifi.station.config(reconnects=reconnects)
    bssid = bytes(int(part, 16) for part in wifi.bssid.split(b":")) if wifi.bssid else None
    wifi.station.connect(wifi.ssid, wifi.key or None, bssid=bssid)


def disconnect(wifi):
    """End the connection, or the attempt."""
    wifi.wanted = False
    try:
        wifi.station.disconnect()
    except OSError:
        # The driver is not started: nothing to end.
        return
