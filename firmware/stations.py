"""The stations of the module's own access point: reports of those that come and go. Loaded while there is one.

The port has no events for them, so its list is read twice a second. Addresses are in it from MicroPython 1.26 on.
"""

from time import ticks_diff, ticks_ms

import network
from micropython import const

_LOOK_MS = const(500)


class Stations:
    """Reports through ``wifi``."""

    def __init__(self, wifi):
        self._wifi = wifi
        self._access_point = network.WLAN(network.AP_IF)
        self._known = {}
        self._looked = ticks_ms()

    def look(self):
        """Report what has changed since the last time. Called often."""
        if ticks_diff(ticks_ms(), self._looked) < _LOOK_MS:
            return
        self._looked = ticks_ms()
        # Without a list, which takes memory, as long as there was and is none.
        if not self._known and not self._access_point.isconnected():
            return
        known, self._known = self._known, {}
        stations: list = self._access_point.status("stations")  # type: ignore[assignment]
        for mac, *address in stations:
            address = address[0] if address else None
            self._known[mac] = address
            if mac not in known:
                self._say('+STA_CONNECTED:"%s"', mac)
            if address and address != known.get(mac):
                self._say('+DIST_STA_IP:"%s","%s"', mac, address)
        for mac in known:
            if mac not in self._known:
                self._say('+STA_DISCONNECTED:"%s"', mac)

    def _say(self, form, mac, *values):
        self._wifi.report(form % ((":".join("%02x" % byte for byte in mac),) + values))
