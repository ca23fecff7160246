"""The clock follows time servers, as AT+CIPSNTPCFG has it. Loaded while it does.

``ntptime`` blocks for up to a second per attempt and looks a name up: it runs in a thread.
"""

import _thread
import asyncio
import time

import machine
import ntptime
from micropython import const

_LOOK_MS = const(50)
# After a failure, in seconds.
_RETRY = const(15)


class Sntp:
    """Asks ``servers`` in turn, every ``interval`` seconds; ``wifi`` reports it. ``minutes`` is the time zone."""

    def __init__(self, wifi, servers, minutes, interval):
        self.servers = servers
        self.minutes = minutes
        self.interval = interval
        self._wifi = wifi
        self._task = asyncio.create_task(self._run())

    def close(self):
        """Let the clock go as it does."""
        self._task.cancel()

    async def _run(self):
        number = 0
        while True:
            now = await _ask(str(self.servers[number % len(self.servers)], "utf-8"))
            if now is None:
                number += 1
                await asyncio.sleep(_RETRY if number % len(self.servers) == 0 else 0)
                continue
            date = time.gmtime(now)
            machine.RTC().datetime((date[0], date[1], date[2], date[6], date[3], date[4], date[5], 0))
            self._wifi.report(b"+TIME_UPDATED")
            waited = 0
            while waited < self.interval:
                await asyncio.sleep(1)
                waited += 1


async def _ask(server):
    """Seconds since 2000, or None."""
    answer: list = []

    def ask():
        try:
            ntptime.host = server
            answer.append(ntptime.time())
        except Exception:  # a name that is not found, no answer, nonsense
            answer.append(None)

    _thread.start_new_thread(ask, ())
    while not answer:
        await asyncio.sleep_ms(_LOOK_MS)
    return answer[0]
