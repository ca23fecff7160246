"""A connection to an MQTT broker (MQTT 3.1.1), and how it is kept. Loaded while there is one, or is to be one again.

Not on MicroPython's ``umqtt.simple``: its calls block the whole interpreter until the broker answers, it takes in
messages of any size whole, and it knows neither UNSUBSCRIBE nor QoS 2. Here a message is read only when the report
before it has gone out, so a host that sleeps or reads slowly makes TCP push back, and the broker keeps what is behind.
Costs a piece of a message, which is the longest report; longer messages come in several, as from ESP-AT.
"""

import asyncio
from errno import ETIMEDOUT
from time import ticks_diff, ticks_ms

from micropython import const

from firmware import log
from firmware.at_port import readable
from firmware.mqtt import CONNECTED, DISCONNECTED, WITH_TOPICS
from firmware.unload import unload

# Packets by their first byte's upper half.
_PUBLISH = const(0x30)
_PUBREC = const(0x50)
_PUBREL = const(0x60)

_PIECE = const(1024)
_TOPIC_MOST = const(1024)
_TICK_MS = const(10)
_LIMIT_MS = const(15_000)
# Before the connection is tried again; doubled each time up to half a minute.
_PAUSE_MS = const(1000)
_DOUBLINGS_MOST = const(5)
_ECONNRESET = const(104)
_EPROTO = const(71)


def packet(kind, body, more=0):
    """A packet that begins with ``body``; ``more`` bytes follow."""
    length = len(body) + more
    head = bytearray((kind,))
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    head.append(length)
    return bytes(head) + body


def two(number):
    """A number of two bytes."""
    return bytes((number >> 8, number & 255))


def subscription(number, topic, qos):
    """The packet that subscribes to ``topic``."""
    return packet(0x82, two(number) + two(len(topic)) + topic + bytes((qos,)))


async def _cancel_after(task, limit_ms):
    await asyncio.sleep_ms(limit_ms)
    task.cancel()


