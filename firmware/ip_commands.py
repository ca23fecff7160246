"""IP and MAC addresses of station and access point (ESP-AT user guide, "Wi-Fi AT Commands"). Loaded when called."""

import network
from micropython import const

from firmware.addresses import is_ip, is_netmask, mac_of, mac_text, stop_dhcp, use_mac, use_static
from firmware.at_error import NOT_POSSIBLE, VALUE, AtError
from firmware.command import command, integer, string

_STATION = const(1)
_ACCESS_POINT = const(2)
_BOTH = const(3)
_DISABLE = const(0)
# ESP-AT's first name server, for a static address that comes with none.
_NAME_SERVER = "208.67.222.222"
# Of ESP-IDF's DHCP server, which MicroPython cannot set: minutes, and how many addresses follow its own.
_LEASE = const(120)
_ADDRESSES = const(100)


def commands(wifi):
    """The family's command table."""
    return Commands(wifi).table()


class Commands:
    """The handlers; what they know is in ``wifi`` (``firmware.wifi.Wifi``)."""

    def __init__(self, wifi):
        self._wifi = wifi

    def table(self):
        """The family's command table."""
        mac = (string(17, 17),)
        address = (string(7, 15), string(7, 15, optional=True), string(7, 15, optional=True))
        leases = (
            integer(0, 1),
            integer(1, 2880, optional=True),
            string(7, 15, optional=True),
            string(7, 15, optional=True),
        )
        return (
            command(b"+CIPSTAMAC", mac, set=self._set_station_mac, query=_query_station_mac),
            command(b"+CIPAPMAC", mac, set=self._set_access_point_mac, query=_query_access_point_mac),
            command(b"+CIPSTA", address, set=_set_station, query=_query_station),
            command(b"+CIPAP", address, set=_set_access_point, query=_query_access_point),
            command(b"+CWDHCP", (integer(0, 1), integer(1, 3)), set=_set_dhcp, query=_query_dhcp),
            command(b"+CWDHCPS", leases, set=_set_leases, query=_query_leases),
        )

    def _set_station_mac(self, at, text):
        """AT+CIPSTAMAC=<"mac">: the connection ends and is taken up again."""
        wifi = self._wifi
        mac = _checked_mac(text, network.AP_IF)
        connected = wifi.wanted
        from firmware.wifi_control import connect_stored, disconnect

        if connected:
            disconnect(wifi)
        taken = use_mac(network.STA_IF, mac)
        if connected:
            connect_stored(wifi)
        if not taken:
            raise AtError(NOT_POSSIBLE)
        _keep(at, stamac=mac)

    def _set_access_point_mac(self, at, text):
        """AT+CIPAPMAC=<"mac">: stations must join anew."""
        mac = _checked_mac(text, network.STA_IF)
        if not use_mac(network.AP_IF, mac):
            raise AtError(NOT_POSSIBLE)
        _keep(at, apmac=mac)


def _checked_mac(text, other):
    """The address that ``text`` is; AtError if no interface can have it, or the other interface has it."""
    mac = mac_of(text)
    if not mac or network.WLAN(other).config("mac") == mac:
        raise AtError(VALUE)
    return mac


def _query_station_mac(at):
    at.info('+CIPSTAMAC:"%s"' % mac_text(network.WLAN(network.STA_IF).config("mac")))


def _query_access_point_mac(at):
    at.info('+CIPAPMAC:"%s"' % mac_text(network.WLAN(network.AP_IF).config("mac")))


def _set_station(at, *texts):
    """AT+CIPSTA=<"ip">[,<"gateway">,<"netmask">]"""
    addresses = _checked_addresses(texts, b"1")
    use_static(network.WLAN(network.STA_IF), addresses)
    if network.ipconfig("dns") == "0.0.0.0":
        network.ipconfig(dns=_NAME_SERVER)
    _keep(at, staip=addresses, dhcp=0)


def _set_access_point(at, *texts):
    """AT+CIPAP=<"ip">[,<"gateway">,<"netmask">]; the DHCP server goes on, in the new network."""
    addresses = _checked_addresses(texts, texts[0].rpartition(b".")[2])
    use_static(network.WLAN(network.AP_IF), addresses)
    _keep(at, apip=addresses)


def _checked_addresses(texts, gateway):
    """``ip,gateway,netmask``. Left out, the gateway ends in ``gateway``, and the netmask is 255.255.255.0."""
    ip, router, netmask = texts
    if not is_ip(ip):
        raise AtError(VALUE)
    router = ip.rpartition(b".")[0] + b"." + gateway if router is None else router
    netmask = b"255.255.255.0" if netmask is None else netmask
    if not is_ip(router):
        raise AtError(VALUE | 1)
    if not is_netmask(netmask):
        raise AtError(VALUE | 2)
    return b",".join((ip, router, netmask))


def _query_station(at):
    _tell(at, "STA", network.STA_IF)


def _query_access_point(at):
    _tell(at, "AP", network.AP_IF)


def _tell(at, name, interface):
    ip, netmask, gateway, _ = network.WLAN(interface).ifconfig()
    for kind, value in (("ip", ip), ("gateway", gateway), ("netmask", netmask)):
        at.info('+CIP%s:%s:"%s"' % (name, kind, value))


def _set_dhcp(at, operation, interfaces):
    """AT+CWDHCP=<operation>,<interfaces>. The access point's server cannot be stopped in MicroPython."""
    if operation == _DISABLE and interfaces & _ACCESS_POINT:
        raise AtError(NOT_POSSIBLE)
    if not interfaces & _STATION:
        return
    station = network.WLAN(network.STA_IF)
    if operation == _DISABLE:
        stop_dhcp(station)
        _keep(at, dhcp=0)
    else:
        station.ipconfig(dhcp4=True)
        _keep(at, dhcp=1, staip=b"")


def _query_dhcp(at):
    from firmware.settings import Settings

    at.info(b"+CWDHCP:%d" % (_ACCESS_POINT | Settings(at.memory).integer("dhcp", 1)))


def _set_leases(at, on, *_):
    """AT+CWDHCPS=0: the range that MicroPython's port has; another one cannot be set."""
    if on:
        raise AtError(NOT_POSSIBLE)


def _query_leases(at):
    ip = network.WLAN(network.AP_IF).ifconfig()[0]
    start, _, last = ip.rpartition(".")
    first = int(last) + 1
    at.info("+CWDHCPS:%d,%s.%d,%s.%d" % (_LEASE, start, first, start, min(first + _ADDRESSES - 1, 254)))


def _keep(at, **values):
    from firmware.settings import Settings

    Settings(at.memory).keep(**values)
