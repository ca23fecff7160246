"""Wi-Fi commands and the reports of the station's connection (ESP-AT user guide, "Wi-Fi AT Commands").

The ESP32 port has no events for Wi-Fi, so the station is polled. "Connected, no address yet" shows only in
``status("rssi")``, which raises OSError unless associated. ``active(True)`` blocks for some 100 ms.
"""

import asyncio

import network
from micropython import const

from firmware.at_error import NOT_THERE, AtError
from firmware.command import command, integer, string
from firmware.unload import unload

_STATION = const(1)
_ACCESS_POINT = const(2)

DOWN = const(0)
_LINKED = const(1)
UP = const(2)

_NO_BSSID = b"00:00:00:00:00:00"


class Wifi:
    """The station, its settings, and what became of its connection. ``report`` queues a message report."""

    def __init__(self, config, settings, report):
        self._config = config
        self._settings = settings
        self._report = report
        self.station = network.WLAN(network.STA_IF)
        self._mode = 0
        self.ssid = self.key = self.bssid = b""
        self._wanted = self._tried = self.joining = False
        self.link = DOWN

    def commands(self):
        """The family's command table."""
        join = (
            string(1, 32, optional=True),
            string(0, 64, optional=True),
            string(17, 17, optional=True),
            integer(0, 11, optional=True),
            integer(0, 7200, optional=True),
            integer(1, 100, optional=True),
            integer(0, 1, optional=True),
            integer(3, 600, optional=True),
            integer(0, 3, optional=True),
        )
        return (
            command(
                "+CWMODE", (integer(0, 3), integer(0, 1, optional=True)), set=self._set_mode, query=self._query_mode
            ),
            command("+CWJAP", join, set=self._set_join, query=self._query_join, execute=self._join_again),
            command("+CWQAP", execute=self._leave),
            command("+CWSTATE", query=self._query_state),
        )

    def connected(self):
        """Whether the station has an address."""
        return self.link == UP

    # The state of the connection.

    def start(self):
        """Take up the stored mode, and the stored access point."""
        self.ssid = self._settings.text("ssid")
        self.key = self._settings.text("key")
        self.bssid = self._settings.text("bssid")
        self._activate(self._settings.integer("mode", 0))
        self._connect_stored()

    async def run(self):
        """Watch the connection for ever; what happens unasked becomes message reports."""
        while True:
            if not self.joining:
                self.watch(self._report)
            await asyncio.sleep_ms(self._config.wifi_poll_ms)

    def watch(self, say):
        """See what has become of the connection, and give what is new to ``say``."""
        link, before = self._look(), self.link
        self.link = link
        if link == before:
            return
        if before != DOWN and link != UP:
            say(b"WIFI DISCONNECT")
        if link != DOWN and before != _LINKED:
            say(b"WIFI CONNECTED")
        if link == UP:
            say(b"WIFI GOT IP")

    def _look(self):
        if not self._mode & _STATION:
            return DOWN
        if self.station.isconnected():
            return UP
        if not self._wanted:
            return DOWN
        try:
            self.station.status("rssi")
            return _LINKED
        except OSError:
            return DOWN

    def _activate(self, mode):
        self.station.active(bool(mode & _STATION))
        if (mode | self._mode) & _ACCESS_POINT:
            network.WLAN(network.AP_IF).active(bool(mode & _ACCESS_POINT))
        self._mode = mode
        if not mode & _STATION:
            self._wanted = False

    def _connect_stored(self):
        if self._mode & _STATION and self.ssid and not self._wanted:
            try:
                self.connect(reconnects=-1)
            except OSError:
                # The settings may be of another firmware; the host finds out by AT+CWJAP?.
                self._wanted = False

    def connect(self, reconnects):
        """Begin to connect; the driver repeats that ``reconnects`` times, -1 is for ever. OSError if it refuses."""
        self._wanted = self._tried = True
        self.station.config(reconnects=reconnects)
        bssid = bytes(int(part, 16) for part in self.bssid.split(b":")) if self.bssid else None
        self.station.connect(self.ssid, self.key or None, bssid=bssid)

    def disconnect(self):
        """End the connection, or the attempt."""
        self._wanted = False
        try:
            self.station.disconnect()
        except OSError:
            # The driver is not started: nothing to end.
            return

    # Commands.

    def _set_mode(self, at, mode, connect):
        before = self._mode
        self._activate(mode)
        self._settings.store(mode=mode)
        if connect != 0 and not before & _STATION:
            self._connect_stored()

    def _query_mode(self, at):
        at.info(b"+CWMODE:%d" % self._mode)

    def _leave(self, at):
        if self._mode & _STATION:
            self.disconnect()

    def _query_state(self, at):
        if self.link != DOWN:
            state = self.link
        elif self._wanted:
            state = 3
        else:
            state = 4 if self._tried else 0
        at.info(b'+CWSTATE:%d,"%s"' % (state, self.ssid if self._tried else b""))

    def _query_join(self, at):
        if self.link == DOWN:
            at.info(b"No AP")
            return
        values = (self.ssid, self.bssid or _NO_BSSID, self.station.config("channel"), self.station.status("rssi"))
        at.info(b'+CWJAP:"%s","%s",%d,%d,0,1,3,0,1' % values)

    def _set_join(self, at, ssid, key, bssid, auth_mode, reconnect, listen, scan, timeout, pmf):
        if ssid is not None:
            return self._join(at, ssid, key or b"", bssid or b"", timeout)
        return self._join(at, self.ssid, self.key, self.bssid, timeout)

    def _join_again(self, at):
        return self._join(at, self.ssid, self.key, self.bssid, None)

    async def _join(self, at, ssid, key, bssid, timeout):
        if not self._mode & _STATION or not ssid:
            raise AtError(NOT_THERE)
        self.joining = True
        try:
            from firmware.wifi_join import join

            await join(self, at.info, ssid, key, bssid, timeout * 1000 if timeout else self._config.wifi_join_ms)
        finally:
            self.joining = False
            unload("wifi_join")
        self._settings.store(ssid=ssid, key=key, bssid=bssid)