class Session:
    """``mqtt`` (``firmware.mqtt.Mqtt``) says what is to be done; reports go to ``at``."""

    def __init__(self, at, mqtt):
        self._at = at
        self._mqtt = mqtt
        self._buffer = bytearray(_PIECE)
        self._view = memoryview(self._buffer)
        self.stream = None
        self._task = self._watching = None
        # When bytes have come and gone last; whether a ping is unanswered.
        self._heard = self._told = 0
        self._pinged = self._broken = self._telling = False
        self._number = 0
        # The acknowledgment that a command waits for, and what it said.
        self._wanted = None
        self._answer = None
        # The report that waits for its turn.
        self._report = None
        self._delivered = asyncio.Event()
        # Messages of QoS 2 that the broker has not let go.
        self._kept = []

    # The connection.

    async def connect(self, limit_ms):
        """Connect and be accepted; OSError if not, or if that takes longer than ``limit_ms``."""
        guard = asyncio.create_task(_cancel_after(asyncio.current_task(), limit_ms))
        try:
            await self._connect(limit_ms)
        except BaseException as error:
            self.close()
            if guard.done() and isinstance(error, asyncio.CancelledError):
                raise OSError(ETIMEDOUT)
            raise
        finally:
            guard.cancel()
            unload("mqtt_connect", "connection", "resolver", "link_tls", "tls_context")

    async def _connect(self, limit_ms):
        from firmware.mqtt_connect import connect

        self._broken = self._pinged = False
        self._heard = self._told = ticks_ms()
        mqtt = self._mqtt
        known = await connect(self, mqtt, limit_ms)
        mqtt.state = CONNECTED
        if mqtt.topics:
            mqtt.state = WITH_TOPICS
            if not known:
                for topic, qos in mqtt.topics:
                    await self.tell(subscription(self.next_number(), topic, qos))

    def start(self):
        """Begin to read, and to watch over the connection."""
        self._task = asyncio.create_task(self._run())
        self._watching = asyncio.create_task(self._watch())

    def close(self):
        """End the connection; a command that waits for an acknowledgment gives up."""
        if self.stream:
            self.stream.close()
            self.stream = None

    def stop(self):
        """End everything."""
        self._mqtt.session = self._report = None
        self.close()
        for task in (self._task, self._watching):
            if task and task is not asyncio.current_task():
                task.cancel()
        unload("mqtt_session")

    async def _run(self):
        mqtt = self._mqtt
        while True:
            try:
                while True:
                    await self._read_packet()
            except BaseException as error:  # whatever it is, the connection is lost; the watch cancels
                if mqtt.session is not self:
                    # AT+MQTTCLEAN
                    return
                log("MQTT:", type(error).__name__, error)
            self.close()
            mqtt.state = DISCONNECTED
            self._at.report(b"+MQTTDISCONNECTED:0")
            if not mqtt.reconnect:
                self.stop()
                return
            await self._connect_again()
            self._at.report(mqtt.described(b"+MQTTCONNECTED"))

    async def _connect_again(self):
        doublings = 0
        while True:
            await asyncio.sleep_ms(_PAUSE_MS << doublings)
            doublings = min(doublings + 1, _DOUBLINGS_MOST)
            try:
                return await self.connect(self._mqtt.timeout_ms)
            except (OSError, ValueError, MemoryError) as error:
                log("MQTT:", type(error).__name__, error)

    async def _watch(self):
        """Ping when nothing was sent for half the time that the broker was told. When nothing has come for all of it,
        pings unanswered, the connection is lost. While a report waits for the host nothing is read, so nothing is
        concluded.
        """
        half_ms = self._mqtt.keep_alive * 500
        while True:
            await asyncio.sleep_ms(min(half_ms, 1000))
            if not self.stream:
                continue
            now = ticks_ms()
            if self._report:
                self._heard = now
            silent = ticks_diff(now, self._heard)
            if silent >= 2 * half_ms:
                self._break()
            elif ticks_diff(now, self._told) >= half_ms or (silent >= half_ms and not self._pinged):
                self._pinged = True
                try:
                    await self.tell(b"\xc0\x00", limit_ms=half_ms)
                except OSError as error:
                    log("MQTT: ping:", error)

    def _break(self):
        """The connection is lost: the reader is to hear of it, now or when its report has gone out."""
        self._broken = True
        if not self._report and self._task and self._task is not asyncio.current_task():
            self._task.cancel()

    # What comes.

    async def take(self, view):
        """Read until ``view`` is full."""
        filled = 0
        while filled < len(view):
            if self._broken or not self.stream:
                raise OSError(ETIMEDOUT)
            count = self.stream.readinto(view[filled:] if filled else view)
            if count:
                filled += count
                self._heard = ticks_ms()
                self._pinged = False
            elif count is None:
                await readable(self.stream)
            else:
                raise OSError(_ECONNRESET)

    async def _read_packet(self):
        buffer = self._buffer
        await self.take(self._view[:1])
        first = buffer[0]
        length = shift = 0
        while True:
            await self.take(self._view[:1])
            length |= (buffer[0] & 127) << shift
            shift += 7
            if buffer[0] < 128:
                break
            if shift > 21:
                raise OSError(_EPROTO)
        if first & 0xF0 == _PUBLISH:
            await self._read_message(first, length)
            return
        if length > _PIECE:
            raise OSError(_EPROTO)
        await self.take(self._view[:length])
        number = buffer[0] << 8 | buffer[1]
        kind = first & 0xF0
        if kind == _PUBREC:
            await self.tell(b"\x62\x02" + two(number))
        elif kind == _PUBREL:
            if number in self._kept:
                self._kept.remove(number)
            await self.tell(b"\x70\x02" + two(number))
        elif (kind, number) == self._wanted:
            self._answer = bytes(self._view[2:length])

    async def _read_message(self, first, left):
        """A message: its acknowledgment goes out when the host has got it."""
        buffer = self._buffer
        qos = first >> 1 & 3
        await self.take(self._view[:2])
        count = buffer[0] << 8 | buffer[1]
        left -= count + (4 if qos else 2)
        if left < 0:
            raise OSError(_EPROTO)
        topic = bytearray(min(count, _TOPIC_MOST))
        await self.take(memoryview(topic))
        # What is longer is cut.
        await self._skip(count - len(topic))
        number = 0
        if qos:
            await self.take(self._view[:2])
            number = buffer[0] << 8 | buffer[1]
        if qos == 2 and number in self._kept:
            await self._skip(left)
        else:
            await self._deliver(topic, left)
            if qos == 2:
                self._kept.append(number)
        if qos:
            await self.tell((b"\x50\x02" if qos == 2 else b"\x40\x02") + two(number))

    async def _skip(self, left):
        while left:
            count = min(left, _PIECE)
            await self.take(self._view[:count])
            left -= count

    async def _deliver(self, topic, left):
        """Give the host a message of ``left`` bytes; the topic is in the first of its reports only."""
        more = True
        while more:
            piece = self._view[: min(left, _PIECE)]
            await self.take(piece)
            left -= len(piece)
            more = left > 0
            self._report = (b'+MQTTSUBRECV:0,"' + topic + b'",%d,' % len(piece), piece)
            topic = b""
            self._delivered.clear()
            self._at.queue(self)
            await self._delivered.wait()

    async def send(self, port):
        """The report, in its turn; nothing if the session has ended since."""
        try:
            if self._report:
                await port.send_whole(*self._report, b"\r\n")
        finally:
            self._report = None
            self._delivered.set()

    # What goes.

    async def tell(self, packet, data=b"", source=None, limit_ms=_LIMIT_MS):
        """Send a packet whole: its beginning, data, and more of that from ``source``, block by block. OSError if the
        connection is lost, or the broker does not take a block within ``limit_ms``.
        """
        while self._telling:
            await asyncio.sleep_ms(_TICK_MS)
        if not self.stream:
            raise OSError(_ECONNRESET)
        self._telling = True
        try:
            await self.write(packet, limit_ms)
            while data:
                await self.write(data, limit_ms)
                data = await source.next() if source else b""
            self._told = ticks_ms()
        except BaseException:
            # Half a packet: nothing can follow it.
            self._break()
            raise
        finally:
            self._telling = False

    async def write(self, piece, limit_ms):
        """Send all of ``piece``; OSError if that takes longer than ``limit_ms``."""
        view = memoryview(piece)
        begin = ticks_ms()
        while view:
            if self._broken or not self.stream:
                raise OSError(_ECONNRESET)
            count = self.stream.write(view)
            if count:
                view = view[count:]
            elif ticks_diff(ticks_ms(), begin) > limit_ms:
                raise OSError(ETIMEDOUT)
            else:
                await asyncio.sleep_ms(_TICK_MS)

    def next_number(self):
        """A number for a packet that is to be acknowledged."""
        self._number = self._number % 0xFFFF + 1
        return self._number

    async def ask(self, kind, number, limit_ms, packet, data=b"", source=None):
        """Send a packet and wait for its acknowledgment; what that says. OSError if the connection is lost, or after
        ``limit_ms``.
        """
        self._answer = None
        self._wanted = (kind, number)
        try:
            await self.tell(packet, data, source, limit_ms)
            begin = ticks_ms()
            while self._answer is None:
                if not self.stream:
                    raise OSError(_ECONNRESET)
                if ticks_diff(ticks_ms(), begin) > limit_ms:
                    raise OSError(ETIMEDOUT)
                await asyncio.sleep_ms(_TICK_MS)
        finally:
            self._wanted = None
        return self._answer
