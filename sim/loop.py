"""One thread that waits for file descriptors and timers of a board: an epoll loop.

Callbacks run in the loop's thread, one at a time. ``call`` may be used from any thread.
"""

from __future__ import annotations

import heapq
import itertools
import os
import select
import threading
import time
from collections.abc import Callable

Callback = Callable[[int], None]


class Loop:
    """Start with ``start``, end with ``stop``; callbacks receive the epoll event mask."""

    def __init__(self, name: str) -> None:
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callback] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._calls: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._wake_out, self._wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._ending = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.add(self._wake_out, select.EPOLLIN, self._on_wake)

    def add(self, fd: int, events: int, callback: Callback) -> None:
        self._callbacks[fd] = callback
        self._epoll.register(fd, events)

    def change(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def remove(self, fd: int) -> None:
        if self._callbacks.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def call(self, function: Callable[[], None]) -> None:
        """Have ``function`` run soon in the loop's thread."""
        with self._lock:
            first = not self._calls
            self._calls.append(function)
        if first:
            os.write(self._wake_in, b"w")

    def call_at(self, when: float, function: Callable[[], None]) -> None:
        """Have ``function`` run at ``when`` (``time.monotonic``); only from the loop's thread."""
        heapq.heappush(self._timers, (when, next(self._order), function))

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        """Have ``function`` run after ``seconds``; only from the loop's thread."""
        self.call_at(time.monotonic() + seconds, function)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ending = True
        self.call(lambda: None)
        self._thread.join()
        self._epoll.close()
        os.close(self._wake_out)
        os.close(self._wake_in)

    def _on_wake(self, _events: int) -> None:
        os.read(self._wake_out, 4096)
        with self._lock:
            calls, self._calls = self._calls, []
        for function in calls:
            function()

    def _timeout(self) -> float:
        if not self._timers:
            return -1
        return max(0.0, self._timers[0][0] - time.monotonic())

    def _run(self) -> None:
        while not self._ending:
            for fd, events in self._epoll.poll(self._timeout()):
                callback = self._callbacks.get(fd)
                if callback is not None:
                    callback(events)
            now = time.monotonic()
            while self._timers and self._timers[0][0] <= now:
                heapq.heappop(self._timers)[2]()
