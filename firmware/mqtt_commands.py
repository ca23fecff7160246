"""MQTT's connection, messages and topics: commands of ESP-AT's user guide, "MQTT AT Commands". Loaded when called."""

from errno import ETIMEDOUT

from micropython import const

from firmware import log
from firmware.at_error import FAILED, NO_NETWORK, TIMED_OUT, VALUE, AtError, code_of
from firmware.command import MOST, command, integer, string
from firmware.mqtt import (
    CONNECTED,
    CONNECTED_ALREADY,
    DISCONNECTED,
    NOT_CONFIGURED,
    NOT_CONNECTED,
    NOTHING_THERE,
    PUBLISH_FAILED,
    START_FAILED,
    SUBSCRIBE_FAILED,
    UNSUBSCRIBE_FAILED,
    WITH_TOPICS,
    WITHOUT_TOPICS,
)
from firmware.unload import unload

_TIMEOUT_MS = const(15_000)
_TOPICS_MOST = const(10)
_BLOCK = const(1024)
# Acknowledgments.
_PUBACK = const(0x40)
_PUBCOMP = const(0x70)
_SUBACK = const(0x90)
_UNSUBACK = const(0xB0)


def commands(wifi):
    """The family's command table; ``wifi`` (``firmware.wifi.Wifi``) knows whether there is a network."""

    def connect(at, link, host, port, reconnect, timeout_ms):
        return _connect(at, wifi, host, port, reconnect, timeout_ms or _TIMEOUT_MS)

    only = integer(0, 0)
    topic = string(1, 128)
    qos = integer(0, 2)
    retained = integer(0, 1)
    timeout = integer(3000, 60_000, optional=True)
    return (
        command(
            b"+MQTTCONN",
            (only, string(1, 128), integer(1, 0xFFFF), retained, timeout),
            set=connect,
            query=_query_connection,
        ),
        command(b"+MQTTPUB", (only, topic, string(), qos, retained, timeout), set=_publish),
        command(b"+MQTTPUBRAW", (only, topic, integer(1, MOST), qos, retained, timeout), set=_publish_raw),
        command(b"+MQTTSUB", (only, topic, qos, timeout), set=_subscribe, query=_query_topics),
        command(b"+MQTTUNSUB", (only, topic, timeout), set=_unsubscribe),
        command(b"+MQTTCLEAN", (only,), set=_clean),
    )


async def _connect(at, wifi, host, port, reconnect, timeout_ms):
    mqtt = at.owners.get("mqtt")
    if mqtt is None:
        raise AtError(FAILED | NOT_CONFIGURED)
    if mqtt.state >= CONNECTED:
        raise AtError(FAILED | CONNECTED_ALREADY)
    if not wifi.connected():
        raise AtError(NO_NETWORK)
    if mqtt.session:
        mqtt.session.stop()
    mqtt.host, mqtt.port, mqtt.reconnect, mqtt.timeout_ms = host, port, reconnect, timeout_ms
    from firmware.mqtt_session import Session

    session = Session(at, mqtt)
    try:
        await session.connect(timeout_ms)
    except (OSError, ValueError) as error:
        mqtt.state = DISCONNECTED
        unload("mqtt_session")
        raise _failed(error, START_FAILED)
    mqtt.session = session
    session.start()
    at.info(mqtt.described(b"+MQTTCONNECTED"))


def _query_connection(at):
    mqtt = at.owners.get("mqtt")
    if mqtt is None:
        at.info('+MQTTCONN:0,0,0,"","","",0')
    elif not mqtt.host:
        at.info('+MQTTCONN:0,%d,%d,"","","",0' % (mqtt.state, mqtt.scheme))
    else:
        at.info(mqtt.described(b"+MQTTCONN", b"%d," % mqtt.state))


async def _publish(at, link, topic, data, qos, retained, timeout_ms):
    await _send(_session(at), topic, len(data), qos, retained, timeout_ms, data, None)


