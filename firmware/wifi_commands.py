"""Wi-Fi mode, joining and leaving (ESP-AT user guide, "Wi-Fi AT Commands"). Loaded when called."""

from binascii import hexlify

from micropython import const

from firmware.at_error import NOT_POSSIBLE, NOT_THERE, VALUE, AtError
from firmware.command import command, integer, string
from firmware.settings import Settings
from firmware.unload import unload
from firmware.wifi import DOWN

_STATION = const(1)
# The station's state when it is not connected.
_NEVER = const(0)
_CONNECTING = const(3)
_DISCONNECTED = const(4)
_STATUS_CONNECTING = const(1001)
_PMF_REQUIRED = const(2)
# AT+CWJAP's listen interval, scan mode, PMF, and least kind of authentication.
_JOIN = (3, 0, 1, 0)


def commands(wifi):
    """The family's command table."""
    return Commands(wifi).table()


class Commands:
    """The handlers; what they know is in ``wifi`` (``firmware.wifi.Wifi``)."""

    def __init__(self, wifi):
        self._wifi = wifi

    def table(self):
        """The family's command table."""
        mode = (integer(0, 3), integer(0, 1, optional=True))
        join = (
            string(1, 32, optional=True),
            string(0, 64, optional=True),
            string(17, 17, optional=True),
            integer(0, 16, optional=True),
            integer(0, 7200, optional=True),
            integer(1, 100, optional=True),
            integer(0, 1, optional=True),
            integer(3, 600, optional=True),
            integer(0, 3, optional=True),
        )
        return (
            command(b"+CWMODE", mode, set=self._set_mode, query=self._query_mode),
            command(b"+CWJAP", join, set=self._set_join, query=self._query_join, execute=self._join_again),
            command(b"+CWQAP", execute=self._leave),
            command(b"+CWSTATE", query=self._query_state),
        )

    def _set_mode(self, at, mode, connect):
        """AT+CWMODE=<mode>[,<auto connect>]"""
        wifi = self._wifi
        settings = Settings(at.memory)
        if not settings.integer("init", 1):
            raise AtError(NOT_THERE)
        before = wifi.mode
        from firmware.wifi_control import activate, connect_stored

        activate(wifi, mode, settings)
        settings.keep(mode=mode)
        if connect != 0 and not before & _STATION:
            connect_stored(wifi)

    def _query_mode(self, at):
        """AT+CWMODE?"""
        at.info(b"+CWMODE:%d" % self._wifi.mode)

    def _leave(self, at):
        """AT+CWQAP; the report of it follows OK."""
        from firmware.wifi_control import disconnect

        if self._wifi.mode & _STATION:
            disconnect(self._wifi)

    def _query_state(self, at):
        """AT+CWSTATE?"""
        wifi = self._wifi
        if wifi.link != DOWN:
            state = wifi.link
        elif wifi.wanted and self._is_connecting():
            state = _CONNECTING
        else:
            state = _DISCONNECTED if wifi.tried else _NEVER
        at.info(b'+CWSTATE:%d,"%s"' % (state, wifi.ssid if wifi.tried else b""))

    def _is_connecting(self):
        wifi = self._wifi
        if wifi.retry:
            return wifi.retry.any_left()
        return wifi.station.config("reconnects") < 0 or wifi.station.status() == _STATUS_CONNECTING

    def _query_join(self, at):
        """AT+CWJAP?; the port does not tell the BSSID, so it is zero unless the host gave it."""
        wifi = self._wifi
        if wifi.link == DOWN:
            at.info(b"No AP")
            return
        settings = Settings(at.memory)
        bssid = hexlify(wifi.bssid or bytes(6), ":")
        values = (wifi.ssid, bssid, wifi.station.config("channel"), wifi.station.status("rssi"))
        values += settings.retry(wifi.ssid)[:1] + settings.numbers("join", _JOIN)[:3]
        at.info(b'+CWJAP:"%s","%s",%d,%d,0,%d,%d,%d,%d' % values)

    def _set_join(self, at, ssid, key, bssid, auth_mode, reconnect, listen, scan, timeout, pmf):
        """AT+CWJAP="ssid","key"[,...]; without an SSID the one of before.

        The driver tells nothing of listen interval and PMF, which MicroPython cannot set: they are kept for the query.
        Demanding PMF is refused.
        """
        wifi = self._wifi
        if pmf is not None and pmf & _PMF_REQUIRED:
            raise AtError(NOT_POSSIBLE)
        mac = b""
        if bssid:
            from firmware.addresses import mac_of

            mac = mac_of(bssid)
            unload("addresses")
            if not mac:
                raise AtError(VALUE | 2)
        if ssid is None:
            ssid, key, mac = wifi.ssid, wifi.key, wifi.bssid
        options = (listen or _JOIN[0], scan or 0, _JOIN[2] if pmf is None else pmf, auth_mode or 0)
        retry = (1 if reconnect is None else reconnect, Settings(at.memory).retry(wifi.ssid)[1])
        return self._join(at, ssid, key or b"", mac, timeout, options, retry)

    def _join_again(self, at):
        """AT+CWJAP: the access point of before."""
        wifi = self._wifi
        settings = Settings(at.memory)
        options = settings.numbers("join", _JOIN)
        return self._join(at, wifi.ssid, wifi.key, wifi.bssid, None, options, settings.retry(wifi.ssid))

    async def _join(self, at, ssid, key, bssid, timeout, options, retry):
        wifi = self._wifi
        if not wifi.mode & _STATION or not ssid:
            raise AtError(NOT_THERE)
        wifi.joining = True
        in_force = Settings(at.memory).retry(wifi.ssid)
        try:
            from firmware.wifi_join import join

            limit_ms = timeout * 1000 if timeout else wifi.config.wifi_join_ms
            await join(wifi, at.info, ssid, key, bssid, limit_ms, options[1], options[3])
            in_force = retry
        finally:
            wifi.joining = False
            from firmware.wifi_control import use_retry

            # With a scan before, the driver was told to connect to one of several.
            use_retry(wifi, in_force, not (options[1] or options[3]))
            unload("wifi_join")
        Settings(at.memory).keep(
            ssid=ssid, key=key, bssid=hexlify(bssid, ":") if bssid else b"", join=options, retry=retry
        )
