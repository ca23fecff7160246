"""What the MQTT client is to do; made by AT+MQTTUSERCFG, gone with AT+MQTTCLEAN. The connection is in
``mqtt_session``.
"""

from micropython import const

# Of AT+MQTTCONN? and AT+MQTTSUB?.
USER_CONFIGURED = const(1)
CONNECTION_CONFIGURED = const(2)
DISCONNECTED = const(3)
CONNECTED = const(4)
WITHOUT_TOPICS = const(5)
WITH_TOPICS = const(6)

# ESP-AT's error codes; they are added to ``at_error.FAILED``.
NOT_CONFIGURED = const(0x6001)
NOTHING_THERE = const(0x6003)
CONNECTED_ALREADY = const(0x6004)
START_FAILED = const(0x600B)
PUBLISH_FAILED = const(0x600C)
SUBSCRIBE_FAILED = const(0x600D)
UNSUBSCRIBE_FAILED = const(0x600E)
NOT_CONNECTED = const(0x6051)

_KEEP_ALIVE = const(120)


class Mqtt:
    """Settings as the commands give them, and the session once there is one."""

    def __init__(self, scheme, client_id, username, password):
        self.state = USER_CONFIGURED
        self.scheme = scheme
        self.client_id = client_id
        self.username = username
        self.password = password
        self.path = b""
        self.sni = None
        # Seconds.
        self.keep_alive = _KEEP_ALIVE
        self.clean = True
        # Topic, message, QoS, retained.
        self.will = None
        self.host = b""
        self.port = self.reconnect = self.timeout_ms = 0
        # (topic, QoS) of what is subscribed to.
        self.topics = []
        self.session = None

    def described(self, name, state=b""):
        """The connection as AT+MQTTCONN? and +MQTTCONNECTED tell it."""
        values = (name, state, self.scheme, self.host, self.port, self.path, self.reconnect)
        return b'%s:0,%s%d,"%s","%d","%s",%d' % values
