# A bare asyncio loop that echoes what it reads from the UART. A line "M" is answered with the bytes of heap in use, and
# nothing is collected: "heap", and the heap must be large enough.
import asyncio
import gc

import machine

uart = machine.UART(1, 115200, tx=17, rx=16, rts=14, rxbuf=4096, txbuf=4096, flow=machine.UART.RTS)


async def echo():
    stream = asyncio.StreamReader(uart)
    buffer = bytearray(256)
    view = memoryview(buffer)
    while True:
        count = await stream.readinto(buffer)
        if buffer[0] == ord("M"):
            stream.write(b"%d\r\n" % gc.mem_alloc())
        else:
            stream.write(view[:count])
        await stream.drain()


gc.collect()
print("running")
asyncio.run(echo())
