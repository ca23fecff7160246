"""A module that says what it is told to: answers that a real one gives rarely."""

from __future__ import annotations

import os
import select
import threading
import time
import tty
from collections.abc import Sequence
from types import TracebackType

PATIENCE = 10.0

Step = tuple[bytes, bytes]


class FakeModule:
    """Plays ``steps`` on the tty ``port``: waits for exactly the first bytes of each, then sends the second."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._play)

    def __enter__(self) -> FakeModule:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)
        assert self._failure is None, self._failure

    def _play(self) -> None:
        for number, (wanted, answer) in enumerate(self._steps):
            got = self._read(len(wanted))
            if got != wanted:
                self._failure = f"step {number}: expected {wanted!r}, got {got!r}"
                return
            os.write(self._master, answer)

    def _read(self, count: int) -> bytes:
        data = b""
        deadline = time.monotonic() + PATIENCE
        while len(data) < count and (left := deadline - time.monotonic()) > 0:
            if select.select([self._master], [], [], left)[0]:
                data += os.read(self._master, count - len(data))
        return data
