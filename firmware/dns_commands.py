"""AT+CIPDNS (ESP-AT user guide, "TCP/IP AT Commands"). Loaded when called."""

import network

from firmware.addresses import is_ip
from firmware.at_error import VALUE, AtError
from firmware.command import command, integer, string
from firmware.settings import Settings

# ESP-AT's own.
_NAME_SERVERS = (b"208.67.222.222", b"114.114.114.114", b"8.8.8.8")


def commands(wifi):
    """The family's command table."""

    def set_servers(at, manual, *servers):
        _set_servers(wifi, at, manual, servers)

    server = (string(7, 15, optional=True),)
    return (command(b"+CIPDNS", (integer(0, 1),) + server * 3, set=set_servers, query=_query_servers),)


def _set_servers(wifi, at, manual, servers):
    """AT+CIPDNS=<manual>[,<"first">,<"second">,<"third">]: MicroPython asks the first alone, the others are kept for
    the query. Back to DHCP, ESP-AT's first one is asked until there is a lease.
    """
    kept = _checked_servers(servers) if manual else []
    if manual:
        wifi.name_server = str(kept[0], "utf-8")
        network.ipconfig(dns=wifi.name_server)
    elif wifi.name_server:
        wifi.name_server = ""
        network.ipconfig(dns=str(_NAME_SERVERS[0], "utf-8"))
    Settings(at.memory).keep(dns=b",".join(kept))


def _checked_servers(servers):
    kept = []
    for index, server in enumerate(servers):
        if server is None:
            continue
        if not is_ip(server) or server in kept:
            raise AtError(VALUE | index + 1)
        kept.append(server)
    return kept or list(_NAME_SERVERS)


def _query_servers(at):
    manual = Settings(at.memory).text("dns")
    servers = manual or network.ipconfig("dns").encode()
    at.info(b'+CIPDNS:%d,"%s"' % (bool(manual), servers.replace(b",", b'","')))
