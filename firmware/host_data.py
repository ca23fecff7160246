"""Data that the host was asked for, taken in blocks: no more of it is held than one block, however much it is.

Between two blocks the input waits in the UART's buffer, and RTS holds the host off where flow control is on.
"""

from firmware.at_error import AtError


class HostData:
    """``length`` raw bytes behind a data prompt, in the memoryview ``block``; ``given_up`` if AT+USERPROMPT's time ran
    out.
    """

    def __init__(self, at, length, block):
        self._at = at
        self._left = length
        self._block = block
        self._prompted = self.given_up = False

    async def next(self):
        """The next block, a memoryview that is good until the one after it; empty behind the last."""
        view = self._block[: min(self._left, len(self._block))]
        if not view:
            return view
        try:
            if self._prompted:
                self._at.port.begin_data(view)
                await self._at.filled()
            else:
                self._prompted = True
                await self._at.data(view)
        except AtError:
            self.given_up = True
            raise
        self._left -= len(view)
        if not self._left:
            self._at.listen()
        return view

    async def drop_rest(self):
        """Take what the host has promised and nobody wants any more."""
        while await self.next():
            pass
