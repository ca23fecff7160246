"""Settings of the station that drivers send before they join, and mDNS (ESP-AT user guide, "Wi-Fi AT Commands").
Loaded when called.
"""

import network
from micropython import const

from firmware.at_error import NOT_POSSIBLE, NOT_THERE, PARSE, VALUE, AtError
from firmware.command import command, integer, string
from firmware.wifi import DOWN, UP

_STATION = const(1)
_MOST_CHANNEL = const(13)
# ESP-IDF's own: the access point's country, until then the channels that are allowed everywhere.
_COUNTRY = (0, b"01", 1, 11)


def commands(wifi):
    """The family's command table."""
    return Commands(wifi).table()


class Commands:
    """The handlers; what they know is in ``wifi`` (``firmware.wifi.Wifi``)."""

    def __init__(self, wifi):
        self._wifi = wifi

    def table(self):
        """The family's command table."""
        retry = (integer(0, 7200), integer(0, 1000), integer(0, 1, optional=True))
        country = (integer(0, 1), string(2, 3), integer(1, 14), integer(1, 14))
        service = (
            integer(0, 1),
            string(1, 32, optional=True),
            string(1, 64, optional=True),
            integer(1, 65535, optional=True),
            string(1, 64, optional=True),
            string(1, 64, optional=True),
        )
        switch = (integer(0, 1),)
        return (
            command(b"+CWINIT", switch, set=self._set_init, query=self._query_init),
            command(b"+CWAUTOCONN", switch, set=_set_auto, query=_query_auto),
            command(b"+CWRECONNCFG", retry, set=self._set_retry, query=self._query_retry),
            command(b"+CWHOSTNAME", (string(1, 32),), set=self._set_hostname, query=_query_hostname),
            command(b"+CWCOUNTRY", country, set=_set_country, query=_query_country),
            command(b"+MDNS", service, set=self._set_service),
        )

    def _set_init(self, at, on):
        """AT+CWINIT=<init>: 0 switches all of Wi-Fi off until 1 takes up its settings again."""
        from firmware.settings import Settings
        from firmware.wifi_control import activate, start

        settings = Settings(at.memory)
        if on == settings.integer("init", 1):
            return
        settings.hold(init=on)
        if on:
            start(self._wifi, settings)
        else:
            activate(self._wifi, 0, settings)

    def _query_init(self, at):
        """AT+CWINIT?"""
        from firmware.settings import Settings

        at.info(b"+CWINIT:%d" % Settings(at.memory).integer("init", 1))

    def _set_retry(self, at, interval, most, now):
        """AT+CWRECONNCFG=<interval>,<attempts>[,<now>]"""
        from firmware.settings import Settings
        from firmware.wifi_control import connect, use_retry

        wifi = self._wifi
        if wifi.mode & _STATION:
            use_retry(wifi, (interval, most), wifi.link != DOWN or not wifi.wanted)
        Settings(at.memory).keep(retry=(interval, most))
        if now and wifi.mode & _STATION and wifi.ssid and wifi.link != UP:
            try:
                connect(wifi)
            except OSError:
                # An attempt is under way already.
                return

    def _query_retry(self, at):
        """AT+CWRECONNCFG?"""
        from firmware.settings import Settings

        at.info(b"+CWRECONNCFG:%d,%d" % Settings(at.memory).retry(self._wifi.ssid))

    def _set_hostname(self, at, name):
        """AT+CWHOSTNAME=<"name">: for the next connection, until a restart."""
        if not self._wifi.mode & _STATION:
            raise AtError(NOT_THERE)
        _use_hostname(name)

    def _set_service(self, at, mode, hostname, service, port, *_):
        """AT+MDNS=0, or =1,<"host name">,<"service">,<port>[,...]

        MicroPython's own responder announces the host name from the first address on, and knows no services. So the
        name can be given before the station connects, and not be changed afterwards.
        """
        if not mode:
            return
        for index, value in enumerate((hostname, service, port)):
            if value is None:
                raise AtError(PARSE | (index + 1))
        if self._wifi.tried and hostname != network.hostname().encode():
            raise AtError(NOT_POSSIBLE)
        _use_hostname(hostname)


def _use_hostname(name):
    try:
        network.hostname(name.decode())
    except UnicodeError:
        raise AtError(VALUE)


def _query_hostname(at):
    at.info("+CWHOSTNAME:" + network.hostname())


def _set_auto(at, on):
    """AT+CWAUTOCONN=<enable>: always stored."""
    from firmware.settings import Settings

    Settings(at.memory).store(auto=on)


def _query_auto(at):
    from firmware.settings import Settings

    at.info(b"+CWAUTOCONN:%d" % Settings(at.memory).integer("auto", 1))


def _set_country(at, policy, code, first, count):
    """AT+CWCOUNTRY: kept for the query; MicroPython's port hands no country to the driver, which keeps to the channels
    that are allowed everywhere."""
    if first + count - 1 > _MOST_CHANNEL:
        raise AtError(NOT_POSSIBLE)
    from firmware.settings import Settings

    Settings(at.memory).hold(country=(policy, code, first, count))


def _query_country(at):
    from firmware.settings import Settings

    at.info(b'+CWCOUNTRY:%d,"%s",%d,%d' % Settings(at.memory).numbers("country", _COUNTRY))
