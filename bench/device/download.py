# The plainest downloads of a file by HTTP, into a buffer of 4096 bytes and from there into the other slot: a blocking
# loop that hashes too, which says how long it takes ("bare: bytes, microseconds"), or an asyncio readinto loop, which
# says what it allocates ("loop: bytes of heap, bytes"). The first blocks do not count.
import asyncio
import gc
import hashlib
import json
import socket
import time
from time import ticks_diff, ticks_us

import network
from esp32 import Partition

FIRST = 3
BLOCK = 4096

with open("settings.json") as file:
    settings = json.load(file)
REQUEST = b"GET %s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n" % settings["path"].encode()
slot = Partition(Partition.RUNNING).get_next_update()
block = memoryview(bytearray(BLOCK))


def join():
    station = network.WLAN(network.STA_IF)
    station.active(True)
    station.connect(settings["ssid"], settings["password"])
    while not station.isconnected():
        time.sleep_ms(20)


async def loop():
    stream, _ = await asyncio.open_connection(settings["host"], settings["port"])
    stream.write(REQUEST)
    await stream.drain()
    while await stream.readline() != b"\r\n":
        pass
    for number in range(settings["blocks"]):
        filled = 0
        while filled < BLOCK:
            filled += await stream.readinto(block[filled:])
        slot.writeblocks(number, block)
        if number == FIRST:
            first = gc.mem_alloc()
    print("loop:", gc.mem_alloc() - first, (number - FIRST) * BLOCK)
    stream.close()


def bare():
    sha = hashlib.sha256()
    stream = socket.socket()
    stream.connect(socket.getaddrinfo(settings["host"], settings["port"])[0][-1])
    stream.write(REQUEST)
    while stream.readline() != b"\r\n":
        pass
    for number in range(settings["blocks"]):
        stream.readinto(block)
        sha.update(block)
        slot.writeblocks(number, block)
        if number == FIRST:
            begin = ticks_us()
    print("bare:", (number - FIRST) * BLOCK, ticks_diff(ticks_us(), begin))


print("running")
join()
if settings["what"] == "bare":
    bare()
else:
    gc.collect()
    gc.disable()
    asyncio.run(loop())
