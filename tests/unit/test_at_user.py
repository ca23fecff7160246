import asyncio

from fakes import FakeUart, until

from firmware.at_port import AtPort
from firmware.at_user import AtUser
from firmware.command import command

TXBUF = 1400
LINE = b"AT+FILL\r\n"
OK = b"\r\nOK\r\n"


class SlowUart(FakeUart):
    """What was written leaves the buffer when it has been asked about ``asked`` times; a host that is quick sends its
    next line as soon as it has the result.
    """

    def __init__(self, asked):
        super().__init__(LINE)
        self.asked = self.left = asked
        self.following = LINE

    def write(self, data):
        self.left = self.asked
        if data == OK:
            self.incoming += self.following
            self.following = b""
        return super().write(data)

    def txdone(self):
        self.left -= 1
        return self.left < 0


async def test_a_result_that_waited_for_room_is_the_end_of_its_command():
    """Whoever it was that sent it: the host's next line is not told busy."""

    async def fill(at):
        at.port.put(b"x" * 150)
        at.port.put(b"y" * 100)

    filled = b"x" * 150 + b"y" * 100 + OK
    for asked in range(8):
        uart = SlowUart(asked)
        port = AtPort(uart, 115200, TXBUF)
        port.echo = False
        at = AtUser(port)
        at.add((command(b"+FILL", execute=fill),))
        running = asyncio.create_task(port.run(at))
        await until(lambda uart=uart: len(uart.sent) >= 2 * len(filled))
        assert uart.sent == 2 * filled, (asked, uart.sent)
        running.cancel()
