"""Wi-Fi commands (ESP-AT user guide, "Wi-Fi AT Commands"). Loaded when called."""

from micropython import const

from firmware.at_error import NOT_THERE, AtError
from firmware.command import command, integer, string
from firmware.unload import unload
from firmware.wifi import DOWN
from firmware.wifi_control import activate, connect_stored, disconnect

_STATION = const(1)
_NO_BSSID = b"00:00:00:00:00:00"
# The station's state when it is not connected.
_NEVER = const(0)
_CONNECTING = const(3)
_DISCONNECTED = const(4)


def commands(wifi):
    """The family's command table."""
    family = WifiCommands(wifi)
    mode = (integer(0, 3), integer(0, 1, optional=True))
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
        command("+CWMODE", mode, set=family.set_mode, query=family.query_mode),
        command("+CWJAP", join, set=family.set_join, query=family.query_join, execute=family.join_again),
        command("+CWQAP", execute=family.leave),
        command("+CWSTATE", query=family.query_state),
    )


class WifiCommands:
    """The handlers; what they know is in ``wifi`` (``firmware.wifi.Wifi``)."""

    def __init__(self, wifi):
        self._wifi = wifi

    def set_mode(self, at, mode, connect):
        """AT+CWMODE=<mode>[,<auto connect>]"""
        wifi = self._wifi
        before = wifi.mode
        activate(wifi, mode)
        _store(mode=mode)
        if connect != 0 and not before & _STATION:
            connect_stored(wifi)

    def query_mode(self, at):
        """AT+CWMODE?"""
        at.info(b"+CWMODE:%d" % self._wifi.mode)

    def leave(self, at):
        """AT+CWQAP; the report of it follows OK."""
        if self._wifi.mode & _STATION:
            disconnect(self._wifi)

    def query_state(self, at):
        """AT+CWSTATE?"""
        wifi = self._wifi
        if wifi.link != DOWN:
            state = wifi.link
        elif wifi.wanted:
            state = _CONNECTING
        else:
            state = _DISCONNECTED if wifi.tried else _NEVER
        at.info(b'+CWSTATE:%d,"%s"' % (state, wifi.ssid if wifi.tried else b""))

    def query_join(self, at):
        """AT+CWJAP?; the port does not tell the BSSID, so it is zero unless the host gave it."""
        wifi = self._wifi
        if wifi.link == DOWN:
            at.info(b"No AP")
            return
        values = (wifi.ssid, wifi.bssid or _NO_BSSID, wifi.station.config("channel"), wifi.station.status("rssi"))
        at.info(b'+CWJAP:"%s","%s",%d,%d,0,1,3,0,1' % values)

    def set_join(self, at, ssid, key, bssid, auth_mode, reconnect, listen, scan, timeout, pmf):
        """AT+CWJAP="ssid","key"[,...]; without an SSID the one of before."""
        wifi = self._wifi
        if ssid is None:
            ssid, key, bssid = wifi.ssid, wifi.key, wifi.bssid
        return self._join(at, ssid, key or b"", bssid or b"", timeout)

    def join_again(self, at):
        """AT+CWJAP: the access point of before."""
        wifi = self._wifi
        return self._join(at, wifi.ssid, wifi.key, wifi.bssid, None)

    async def _join(self, at, ssid, key, bssid, timeout):
        wifi = self._wifi
        if not wifi.mode & _STATION or not ssid:
            raise AtError(NOT_THERE)
        wifi.joining = True
        try:
            from firmware.wifi_join import join

            await join(wifi, at.info, ssid, key, bssid, timeout * 1000 if timeout else wifi.config.wifi_join_ms)
        finally:
            wifi.joining = False
            unload("wifi_join")
        _store(ssid=ssid, key=key, bssid=bssid)


def _store(**values):
    from firmware.settings import Settings

    Settings().store(**values)
    unload("settings")
