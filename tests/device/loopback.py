# The AT port's real UART, with UART2 of the same chip as the host MCU. Two jumper wires, whose GPIOs on an
# ESP32-WROOM-32 are
#
#     GPIO17 (TX of the AT port) - GPIO5 (RX of UART2)
#     GPIO16 (RX of the AT port) - GPIO4 (TX of UART2)
#
# On other modules the AT port's GPIOs are others (README, wiring). Without the wires, and on chips without a UART2,
# everything is skipped.
from machine import UART, Pin

HOST_TX, HOST_RX = 4, 5
BAUDRATE = 115200
BUFFER = 4096
ROUNDS = 100
SIZE = 16_384


def wired(output, input):
    """Does ``input`` follow ``output``? Both are inputs afterwards."""
    far = Pin(input, Pin.IN, None)
    near = Pin(output, Pin.OUT, value=0)
    seen = []
    for level in (0, 1, 0, 1):
        near.value(level)
        time.sleep_ms(2)
        seen.append(far.value())
    near.init(Pin.IN, None)
    return seen == [0, 1, 0, 1]


class Far:
    """The host's UART."""

    def __init__(self):
        self.uart = UART(2, BAUDRATE, tx=HOST_TX, rx=HOST_RX, rxbuf=BUFFER, txbuf=BUFFER)

    def put(self, data):
        self.uart.write(data)

    def get(self, most):
        return self.uart.read(most) or b"" if self.uart.any() else b""


def near(config):
    return UART(1, BAUDRATE, tx=config.tx, rx=config.rx, rxbuf=config.rxbuf, txbuf=config.txbuf)


async def at(host):
    await host.command(b"AT")


async def round_trip(host):
    times = []
    for _ in range(ROUNDS):
        begin = time.ticks_us()
        await host.command(b"AT")
        times.append(time.ticks_diff(time.ticks_us(), begin))
    times.sort()
    table(
        (
            ("AT at %d baud, median" % BAUDRATE, times[ROUNDS // 2], "us"),
            ("AT at %d baud, 95 %% below" % BAUDRATE, times[ROUNDS * 95 // 100], "us"),
        )
    )


async def bulk(host):
    await host.command(b"AT+USERRAM=1,%d" % SIZE)
    data = bytes(index * 5 & 255 for index in range(1024))
    begin = time.ticks_ms()
    await host.command(b"AT+USERRAM=2,%d" % SIZE, PROMPT)
    for _ in range(0, SIZE, 1024):
        host.write(data)
        # No more under way than the wire takes: a write to a full buffer stops the module too.
        await asyncio.sleep_ms(1024 * 10_000 // BAUDRATE)
    await host.expect(b"\r\nWRITE OK\r\n")
    wrote = time.ticks_diff(time.ticks_ms(), begin)
    begin = time.ticks_ms()
    host.write(b"AT+USERRAM=3,%d\r\n" % SIZE)
    for _ in range(0, SIZE, 1024):
        await host.expect(b"+USERRAM:1024," + data)
    await host.expect(OK)
    read = time.ticks_diff(time.ticks_ms(), begin)
    table((("AT+USERRAM write", SIZE // wrote, "KB/s"), ("AT+USERRAM read", SIZE // read, "KB/s")))
    await host.command(b"AT+USERRAM=0")


async def a_byte_wakes_the_host(host):
    await host.command(b"AT+USERWKMCUCFG=1,2,1,170,200")
    await host.command(b"AT+USERMCUSLEEP=1")
    Module.at.report("+TEST:1")
    await host.expect(b"\xaa+TEST:1\r\n")
    await host.command(b"AT+USERMCUSLEEP=0")
    await host.command(b"AT+USERWKMCUCFG=0")


def main():
    from firmware.assembly import load_config

    tests = (at, round_trip, bulk, a_byte_wakes_the_host)
    config = load_config("")
    try:
        UART(2, BAUDRATE, tx=HOST_TX, rx=HOST_RX).deinit()
        there = wired(HOST_TX, config.rx) and wired(config.tx, HOST_RX)
        missing = "no wires GPIO%d-GPIO%d, GPIO%d-GPIO%d" % (config.tx, HOST_RX, config.rx, HOST_TX)
    except ValueError:
        there, missing = False, "this chip has no UART2"
    if there:
        run(*tests, line=near, far_end=Far)
    else:
        print("skipped everything: " + missing)
        print("0 passed, 0 failed, %d skipped" % len(tests))


main()
