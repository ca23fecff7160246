"""Taking up a lost connection again (AT+CWRECONNCFG). Loaded while it is done otherwise than the driver does it."""

from time import ticks_diff, ticks_ms

from firmware.wifi import DOWN


class Retry:
    """Attempts of the station of ``wifi`` every ``interval`` seconds, ``most`` of them, 0 is without end."""

    def __init__(self, wifi, interval, most):
        self._wifi = wifi
        self.interval = interval
        self.most = most
        self.begin()

    def begin(self):
        """The connection is there, or has just been asked for: count from now."""
        self._attempts = 0
        self._since = ticks_ms()

    def any_left(self):
        """Whether there will be another attempt."""
        return not self.most or self._attempts < self.most

    def look(self):
        """Make the next attempt if its time has come. Called often."""
        wifi = self._wifi
        if wifi.link != DOWN:
            self.begin()
        elif wifi.wanted and self.any_left() and ticks_diff(ticks_ms(), self._since) >= self.interval * 1000:
            self._since = ticks_ms()
            try:
                wifi.station.connect(wifi.ssid, wifi.key or None, bssid=wifi.bssid or None)
                self._attempts += 1
            except (OSError, RuntimeError):
                # The attempt before is still under way.
                return
