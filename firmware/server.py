"""The server that AT+CIPSERVER starts: takes connections and makes links of them. Loaded while it runs."""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.at_port import readable
from firmware.link import Link

_LOOK_MS = const(500)
_PAUSE_MS = const(100)
# Unless AT+CIPSTO says otherwise, in seconds.
_IDLE = const(180)


class Server:
    """``stream`` listens at ``port``; ``at`` queues the reports of links, of which at most ``most`` are taken."""

    def __init__(self, net, at, stream, port, most):
        self.port = port
        self._stream = stream
        self.most = most
        self._tasks = (asyncio.create_task(self._accept(net, at)), asyncio.create_task(self._time_out(net)))

    def close(self):
        """No more connections; links stay."""
        for task in self._tasks:
            task.cancel()
        self._stream.close()

    async def _accept(self, net, at):
        while True:
            await readable(self._stream)
            try:
                stream, address = self._stream.accept()
            except OSError:
                # Gone again, or no socket is left.
                await asyncio.sleep_ms(_PAUSE_MS)
                continue
            stream.setblocking(False)
            number = self._free(net.links)
            if number is None:
                stream.close()
            else:
                Link(net, at, number, b"TCP", stream, address, self.port, True)

    def _free(self, links):
        if sum(1 for link in links if link and link.served) < self.most:
            for number, link in enumerate(links):
                if link is None:
                    return number

    async def _time_out(self, net):
        while True:
            await asyncio.sleep_ms(_LOOK_MS)
            limit = net.settings.get("sto", _IDLE) * 1000
            for link in net.links:
                if link and link.served and limit and ticks_diff(ticks_ms(), link.active) > limit:
                    link.lose()
