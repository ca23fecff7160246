"""The settings of TCP/IP that survive a restart. Loaded when needed."""

from firmware.settings import Settings


def stored(memory):
    """Those in force at first, by name; see ``firmware.net.Net``."""
    settings = Settings(memory)
    values = {name: settings.numbers(name, None) for name in ("sslauth", "tcpopt")}
    values["reconnintv"] = settings.integer("reconnintv", None)
    return {name: values[name] for name in values if values[name]}


def keep(net, **values):
    """Put settings in force; they are stored unless AT+SYSSTORE=0 forbids it."""
    net.settings.update(values)
    Settings(net.wifi.memory).keep(**values)
