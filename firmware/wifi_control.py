"""What is done to station and access point: mode, connect, disconnect. Loaded at the start and by the Wi-Fi commands.

``active(True)`` blocks for some 100 ms.
"""

from binascii import unhexlify

import network
from micropython import const

from firmware import log
from firmware.unload import unload

_STATION = const(1)
_ACCESS_POINT = const(2)
_BY_DRIVER = (1, 0)


def start(wifi, settings):
    """Take up what is stored: mode, access point, addresses, and the connection unless AT+CWAUTOCONN=0 forbids it."""
    wifi.ssid = settings.text("ssid")
    wifi.key = settings.text("key")
    wifi.bssid = unhexlify(settings.text("bssid").replace(b":", b""))
    wifi.name_server = settings.text("dns").split(b",")[0].decode()
    activate(wifi, settings.integer("mode", 0), settings)
    if settings.integer("auto", 1):
        connect_stored(wifi)


def activate(wifi, mode, settings):
    """Switch station and access point on or off as the bits of ``mode`` say, each with its settings; OSError if the
    driver refuses.
    """
    new = mode & ~wifi.mode
    wifi.station.active(bool(mode & _STATION))
    if (mode | wifi.mode) & _ACCESS_POINT:
        network.WLAN(network.AP_IF).active(bool(mode & _ACCESS_POINT))
    wifi.mode = mode
    if not mode & _STATION:
        wifi.wanted = False
    if not mode & _ACCESS_POINT:
        wifi.stations = None
    for apply, bit, interface, mac, addresses in (
        (_restore_station, _STATION, network.STA_IF, "stamac", "staip"),
        (_restore_access_point, _ACCESS_POINT, network.AP_IF, "apmac", "apip"),
    ):
        if new & bit:
            try:
                _restore_addresses(interface, settings.text(mac), settings.text(addresses))
                apply(wifi, settings)
            except (OSError, RuntimeError, ValueError) as error:
                # The host's queries show what is in force.
                log("settings of interface", interface, "not taken:", error)


def _restore_addresses(interface, mac, addresses):
    if mac:
        from firmware.addresses import use_mac

        use_mac(interface, mac)
    if addresses:
        from firmware.addresses import use_static

        use_static(network.WLAN(interface), addresses)
    unload("addresses")


def _restore_station(wifi, settings):
    use_retry(wifi, settings.retry(wifi.ssid))
    if not settings.integer("dhcp", 1) and not settings.text("staip"):
        from firmware.addresses import stop_dhcp

        stop_dhcp(wifi.station)
        unload("addresses")


def _restore_access_point(wifi, settings):
    name = settings.text("apssid")
    if name:
        channel, security, most, hidden = settings.numbers("ap", (1, 0, 10, 0))
        network.WLAN(network.AP_IF).config(
            ssid=name,
            key=settings.text("apkey"),
            channel=channel,
            security=security,
            max_clients=most,
            hidden=bool(hidden),
        )
    from firmware.stations import Stations

    wifi.stations = Stations(wifi)
    unload("stations")


def use_retry(wifi, retry, driver=True):
    """Put values of AT+CWRECONNCFG in force. One second without end is left to the driver if ``driver`` says so: it
    knows no intervals, goes on only from a connection, and to what it was told to connect to."""
    wifi.retry = None
    driver = driver and retry == _BY_DRIVER
    wifi.station.config(reconnects=-1 if driver else 0)
    if retry[0] and not driver:
        # A module of its own: what is held of it holds all of it.
        from firmware.wifi_retry import Retry

        wifi.retry = Retry(wifi, *retry)
        unload("wifi_retry")


def connect_stored(wifi):
    """Begin to connect to the access point of before, if there is one."""
    if wifi.mode & _STATION and wifi.ssid and not wifi.wanted:
        try:
            connect(wifi)
        except (OSError, ValueError):
            # The settings may be of another firmware; the host finds out by AT+CWJAP?.
            wifi.wanted = False


def connect(wifi):
    """Begin to connect; OSError if the driver refuses."""
    wifi.wanted = wifi.tried = True
    if wifi.retry:
        wifi.retry.begin()
    wifi.station.connect(wifi.ssid, wifi.key or None, bssid=wifi.bssid or None)


def disconnect(wifi):
    """End the connection, or the attempt."""
    wifi.wanted = False
    try:
        wifi.station.disconnect()
    except OSError:
        # The driver is not started: nothing to end.
        return
