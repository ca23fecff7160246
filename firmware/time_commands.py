"""AT+CIPSNTPCFG, AT+CIPSNTPTIME and AT+CIPSNTPINTV (ESP-AT user guide, "TCP/IP AT Commands"). Loaded when called."""

import time

from micropython import const

from firmware.at_error import VALUE, AtError
from firmware.command import command, integer, string
from firmware.net import net_of

_DAYS = "Mon Tue Wed Thu Fri Sat Sun"
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
_SERVERS = (b"cn.ntp.org.cn", b"ntp.sjtu.edu.cn", b"us.pool.ntp.org")
_INTERVAL = const(3600)


def commands(wifi):
    """The family's command table."""
    return _Time(net_of(wifi)).table()


class _Time:
    def __init__(self, net):
        self._net = net

    def table(self):
        """The family's command table."""
        server = (string(1, 64, optional=True),)
        settings = (integer(0, 1), integer(-1259, 1459, optional=True)) + server * 3
        interval = (integer(15, 4_294_967),)
        return (
            command(b"+CIPSNTPCFG", settings, set=self._set, query=self._query),
            command(b"+CIPSNTPTIME", query=self._show),
            command(b"+CIPSNTPINTV", interval, set=self._set_interval, query=self._query_interval),
        )

    def _set(self, at, on, zone, *servers):
        before = self._net.settings.get("sntp")
        minutes = _minutes(zone or 0)
        if minutes is None:
            raise AtError(VALUE | 1)
        self._net.settings["sntpzone"] = minutes
        if before:
            before.close()
            del self._net.settings["sntp"]
        if on:
            from firmware.sntp import Sntp

            given = tuple(server for server in servers if server) or _SERVERS
            interval = self._net.settings.get("sntpintv", _INTERVAL)
            self._net.settings["sntp"] = Sntp(self._net.wifi, given, minutes, interval)

    def _query(self, at):
        sntp = self._net.settings.get("sntp")
        minutes = self._net.settings.get("sntpzone", 0)
        zone = abs(minutes) // 60 * (-1 if minutes < 0 else 1)
        names = b"".join(b',"%s"' % server for server in sntp.servers) if sntp else b""
        at.info(b"+CIPSNTPCFG:%d,%d%s" % (bool(sntp), zone, names))

    def _show(self, at):
        sntp = self._net.settings.get("sntp")
        now = time.gmtime(time.time() + (sntp.minutes * 60 if sntp else 0))
        values = (_DAYS.split()[now[6]], _MONTHS.split()[now[1] - 1], now[2], now[3], now[4], now[5], now[0])
        at.info("+CIPSNTPTIME:%s %s %2d %02d:%02d:%02d %d" % values)

    def _set_interval(self, at, seconds):
        self._net.settings["sntpintv"] = seconds
        sntp = self._net.settings.get("sntp")
        if sntp:
            sntp.interval = seconds

    def _query_interval(self, at):
        at.info(b"+CIPSNTPINTV:%d" % self._net.settings.get("sntpintv", _INTERVAL))


def _minutes(zone):
    """Minutes from UTC of a time zone, given in hours or as [hh]mm; None if it is neither."""
    if -12 <= zone <= 14:
        return zone * 60
    hours, minutes = divmod(abs(zone), 100)
    if minutes > 59 or hours > (14 if zone > 0 else 12):
        return None
    return (hours * 60 + minutes) * (1 if zone > 0 else -1)
