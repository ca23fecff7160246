"""The queue of message reports: each passes the wake gate, whole and in order, to the AT port.

The queue is bounded; when it is full the newest report is dropped and counted, and AT+USERREPORT? tells.
"""

import asyncio

from firmware.command import command


class Reports:
    """At most ``limit`` reports wait for ``gate`` (``firmware.wake.Wake``) to let them pass, each anew."""

    def __init__(self, port, gate, limit):
        self._port = port
        self._gate = gate
        self._limit = limit
        self._queue = []
        self._dropped = 0
        self._some = asyncio.Event()

    def commands(self):
        """The family's command table."""
        return (command(b"+USERREPORT", query=self._query),)

    def _query(self, at):
        at.info(b"+USERREPORT:%d,%d" % (len(self._queue), self._dropped))
        self._dropped = 0

    def add(self, data):
        """Queue one report, CR LF included; False, and counted, if there is no room. There always is for an object that
        sends itself: its coroutine ``send`` is called with the port, and must not raise.
        """
        if len(self._queue) >= self._limit and isinstance(data, bytes):
            self._dropped += 1
            return False
        self._queue.append(data)
        self._some.set()
        return True

    async def run(self):
        """Send reports for ever."""
        while True:
            if not self._queue:
                self._some.clear()
                await self._some.wait()
            await self._gate.passing()
            await self._port.quiet()
            # The host may have gone to sleep again while its line or an answer was under way.
            if self._gate.open():
                await self._send()

    async def _send(self):
        # Popped here: in the loop's frame it would be held until the next report.
        data = self._queue.pop(0)
        if isinstance(data, bytes):
            self._port.put(data)
            await self._port.flush()
        else:
            await data.send(self._port)
