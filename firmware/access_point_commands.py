"""The module's own access point: AT+CWSAP, AT+CWLIF, AT+CWQIF (ESP-AT user guide, "Wi-Fi AT Commands"). Loaded when
called.
"""

import network
from micropython import const

from firmware.addresses import mac_of, mac_text
from firmware.at_error import LENGTH, NOT_POSSIBLE, NOT_THERE, VALUE, AtError
from firmware.command import command, integer, string

_ACCESS_POINT = const(2)
_OPEN = const(0)
_SECURITIES = (0, 2, 3, 4)
_SHORTEST_KEY = const(8)
_MOST_STATIONS = const(10)


def commands(wifi):
    """The family's command table."""
    return Commands(wifi).table()


class Commands:
    """The handlers; what they know is in ``wifi`` (``firmware.wifi.Wifi``)."""

    def __init__(self, wifi):
        self._wifi = wifi
        self._access_point = network.WLAN(network.AP_IF)

    def table(self):
        """The family's command table."""
        settings = (
            string(1, 32),
            string(0, 63),
            integer(1, 14),
            integer(0, 4),
            integer(1, _MOST_STATIONS, optional=True),
            integer(0, 1, optional=True),
        )
        return (
            command(b"+CWSAP", settings, set=self._configure, query=self._query),
            command(b"+CWLIF", execute=self._list_stations),
            command(b"+CWQIF", (string(17, 17),), set=self._throw_out, execute=self._throw_all_out),
        )

    def _need_access_point(self):
        if not self._wifi.mode & _ACCESS_POINT:
            raise AtError(NOT_THERE)

    def _configure(self, at, name, key, channel, security, most, hidden):
        """AT+CWSAP=<"ssid">,<"pwd">,<channel>,<ecn>[,<max conn>][,<ssid hidden>]"""
        self._need_access_point()
        if security not in _SECURITIES:
            raise AtError(VALUE | 3)
        if security != _OPEN and len(key) < _SHORTEST_KEY:
            raise AtError(LENGTH | 1)
        values = (channel, security, most or _MOST_STATIONS, hidden or 0)
        self._access_point.config(
            ssid=name, key=key, channel=channel, security=security, max_clients=values[2], hidden=bool(hidden)
        )
        from firmware.settings import Settings

        Settings(at.memory).keep(apssid=name, apkey=key, ap=values)

    def _query(self, at):
        """AT+CWSAP?; the driver tells everything but the key."""
        self._need_access_point()
        tell = self._access_point.config
        values = (tell("channel"), tell("security"), tell("max_clients"), tell("hidden"))
        from firmware.settings import Settings

        settings = Settings(at.memory)
        name = settings.text("apssid") or tell("ssid").encode()
        at.info(b'+CWSAP:"%s","%s",%d,%d,%d,%d' % ((name, settings.text("apkey")) + values))

    def _stations(self) -> list:
        return self._access_point.status("stations")  # type: ignore[return-value]

    def _list_stations(self, at):
        """AT+CWLIF; the addresses are known from MicroPython 1.26 on."""
        self._need_access_point()
        for mac, *address in self._stations():
            at.info("+CWLIF:%s,%s" % (address and address[0] or "0.0.0.0", mac_text(mac)))

    def _throw_out(self, at, text):
        """AT+CWQIF=<"mac">: possible only for a station that is alone."""
        self._need_access_point()
        mac = mac_of(text)
        if not mac:
            raise AtError(VALUE)
        stations = [row[0] for row in self._stations()]
        if mac not in stations:
            raise AtError(NOT_THERE)
        if len(stations) > 1:
            raise AtError(NOT_POSSIBLE)
        self._throw_all_out(at)

    def _throw_all_out(self, at):
        """AT+CWQIF: the access point goes off the air for a moment, the only way that MicroPython has."""
        self._need_access_point()
        if self._access_point.isconnected():
            self._access_point.active(False)
            self._access_point.active(True)
