"""mosquitto, an MQTT broker, with its own clients to talk through it."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.system.servers import free_port

START_SECONDS = 10.0
PATH = "/usr/sbin:/usr/local/sbin"
CONFIGURATION = """\
listener {port} 127.0.0.1
user root
persistence false
log_dest stderr
log_type all
max_queued_messages 10000
{more}
"""


def missing() -> str:
    """What is not installed of the broker and its clients; empty if all is there."""
    return " ".join(name for name in ("mosquitto", "mosquitto_pub", "mosquitto_sub") if not _find(name))


def _find(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=PATH)


class Mosquitto:
    """A broker on ``port`` of this machine, a context manager; ``more`` are lines of its configuration."""

    def __init__(self, folder: Path, more: str = "allow_anonymous true") -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._configuration = folder / "mosquitto.conf"
        self._configuration.write_text(CONFIGURATION.format(port=self.port, more=more))

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        program = _find("mosquitto")
        assert program
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([program, "-c", self._configuration], stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.01)
        raise AssertionError(f"mosquitto did not start: {self.log}")

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process = None

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """The broker does nothing meanwhile."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def publish(self, topic: str, *messages: bytes, qos: int = 0, retain: bool = False) -> None:
        """Send messages, over one connection."""
        for message in messages:
            assert b"\n" not in message or len(messages) == 1
        line_by_line = len(messages) > 1
        way = "-l" if line_by_line else "-s" if messages[0] else "-n"
        command = [*self._client("mosquitto_pub"), "-t", topic, "-q", str(qos), way]
        data = b"".join(message + b"\n" for message in messages) if line_by_line else messages[0]
        subprocess.run([*command, *(["-r"] if retain else [])], input=data, check=True, timeout=20)

    @contextlib.contextmanager
    def subscribed(self, topic: str, count: int) -> Iterator[subprocess.Popen[bytes]]:
        """A client that listens to ``topic``; ``received`` tells the next ``count`` messages."""
        command = [*self._client("mosquitto_sub"), "-t", topic, "-q", "2", "-C", str(count), "-W", "20"]
        connected = self.log.count("SUBACK")
        # Topic, QoS, retained, length, data.
        client = subprocess.Popen([*command, "-F", "%t %q %r %l %x"], stdout=subprocess.PIPE)
        deadline = time.monotonic() + START_SECONDS
        while self.log.count("SUBACK") == connected:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        try:
            yield client
        finally:
            client.kill()
            client.wait()

    def _client(self, name: str) -> list[str]:
        program = _find(name)
        assert program
        return [program, "-h", "127.0.0.1", "-p", str(self.port)]


def received(client: subprocess.Popen[bytes]) -> list[tuple[str, int, bool, bytes]]:
    """What a client of ``subscribed`` has heard: topic, QoS, retained, data of each message."""
    output, _ = client.communicate(timeout=30)
    messages = []
    for line in output.decode().splitlines():
        topic, qos, retained, _, *data = line.split(" ")
        messages.append((topic, int(qos), retained == "1", bytes.fromhex(data[0] if data else "")))
    return messages
