"""Wi-Fi commands and the reports of the station's connection (ESP-AT user guide, "Wi-Fi AT Commands").

The ESP32 port has no events for Wi-Fi, so the station is polled. "Connected, no address yet" shows only in
``status("rssi")``, which raises OSError unless associated. ``active(True)`` blocks for some 100 ms.
"""

import asyncio
from time import ticks_diff, ticks_ms

import network
from micropython import const

from firmware.at_error import NO_NETWORK, NOT_THERE, TIMED_OUT, AtError
from firmware.command import command, integer, string

_STATION = const(1)
_ACCESS_POINT = const(2)

_DOWN = const(0)
_LINKED = const(1)
_UP = const(2)

# AT+CWJAP's error numbers.
_TIMEOUT = const(1)
_WRONG_KEY = const(2)
_NOT_FOUND = const(3)
_OTHER = const(4)
# ESP-IDF's reasons for a disconnection, as status() shows them; 15 is the four-way handshake's timeout.
_REASONS = {
    201: _NOT_FOUND,
    210: _NOT_FOUND,
    211: _NOT_FOUND,
    212: _NOT_FOUND,
    202: _WRONG_KEY,
    204: _WRONG_KEY,
    15: _WRONG_KEY,
}
# The driver refuses while the attempt before is still ending (seen for a second or so), and a key that it cannot use.
_REFUSALS = const(40)
_NO_BSSID = b"00:00:00:00:00:00"


class Wifi:
    """The station, its settings, and what became of its connection. ``report`` queues a message report."""

    def __init__(self, config, settings, report):
        self._config = config
        self._settings = settings
        self._report = report
        self._station = network.WLAN(network.STA_IF)
        self._mode = 0
        self._ssid = self._key = self._bssid = b""
        self._wanted = self._tried = self._joining = False
        self._link = _DOWN

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
        return self._link == _UP

    # The state of the connection.

    def start(self):
        """Take up the stored mode, and the stored access point."""
        self._ssid = self._settings.text("ssid")
        self._key = self._settings.text("key")
        self._bssid = self._settings.text("bssid")
        self._activate(self._settings.integer("mode", 0))
        self._connect_stored()

    async def run(self):
        """Watch the connection for ever; what happens unasked becomes message reports."""
        while True:
            if not self._joining:
                self._watch(self._report)
            await asyncio.sleep_ms(self._config.wifi_poll_ms)

    def _watch(self, say):
        link, before = self._look(), self._link
        self._link = link
        if link == before:
            return
        if before != _DOWN and link != _UP:
            say(b"WIFI DISCONNECT")
        if link != _DOWN and before != _LINKED:
            say(b"WIFI CONNECTED")
        if link == _UP:
            say(b"WIFI GOT IP")

    def _look(self):
        if not self._mode & _STATION:
            return _DOWN
        if self._station.isconnected():
            return _UP
        if not self._wanted:
            return _DOWN
        try:
            self._station.status("rssi")
            return _LINKED
        except OSError:
            return _DOWN

    def _activate(self, mode):
        self._station.active(bool(mode & _STATION))
        if (mode | self._mode) & _ACCESS_POINT:
            network.WLAN(network.AP_IF).active(bool(mode & _ACCESS_POINT))
        self._mode = mode
        if not mode & _STATION:
            self._wanted = False

    def _connect_stored(self):
        if self._mode & _STATION and self._ssid and not self._wanted:
            try:
                self._connect(reconnects=-1)
            except OSError:
                # The settings may be of another firmware; the host finds out by AT+CWJAP?.
                self._wanted = False

    def _connect(self, reconnects):
        self._wanted = self._tried = True
        self._station.config(reconnects=reconnects)
        bssid = bytes(int(part, 16) for part in self._bssid.split(b":")) if self._bssid else None
        self._station.connect(self._ssid, self._key or None, bssid=bssid)

    def _disconnect(self):
        self._wanted = False
        try:
            self._station.disconnect()
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
            self._disconnect()

    def _query_state(self, at):
        if self._link != _DOWN:
            state = self._link
        elif self._wanted:
            state = 3
        else:
            state = 4 if self._tried else 0
        at.info(b'+CWSTATE:%d,"%s"' % (state, self._ssid if self._tried else b""))

    def _query_join(self, at):
        if self._link == _DOWN:
            at.info(b"No AP")
            return
        values = (self._ssid, self._bssid or _NO_BSSID, self._station.config("channel"), self._station.status("rssi"))
        at.info(b'+CWJAP:"%s","%s",%d,%d,0,1,3,0,1' % values)

    def _set_join(self, at, ssid, key, bssid, auth_mode, reconnect, listen, scan, timeout, pmf):
        if ssid is not None:
            return self._join(at, ssid, key or b"", bssid or b"", timeout)
        return self._join(at, self._ssid, self._key, self._bssid, timeout)

    def _join_again(self, at):
        return self._join(at, self._ssid, self._key, self._bssid, None)

    async def _join(self, at, ssid, key, bssid, timeout):
        if not self._mode & _STATION or not ssid:
            raise AtError(NOT_THERE)
        self._joining = True
        try:
            await self._leave_first(at.info)
            self._ssid, self._key, self._bssid = ssid, key, bssid
            failure = await self._attempt(at.info, timeout * 1000 if timeout else self._config.wifi_join_ms)
        finally:
            self._joining = False
        if failure:
            self._disconnect()
            at.info(b"+CWJAP:%d" % failure)
            raise AtError(TIMED_OUT if failure == _TIMEOUT else NO_NETWORK)
        self._station.config(reconnects=-1)
        self._settings.store(ssid=ssid, key=key, bssid=bssid)

    async def _leave_first(self, say):
        """A connection there is, or an attempt, ends before the next begins: the driver refuses a second one."""
        self._disconnect()
        for _ in range(20):
            self._watch(say)
            if self._link == _DOWN:
                break
            await asyncio.sleep_ms(50)

    async def _attempt(self, say, limit_ms):
        """Connect; 0 once there is an address, else the number of AT+CWJAP's error."""
        stale = self._station.status()
        begin = ticks_ms()
        failure = _TIMEOUT
        connecting = False
        refused = 0
        while True:
            waited = ticks_diff(ticks_ms(), begin)
            if not connecting:
                connecting = self._try_connect()
                refused = 0 if connecting else refused + 1
                if refused > _REFUSALS:
                    return _OTHER
            self._watch(say)
            if self._link == _UP:
                return 0
            status = self._station.status()
            # The port shows the reason of the last failure until the next one, so an old one says nothing for a while.
            if status < 1000 and (status != stale or waited > self._config.wifi_stale_ms):
                failure = _REASONS.get(status, _OTHER)
                if failure != _OTHER:
                    return failure
                connecting = False
            if waited >= limit_ms:
                return failure
            await asyncio.sleep_ms(50)

    def _try_connect(self):
        try:
            self._connect(reconnects=0)
            return True
        except OSError:
            return False
