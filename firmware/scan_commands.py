"""AT+CWLAP and AT+CWLAPOPT: the access points in reach (ESP-AT user guide, "Wi-Fi AT Commands"). Loaded when called."""

from binascii import hexlify

from micropython import const

from firmware.at_error import NOT_THERE, VALUE, AtError
from firmware.command import command, integer, string
from firmware.scan import scan
from firmware.unload import unload
from firmware.wifi import DOWN

_STATION = const(1)
_MASK = const(0x7FF)
_OPEN = const(0)
_NO_CIPHER = const(0)
_UNKNOWN_CIPHER = const(7)
# Shown fields, least signal, shown kinds of authentication (AT+CWLAPOPT).
_OPTIONS = (_MASK, -100, 0xFFFF)


def commands(wifi):
    """The family's command table."""

    def find(at, *wanted):
        return _list(at, wifi, *wanted)

    options = (
        integer(0, 1, optional=True),
        integer(0, _MASK),
        integer(-100, 40, optional=True),
        integer(0, 0xFFFF, optional=True),
    )
    wanted = (
        string(0, 32, optional=True),
        string(17, 17, optional=True),
        integer(0, 14, optional=True),
        integer(0, 1, optional=True),
        integer(0, 1500, optional=True),
        integer(0, 1500, optional=True),
        integer(0, 0x7FFF, optional=True),
    )
    return (
        command(b"+CWLAP", wanted, set=find, execute=find),
        command(b"+CWLAPOPT", options, set=_set_options),
    )


def _set_options(at, _, mask, least, kinds):
    """AT+CWLAPOPT=[<reserved>],<mask>[,<least signal>][,<kinds of authentication>]"""
    from firmware.settings import Settings

    options = (mask, _OPTIONS[1] if least is None else least, _OPTIONS[2] if kinds is None else kinds)
    Settings(at.memory).hold(scan=options)


async def _list(at, wifi, ssid=None, mac=None, channel=None, passive=None, shortest=None, longest=None, channels=None):
    """AT+CWLAP[=<ssid>,<mac>,<channel>,...]. The driver always scans all channels actively for its own time: what is
    wanted is picked from what it finds.
    """
    address = None
    if mac:
        from firmware.addresses import mac_of

        address = mac_of(mac)
        if not address:
            raise AtError(VALUE | 1)
    if not wifi.mode & _STATION:
        raise AtError(NOT_THERE)
    from firmware.settings import Settings

    mask, least, kinds = Settings(at.memory).numbers("scan", _OPTIONS)
    # The driver either scans or connects.
    paused = wifi.wanted and wifi.link == DOWN
    if paused:
        from firmware.wifi_control import connect_stored, disconnect

        disconnect(wifi)
    try:
        found = await scan()
    finally:
        if paused:
            connect_stored(wifi)
            unload("wifi_control")
    for row in found:
        name, bssid, on, signal, kind, _ = row
        if ssid and name != ssid or address and bssid != address:
            continue
        if channel and on != channel or not channel and channels and not channels >> on & 1:
            continue
        if signal >= least and kinds >> kind & 1:
            at.info(_line(row, mask))
            await at.port.flush()


def _line(row, mask):
    """Frequency offset and calibration, ciphers, protocols and WPS are not told: values that say so, or the usual."""
    name, bssid, channel, signal, kind, _ = row
    cipher = _NO_CIPHER if kind == _OPEN else _UNKNOWN_CIPHER
    fields = (kind, b'"%s"' % name, signal, b'"%s"' % hexlify(bssid, ":"), channel, -1, -1, cipher, cipher, 7, 0)
    shown = [field for bit, field in enumerate(fields) if mask >> bit & 1]
    return b"+CWLAP:(" + b",".join(field if isinstance(field, bytes) else b"%d" % field for field in shown) + b")"
