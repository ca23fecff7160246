# Stand-ins for what the modules under test are given.
import io
import random

_POLL = 3
_READ = 1
_WRITE = 4


class FakeUart(io.IOBase):
    """``incoming`` is what the host has sent; reads give at most ``most`` bytes. ``sent`` is what the host gets.

    While ``stuck``, nothing leaves the transmit buffer; while ``unseen``, poll does not tell of what has come, as
    between two ticks.
    """

    def __init__(self, incoming=b"", most=1000):
        self.incoming = incoming
        self.most = most
        self.sent = bytearray()
        self.stuck = False
        self.unseen = False

    def any(self):
        return len(self.incoming)

    def readinto(self, buffer):
        count = min(len(buffer), len(self.incoming), self.most)
        if not count:
            return None
        buffer[:count] = self.incoming[:count]
        self.incoming = self.incoming[count:]
        return count

    def write(self, data):
        self.sent += data
        return len(data)

    def txdone(self):
        return not self.stuck

    def ioctl(self, request, argument):
        if request == _POLL:
            return argument & (_WRITE | (_READ if self.incoming and not self.unseen else 0))
        return -22


class PieceUart(FakeUart):
    """Gives a few bytes at a time, as many as chance has it."""

    def readinto(self, buffer):
        self.most = random.choice((1, 1, 2, 3, 7, 100, 600))
        return super().readinto(buffer)


class FakeCommands:
    """Notes what the port tells a dispatcher."""

    def __init__(self):
        self.seen = []

    def line(self, buffer, start, end):
        self.seen.append(bytes(buffer[start:end]))

    def too_long(self):
        self.seen.append("too long")

    def serve(self, buffer, start, end):
        line = bytes(buffer[start:end])
        if not line.startswith(b"SERVE"):
            return False
        self.seen.append(line)
        return True

    def may_serve(self, buffer, start, end):
        line = bytes(buffer[start:end])
        return line.startswith(b"SERVE") or b"SERVE".startswith(line)

    def busy(self):
        self.seen.append("busy")


async def until(condition):
    """Let the others run until ``condition()`` is true."""
    import asyncio

    for _ in range(5000):
        if condition():
            return
        await asyncio.sleep_ms(1)
    raise AssertionError("waited in vain")
