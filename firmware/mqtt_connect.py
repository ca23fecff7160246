"""From a broker's name to a session that it has accepted. Loaded for that."""

from micropython import const

from firmware import connection
from firmware.mqtt_session import packet, two

_TCP = const(1)
# What AT+CIPSSLCCONF calls the schemes from 2 on: 1 shows a certificate of the module's own, 2 verifies the broker.
_MODES = (0, 2, 1, 3)
_EACCES = const(13)
_EPROTO = const(71)


async def connect(session, mqtt, limit_ms):
    """Connect ``session``; whether the broker knows it from before. OSError if it is refused."""
    host = mqtt.host.decode()
    address = await connection.address_of(host, mqtt.port, limit_ms)
    session.stream = await connection.connect(address, mqtt.port, limit_ms)
    if mqtt.scheme != _TCP:
        from firmware.link_tls import secure

        session.stream, _ = await secure(session.stream, _MODES[mqtt.scheme - 2], mqtt.sni or host, limit_ms)
    await session.write(_introduction(mqtt), limit_ms)
    answer = bytearray(4)
    await session.take(memoryview(answer))
    if answer[:2] != b"\x20\x02":
        raise OSError(_EPROTO)
    if answer[3]:
        raise OSError(_EACCES, "refused: %d" % answer[3])
    return answer[2] & 1


def _introduction(mqtt):
    flags = 2 if mqtt.clean else 0
    texts = [mqtt.client_id]
    if mqtt.will:
        topic, message, qos, retained = mqtt.will
        flags |= 4 | qos << 3 | retained << 5
        texts += [topic, message]
    if mqtt.username:
        flags |= 0x80
        texts.append(mqtt.username)
        if mqtt.password:
            flags |= 0x40
            texts.append(mqtt.password)
    body = b"\x00\x04MQTT\x04" + bytes((flags,)) + two(mqtt.keep_alive)
    for text in texts:
        body += two(len(text)) + text
    return packet(0x10, body)
