"""The least that a client takes for an MQTT broker: it acknowledges, and says what a real broker would not."""

from __future__ import annotations

import contextlib
import socket
import threading

from tests.system.servers import Server

CONNECT, PUBLISH, PUBREC, PUBREL, SUBSCRIBE, UNSUBSCRIBE, PING = 0x10, 0x30, 0x50, 0x60, 0x80, 0xA0, 0xC0


class SmallBroker(Server):
    """One client at a time.

    ``packets`` are those that have come, first byte and body. ``accepted`` is what CONNACK says, ``granted`` what
    SUBACK says. What is in ``unanswered``, first bytes' upper halves, gets no answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.packets: list[tuple[int, bytes]] = []
        self.accepted = 0
        self.granted = 0
        self.unanswered: set[int] = set()
        self._arrived = threading.Condition()
        self._client: socket.socket | None = None

    def say(self, data: bytes) -> None:
        """Send raw bytes to the client."""
        assert self._client
        self._client.sendall(data)

    def hang_up(self) -> None:
        """Close the client's connection."""
        assert self._client
        self._client.shutdown(socket.SHUT_RDWR)

    def wait_for(self, first: int, body: bytes | None = None, timeout: float = 10.0) -> bool:
        """Wait until a packet with this first byte, and this body if given, has come."""

        def there() -> bool:
            return any(first == byte and body in (None, rest) for byte, rest in self.packets)

        with self._arrived:
            return self._arrived.wait_for(there, timeout)

    def serve(self, connection: socket.socket) -> None:
        self._client = connection
        connection.settimeout(None)
        with connection, contextlib.suppress(EOFError):
            while True:
                self._serve(connection)

    def _serve(self, client: socket.socket) -> None:
        first = _read(client, 1)[0]
        length = shift = 0
        while True:
            byte = _read(client, 1)[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        body = _read(client, length)
        answer = b"" if first & 0xF0 in self.unanswered else self._answer(first, body)
        client.sendall(answer)
        with self._arrived:
            self.packets.append((first, body))
            self._arrived.notify_all()

    def _answer(self, first: int, body: bytes) -> bytes:
        match first & 0xF0:
            case 0x10:
                return bytes((0x20, 2, 0, self.accepted))
            case 0x30:
                qos = first >> 1 & 3
                number = body[2 + int.from_bytes(body[:2]) :][:2]
                return bytes((0x40 if qos == 1 else 0x50, 2)) + number if qos else b""
            case 0x60:
                return b"\x70\x02" + body
            case 0x80:
                return b"\x90\x03" + body[:2] + bytes((self.granted,))
            case 0xA0:
                return b"\xb0\x02" + body[:2]
            case 0xC0:
                return b"\xd0\x00"
        return b""


def message(topic: bytes, data: bytes, number: int | None = None, qos: int = 0, again: bool = False) -> bytes:
    """A PUBLISH packet."""
    body = len(topic).to_bytes(2) + topic + (number.to_bytes(2) if number is not None else b"") + data
    length, head = len(body), b""
    while length > 127:
        head += bytes((length & 127 | 128,))
        length >>= 7
    return bytes((0x30 | again << 3 | qos << 1,)) + head + bytes((length,)) + body


def _read(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data
