# A bare asyncio loop that takes a block from the UART and gives it back, again and again, and says on the console what
# either cost: "in: bytes of heap, bytes of data" and "out: ...". Nothing is collected meanwhile.
import asyncio
import gc
import json

import machine

PIECE = 1024

with open("settings.json") as file:
    settings = json.load(file)
uart = machine.UART(1, settings["baudrate"], tx=17, rx=16, rts=14, rxbuf=4096, txbuf=4096, flow=machine.UART.RTS)


async def receive(stream, view):
    filled = 0
    while filled < len(view):
        filled += await stream.readinto(view[filled:])


async def send(stream, view):
    for begin in range(0, len(view), PIECE):
        stream.write(view[begin : begin + PIECE])
        await stream.drain()


async def run():
    stream = asyncio.StreamReader(uart)
    block = memoryview(bytearray(settings["size"]))
    for size in settings["sizes"]:
        for name, work in (("in", receive), ("out", send)):
            gc.collect()
            gc.disable()
            before = gc.mem_alloc()
            await work(stream, block[:size])
            after = gc.mem_alloc()
            gc.enable()
            print("%s%d:" % (name, size), after - before)
    await asyncio.sleep(3600)  # what was written is still on its way


print("running")
asyncio.run(run())
