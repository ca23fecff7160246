"""The station, and the reports of its connection; the commands are in ``wifi_commands``.

The ESP32 port has no events for Wi-Fi, so the station is polled. "Connected, no address yet" shows only in
``status("rssi")``, which raises OSError unless associated. ``active(True)`` blocks for some 100 ms.
"""

import asyncio

import network
from micropython import const

_STATION = const(1)

DOWN = const(0)
_LINKED = const(1)
UP = const(2)


class Wifi:
    """The station, its settings, and what became of its connection. ``report`` queues a message report."""

    def __init__(self, config, report):
        self.config = config
        self.report = report
        self.station = network.WLAN(network.STA_IF)
        self.mode = 0
        self.ssid = self.key = self.bssid = b""
        # The name server that AT+CIPDNS has set, "" for that of DHCP.
        self.name_server = ""
        self.wanted = self.tried = self.joining = False
        self.link = DOWN
        # For ``firmware.settings``, as the dispatcher has it.
        self.memory = None
        # The links of TCP/IP (``firmware.net.Net``), once there were any.
        self.net = None
        # What takes up a lost connection again, and what watches the stations of the module's own access point.
        self.retry = self.stations = None

    def connected(self):
        """Whether the station has an address."""
        return self.link == UP

    # The state of the connection.

    async def run(self):
        """Watch the connection for ever; what happens unasked becomes message reports."""
        while True:
            if not self.joining:
                self.watch(self.report)
                if self.retry:
                    self.retry.look()
            if self.stations:
                self.stations.look()
            await asyncio.sleep_ms(self.config.wifi_poll_ms)

    def watch(self, say):
        """See what has become of the connection, and give what is new to ``say``."""
        link, before = self._look(), self.link
        self.link = link
        if link == UP and self.name_server:
            # DHCP sets its own with each lease and at each renewal.
            network.ipconfig(dns=self.name_server)
        if link == before:
            return
        if before != DOWN and link != UP:
            say(b"WIFI DISCONNECT")
            for lost in self.net.links if self.net else ():
                if lost:
                    lost.lose()
        if link != DOWN and before != _LINKED:
            say(b"WIFI CONNECTED")
        if link == UP:
            say(b"WIFI GOT IP")

    def _look(self):
        if not self.mode & _STATION:
            return DOWN
        if self.station.isconnected():
            return UP
        if not self.wanted:
            return DOWN
        try:
            self.station.status("rssi")
            return _LINKED
        except OSError:
            return DOWN
