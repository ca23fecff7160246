"""IPv4 and MAC addresses as commands write them, and how an interface gets one. Loaded when needed.

``ipconfig`` is used, not ``ifconfig``: that fails in ESP-IDF while there is no name server.
"""

from binascii import hexlify, unhexlify

import network


def is_ip(text):
    """Whether these bytes are four decimal numbers up to 255."""
    parts = text.split(b".")
    return len(parts) == 4 and all(part.isdigit() and len(part) < 4 and int(part) < 256 for part in parts)


def is_netmask(text):
    """Whether these bytes are a mask: ones, then zeros."""
    if not is_ip(text):
        return False
    bits = 0
    for part in text.split(b"."):
        bits = bits << 8 | int(part)
    bits ^= 0xFFFFFFFF
    return bits & (bits + 1) == 0


def use_static(wlan, addresses):
    """Give an interface its address for good; ``addresses`` is ``ip,gateway,netmask`` as bytes."""
    ip, gateway, netmask = addresses.decode().split(",")
    wlan.ipconfig(addr4=(ip, netmask), gw4=gateway)


def stop_dhcp(wlan):
    """The station keeps the address it has. ``dhcp4=False`` would do nothing before the interface is up."""
    wlan.ipconfig(addr4=wlan.ipconfig("addr4"))


def mac_of(text):
    """The 6 bytes of ``aa:bb:cc:dd:ee:ff``, or None if it is not an address that an interface can have."""
    parts = text.split(b":")
    if len(parts) != 6:
        return None
    try:
        mac = b"".join(unhexlify(part) for part in parts)
    except ValueError:
        return None
    return mac if len(mac) == 6 and any(mac) and not mac[0] & 1 else None


def mac_text(mac):
    """The usual form of a MAC address."""
    return hexlify(mac, ":").decode()


def use_mac(interface, mac):
    """Give an interface a MAC address; False if the driver does not take it.

    ESP-IDF takes one while the interface is off; but then ``config`` raises after it has been taken. So what counts is
    what the driver says afterwards.
    """
    wlan = network.WLAN(interface)
    was_active = wlan.active()
    for active in (False, True):
        wlan.active(active)
        if wlan.config("mac") != mac:
            try:
                wlan.config(mac=mac)
            except (OSError, RuntimeError):
                continue
    wlan.active(was_active)
    return wlan.config("mac") == mac
