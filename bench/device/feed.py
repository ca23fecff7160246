# The plainest code that serves AT+USEROTADATA as the firmware does, byte for byte: no asyncio, no parser, no check of
# what comes but its SHA-256. Waiting for bytes is select.poll.
import hashlib
import json
import select
import time

import machine
from esp32 import Partition

with open("settings.json") as file:
    settings = json.load(file)
uart = machine.UART(1, settings["baudrate"], tx=17, rx=16, rts=14, rxbuf=4096, txbuf=4096, flow=machine.UART.RTS)
poller = select.poll()
poller.register(uart, select.POLLIN)


def receive(view):
    filled = 0
    while filled < len(view):
        poller.poll()
        filled += uart.readinto(view[filled:]) or 0


slot = Partition(Partition.RUNNING).get_next_update()
line = memoryview(bytearray(settings["line"]))
block = memoryview(bytearray(settings["piece"]))
sha = hashlib.sha256()
print("running")
for number in range(settings["pieces"]):
    receive(line)
    uart.write(b"\r\nOK\r\n\r\n>")
    receive(block)
    sha.update(block)
    slot.writeblocks(number, block)
    uart.write(b"\r\nRecv %d bytes\r\n\r\nOK\r\n" % len(block))
time.sleep(1)  # the last answer is still on its way
