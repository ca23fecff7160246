"""WLAN of the ESP32 port: a thin front of the simulated driver (``sim/network.py``, ``sim/station.py``).

What it accepts, returns and raises follows ``ports/esp32/network_wlan.c`` and ``network_common.c`` of MicroPython.
"""

import time

import _board
from micropython import const

_STATUS = const(60)
_CONNECTED = const(61)
_RSSI = const(62)

_state = {"hostname": "mpy-esp32", "country": "XX", "protocol": 7}

# The other names of a setting, and which interface has it: 0 station, 1 access point, None both.
_SAME = {"essid": "ssid", "authmode": "security", "password": "key", "dhcp_hostname": "hostname"}
_READABLE = {
    "mac": None,
    "ssid": None,
    "hidden": 1,
    "security": 1,
    "channel": None,
    "ifname": None,
    "hostname": 0,
    "max_clients": None,
    "reconnects": 0,
    "txpower": None,
    "protocol": None,
    "pm": None,
}
_WRITABLE = {
    "mac": None,
    "ssid": 1,
    "hidden": 1,
    "security": 1,
    "key": 1,
    "channel": None,
    "hostname": None,
    "max_clients": 1,
    "reconnects": 0,
    "txpower": None,
    "protocol": None,
    "pm": None,
}


class WLAN:
    """One object per interface, however often it is asked for."""

    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2
    SEC_OPEN = 0
    SEC_WEP = 1
    SEC_WPA = 2
    SEC_WPA2 = 3
    SEC_WPA_WPA2 = 4
    SEC_WPA2_ENT = 5
    SEC_WPA3 = 6
    SEC_WPA2_WPA3 = 7
    SEC_WAPI = 8
    SEC_OWE = 9
    SEC_WPA3_ENT_192 = 10
    SEC_WPA3_EXT_PSK = 11
    SEC_WPA3_EXT_PSK_MIXED_MODE = 12

    def __new__(cls, interface=0):
        if not 0 <= interface <= 1:
            raise ValueError("invalid WLAN interface identifier")
        if _interfaces[interface] is None:
            _interfaces[interface] = object.__new__(cls)
            _interfaces[interface]._interface = interface
        return _interfaces[interface]

    def __repr__(self):
        return "<WLAN>"

    def active(self, value=None):
        return _board.call("wlan.active", self._interface, None if value is None else bool(value))

    def connect(self, ssid=None, key=None, *, bssid=None):
        if ssid is None and key is None:
            _board.call("wlan.connect", -1, 0)
            return
        ssid = _bytes(ssid or b"")[:32]
        key = _bytes(key or b"")[:64]
        if bssid is not None and len(bssid) != 6:
            raise ValueError()
        _board.call("wlan.connect", len(ssid), len(key), payload=ssid + key + (bssid or b""))

    def disconnect(self):
        _board.call("wlan.disconnect")

    def status(self, what=None):
        if what is None:
            return _board.op(_STATUS) if self._interface == 0 else None
        if what == "stations":
            _require(self, 1)
            return [(bytes.fromhex(mac),) for mac in _board.call("wlan.stations")]
        if what == "rssi":
            _require(self, 0)
            value = _board.op(_RSSI)
            if value > 0:
                raise OSError("Wifi Not Connected" if value == 2 else "Wifi Internal Error")
            return value
        raise ValueError("unknown status param")

    def isconnected(self):
        if self._interface == 1:
            return bool(_board.call("wlan.stations"))
        return _board.op(_CONNECTED) == 1

    def scan(self):
        delay, rows = _board.call("wlan.scan")
        time.sleep_ms(delay)
        return [
            (bytes.fromhex(name), bytes.fromhex(bssid), channel, rssi, security, False)
            for name, bssid, channel, rssi, security in rows
        ]

    def config(self, *names, **values):
        if values:
            if names:
                raise TypeError("either pos or kw args are allowed")
            return _configure(self, values)
        if len(names) != 1:
            raise TypeError("can query only one param")
        return _read(self, names[0])

    def ifconfig(self, new=None):
        if new is None:
            return tuple(_board.call("wlan.addresses", self._interface))
        if isinstance(new, (tuple, list)):
            _set_addresses(self, new)
        elif new == "dhcp" and self._interface == 0:
            _board.call("wlan.fix", 0, None)
        else:
            raise ValueError("invalid arguments")

    def ipconfig(self, *names, **values):
        if values:
            if names:
                raise TypeError("can't specify pos and kw args")
            return _set_ip(self, values)
        if len(names) != 1:
            raise TypeError("must query one param")
        if names[0] == "dhcp4" and self._interface == 0:
            return _board.call("wlan.read", 0, "dhcp4")
        address, netmask, gateway, _ = self.ifconfig()
        if names[0] == "addr4":
            return address, netmask
        if names[0] == "gw4":
            return gateway
        raise ValueError("unexpected key")


