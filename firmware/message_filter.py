"""The filter of AT+SYSMSGFILTER: what patterns match is cut out of what the module sends. Loaded while it has work.

While it is on, its methods stand in the place of the port's and of the report queue: so a module without a filter pays
nothing for it. Each message is copied once.
"""

_OF_PORT = ("put", "try_write", "write", "send_whole")


class MessageFilter:
    """``filters`` are (head, tail, flags, compiled head, compiled tail); ``on`` is whether they are in force."""

    def __init__(self, at):
        self._at = at
        self._port = at.port
        self._put = at.port.put
        self._send_whole = at.port.send_whole
        self._queue = at.queue
        self.filters = []
        self.on = False

    def switch(self, on):
        """Put the filters in force, or not."""
        if on != self.on:
            self.on = on
            for name in _OF_PORT:
                if on:
                    setattr(self._port, name, getattr(self, name))
                else:
                    delattr(self._port, name)
            self._at.queue = self.add if on else self._queue

    def add(self, data):
        """Queue a report, unless nothing would be left of it: the host is not woken for that."""
        return isinstance(data, bytes) and not self.cut(data) or self._queue(data)

    def cut(self, data):
        """What is left of a message. A match that takes more memory than there is counts as none."""
        for _, _, flags, head, tail in self.filters:
            try:
                text = data.lower() if flags & 2 else data
                begin = end = 0
                if head:
                    match = head.match(text)
                    if not match:
                        continue
                    begin, end = len(match.group(1)), len(match.group(0))
                last = after = len(data)
                if tail:
                    match = tail.match(text[end:])
                    if not match:
                        continue
                    last, after = end + len(match.group(1)), end + len(match.group(0))
                return data[:begin] + data[end:last] + data[after:]
            except (RuntimeError, MemoryError):
                continue
        return data

    # In the port's place.

    def put(self, head, body=b""):
        """As ``AtPort.put``. A single byte, like that which wakes the host, is no message."""
        data = bytes(head) + body
        if len(data) > 1:
            data = self.cut(data)
        if data:
            self._put(data)

    def try_write(self, head, body=b""):
        """As ``AtPort.try_write``: never, so that everything comes by ``put``."""
        return False

    async def write(self, head, body=b""):
        """As ``AtPort.write``."""
        self.put(head, body)
        await self._port.flush()

    async def send_whole(self, *parts):
        """As ``AtPort.send_whole``; what is too long for a copy passes."""
        try:
            data = b"".join(parts)
        except MemoryError:
            await self._send_whole(*parts)
            return
        await self._port.flush()
        self.put(data)
        await self._port.flush()