async def _publish_raw(at, link, topic, length, qos, retained, timeout_ms):
    session = _session(at)
    _check(topic)
    from firmware.host_data import HostData

    source = HostData(at, length, memoryview(bytearray(min(length, _BLOCK))))
    data = await source.next()
    try:
        await _send(session, topic, length, qos, retained, timeout_ms, data, source)
        return b"+MQTTPUB:OK\r\n"
    except Exception as error:  # whatever it is, the host hears FAIL once all its data is taken
        if source.given_up:
            raise
        await source.drop_rest()
        if at.show_codes:
            at.port.put(b"ERR CODE:0x%08x\r\n" % (0x01000000 | code_of(error)))
        return b"+MQTTPUB:FAIL\r\n"
    finally:
        unload("host_data")


async def _send(session, topic, length, qos, retained, timeout_ms, data, source):
    _check(topic)
    from firmware.mqtt_session import packet, two

    timeout_ms = timeout_ms or _TIMEOUT_MS
    head = two(len(topic)) + topic
    number = 0
    if qos:
        number = session.next_number()
        head += two(number)
    head = packet(0x30 | qos << 1 | retained, head, length)
    try:
        if qos:
            await session.ask(_PUBCOMP if qos == 2 else _PUBACK, number, timeout_ms, head, data, source)
        else:
            await session.tell(head, data, source, timeout_ms)
    except OSError as error:
        raise _failed(error, PUBLISH_FAILED)


def _check(topic):
    """Brokers hang up on a message to a pattern."""
    if b"+" in topic or b"#" in topic:
        raise AtError(VALUE | 1)


async def _subscribe(at, link, topic, qos, timeout_ms):
    session = _session(at)
    mqtt = at.owners["mqtt"]
    if any(topic == known for known, _ in mqtt.topics):
        at.info("ALREADY SUBSCRIBE")
        return
    if len(mqtt.topics) >= _TOPICS_MOST:
        raise AtError(FAILED | SUBSCRIBE_FAILED)
    from firmware.mqtt_session import subscription

    number = session.next_number()
    try:
        granted = await session.ask(_SUBACK, number, timeout_ms or _TIMEOUT_MS, subscription(number, topic, qos))
    except OSError as error:
        raise _failed(error, SUBSCRIBE_FAILED)
    if granted[0] > 2:
        raise AtError(FAILED | SUBSCRIBE_FAILED)
    mqtt.topics.append((topic, qos))
    mqtt.state = WITH_TOPICS


def _query_topics(at):
    mqtt = at.owners.get("mqtt")
    state = mqtt.state if mqtt else 0
    if not (mqtt and mqtt.topics):
        at.info('+MQTTSUB:0,%d,"",0' % state)
        return
    for topic, qos in mqtt.topics:
        at.info(b'+MQTTSUB:0,%d,"%s",%d' % (state, topic, qos))


async def _unsubscribe(at, link, topic, timeout_ms):
    session = _session(at)
    mqtt = at.owners["mqtt"]
    left = [known for known in mqtt.topics if known[0] != topic]
    if len(left) == len(mqtt.topics):
        at.info("NO UNSUBSCRIBE")
        return
    from firmware.mqtt_session import packet, two

    number = session.next_number()
    asking = packet(0xA2, two(number) + two(len(topic)) + topic)
    try:
        await session.ask(_UNSUBACK, number, timeout_ms or _TIMEOUT_MS, asking)
    except OSError as error:
        raise _failed(error, UNSUBSCRIBE_FAILED)
    mqtt.topics = left
    mqtt.state = WITH_TOPICS if left else WITHOUT_TOPICS


async def _clean(at, link):
    mqtt = at.owners.pop("mqtt", None)
    if mqtt is None:
        raise AtError(FAILED | NOTHING_THERE)
    session = mqtt.session
    if session:
        # What the connection's end brings about is no news.
        mqtt.session = None
        try:
            if mqtt.state >= CONNECTED:
                # The will is not for a connection that ends like this.
                await session.tell(b"\xe0\x00", limit_ms=1000)
        except OSError as error:
            log("MQTT:", type(error).__name__, error)
        session.stop()
    unload("mqtt")


def _session(at):
    """The session, connected; AtError if there is none."""
    mqtt = at.owners.get("mqtt")
    if mqtt is None:
        raise AtError(FAILED | NOT_CONFIGURED)
    if mqtt.state < CONNECTED:
        raise AtError(FAILED | NOT_CONNECTED)
    return mqtt.session


def _failed(error, code):
    log("MQTT:", type(error).__name__, error)
    return AtError(TIMED_OUT if error.args and error.args[0] == ETIMEDOUT else FAILED | code)