_interfaces = [None, None]


def _bytes(text):
    return text.encode() if isinstance(text, str) else bytes(text)


def _require(wlan, interface):
    if wlan._interface != interface:
        raise OSError("AP required" if interface else "STA required")


def _read(wlan, name):
    name = _SAME.get(name, name)
    if name not in _READABLE:
        raise ValueError("unknown config param")
    if _READABLE[name] is not None:
        _require(wlan, _READABLE[name])
    if name == "ifname":
        return "ap2" if wlan._interface else "st1"
    if name in _state:
        return _state[name]
    value = _board.call("wlan.read", wlan._interface, name)
    if name == "mac":
        return bytes.fromhex(value)
    return bytes.fromhex(value).decode() if name == "ssid" else value


def _configure(wlan, values):
    changes = {}
    for name, value in values.items():
        name = _SAME.get(name, name)
        if name not in _WRITABLE:
            raise ValueError("unknown config param")
        if _WRITABLE[name] is not None:
            _require(wlan, _WRITABLE[name])
        if name == "mac":
            if len(value) != 6:
                raise ValueError("invalid buffer length")
            changes[name] = value.hex()
        elif name == "txpower":
            changes[name] = float(value)
        elif name == "hostname":
            hostname(value)
        elif name in _state:
            _state[name] = value
        elif name in ("ssid", "key"):
            changes[name] = _bytes(value)[: 32 if name == "ssid" else 63].hex()
        else:
            changes[name] = bool(value) if name == "hidden" else int(value)
    _board.call("wlan.configure", wlan._interface, changes)


def _address(text):
    """Check an IPv4 address as the port does: four decimal numbers."""
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        raise ValueError("invalid arguments")
    return text


def _netmask(value):
    if not isinstance(value, int):
        return _address(value)
    mask = (0xFFFFFFFF << (32 - value)) & 0xFFFFFFFF
    return "%d.%d.%d.%d" % (mask >> 24, mask >> 16 & 255, mask >> 8 & 255, mask & 255)


def _set_addresses(wlan, new):
    address, netmask, gateway, dns = new
    addresses = [_address(address), _netmask(netmask), _address(gateway)]
    dns = _address(dns)
    if dns == "0.0.0.0":
        raise RuntimeError("Wifi Unknown Error 0x5001")  # ESP-IDF refuses it, when all else is done
    _board.call("wlan.fix", wlan._interface, addresses)
    if wlan._interface == 0:
        _board.call("wlan.name_server", dns)


def _set_ip(wlan, values):
    address, netmask, gateway, _ = wlan.ifconfig()
    for name, value in values.items():
        if name == "dhcp4" and wlan._interface == 0:
            started = wlan.ipconfig("dhcp4")
            if value and not started:
                _board.call("wlan.fix", 0, None)
            elif started and not value and wlan.isconnected():
                _board.call("wlan.fix", 0, [address, netmask, gateway])
        elif name == "addr4":
            if isinstance(value, str):
                address, _, bits = value.partition("/")
                netmask = _netmask(int(bits)) if bits else netmask
            else:
                address, netmask = value
        elif name == "gw4":
            gateway = value
        else:
            raise ValueError("unexpected key")
    if "addr4" in values or "gw4" in values:
        _board.call("wlan.fix", wlan._interface, [_address(address), _netmask(netmask), _address(gateway)])


def hostname(name=None):
    if name is None:
        return _state["hostname"]
    name = _bytes(name)
    if len(name) > 32:
        raise ValueError()
    _state["hostname"] = name.decode()


def country(code=None):
    if code is None:
        return _state["country"]
    if len(code) != 2:
        raise ValueError()
    _state["country"] = code


def ipconfig(*names, **values):
    if not set(values) <= {"dns"} or (not values and names != ("dns",)):
        raise ValueError("unexpected key")
    if not values:
        return _board.call("wlan.name_server", None)
    _board.call("wlan.name_server", _address(values["dns"]))


def phy_mode(*_):
    return None


def LAN(*_, **__):
    raise OSError("the simulated board has no Ethernet")


class PPP:
    """The simulated board has no serial link to a modem."""

    def __init__(self, stream):
        raise OSError("the simulated board has no PPP")
