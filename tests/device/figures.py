# Free memory and times of this board, as a table. Needs nothing around the board.
import esp32
from esp32 import Partition

ROUNDS = 100
SIZE = 8192


def since(begin):
    return time.ticks_diff(time.ticks_us(), begin)


def largest_block():
    return max(region[2] for region in esp32.idf_heap_info(esp32.HEAP_DATA))


async def memory(host):
    gc.collect()
    table(
        (
            ("held by Python, this script too", gc.mem_alloc(), "bytes"),
            ("free in Python's heap", gc.mem_free(), "bytes"),
            ("largest block free for TCP and TLS", largest_block(), "bytes"),
        )
    )
    assert largest_block() > 20_000


async def round_trip(host):
    times = []
    for _ in range(ROUNDS):
        begin = time.ticks_us()
        await host.command(b"AT")
        times.append(since(begin))
    times.sort()
    table(
        (
            ("AT without a UART, median", times[ROUNDS // 2], "us"),
            ("AT without a UART, 95 % below", times[ROUNDS * 95 // 100], "us"),
        )
    )


async def bulk(host):
    if not (await host.answer(b"AT+USERRAM=1,%d" % SIZE)).endswith(OK):
        raise Skip("no memory for a block beside this script")
    data = bytes(SIZE)
    begin = time.ticks_us()
    await host.command(b"AT+USERRAM=2,%d" % SIZE, PROMPT)
    host.write(data)
    await host.expect(b"\r\nWRITE OK\r\n")
    table([("AT+USERRAM write without a UART", SIZE * 1000 // since(begin), "KB/s")])
    await host.command(b"AT+USERRAM=0")


async def flash(host):
    slot = Partition(Partition.RUNNING)
    buffer = bytearray(4096)
    begin = time.ticks_us()
    for block in range(16):
        slot.readblocks(block, buffer)
    table([("flash: read 4096 bytes", since(begin) // 16, "us")])


async def processor(host):
    begin = time.ticks_us()
    for _ in range(10_000):
        pass
    table([("clock", machine.freq() // 1_000_000, "MHz"), ("10,000 turns of an empty loop", since(begin), "us")])


run(memory, round_trip, bulk, flash, processor)
