"""What the MQTT client is to do: commands of ESP-AT's user guide, "MQTT AT Commands". Loaded when called. WebSocket
schemes and ALPN are not there.
"""

from firmware.at_error import FAILED, AtError
from firmware.command import command, integer, string
from firmware.mqtt import CONNECTED, CONNECTED_ALREADY, CONNECTION_CONFIGURED, NOT_CONFIGURED, Mqtt

_LONGEST = 1024


def commands(wifi):
    """The family's command table."""
    only = integer(0, 0)
    short = string(0, 64)
    user = (only, integer(1, 5), string(0, 256), short, short, only, only, string(0, 32))
    will = string(0, 128)
    connection = (only, integer(0, 7200), integer(0, 1), will, will, integer(0, 2), integer(0, 1))
    long = (only, integer(1, _LONGEST))
    return (
        command(b"+MQTTUSERCFG", user, set=_set_user),
        command(b"+MQTTLONGCLIENTID", long, set=_setter("client_id")),
        command(b"+MQTTLONGUSERNAME", long, set=_setter("username")),
        command(b"+MQTTLONGPASSWORD", long, set=_setter("password")),
        command(b"+MQTTCONNCFG", connection, set=_set_connection),
        command(b"+MQTTSNI", (only, string(1, 64)), set=_set_sni),
    )


def _set_user(at, link, scheme, client_id, username, password, key, authority, path):
    before = at.owners.get("mqtt")
    if before and before.state > CONNECTION_CONFIGURED:
        raise AtError(FAILED | CONNECTED_ALREADY)
    mqtt = at.owners["mqtt"] = Mqtt(scheme, client_id, username, password)
    mqtt.path = path


def _setter(name):
    async def set_long(at, link, length):
        mqtt = _configured(at)
        text = bytearray(length)
        await at.data(memoryview(text))
        setattr(mqtt, name, text)

    return set_long


def _set_connection(at, link, keep_alive, not_clean, topic, message, qos, retained):
    mqtt = _configured(at)
    if keep_alive:
        mqtt.keep_alive = keep_alive
    mqtt.clean = not not_clean
    mqtt.will = (topic, message, qos, retained) if topic else None
    mqtt.state = CONNECTION_CONFIGURED


def _set_sni(at, link, name):
    _configured(at).sni = name


def _configured(at):
    """The settings, to be changed; AtError if there are none, or if they are in use."""
    mqtt = at.owners.get("mqtt")
    if mqtt is None:
        raise AtError(FAILED | NOT_CONFIGURED)
    if mqtt.state >= CONNECTED:
        raise AtError(FAILED | CONNECTED_ALREADY)
    return mqtt
