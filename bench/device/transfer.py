# The plainest code that serves AT+USERRAM=2 and =3 as the firmware does, byte for byte: no asyncio, no parser. Reading
# waits in select.poll, writing inside UART.write.
import json
import select

import machine

PIECE = 1024

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


def send(view):
    for begin in range(0, len(view), PIECE):
        uart.write(b"+USERRAM:%d," % PIECE)
        uart.write(view[begin : begin + PIECE])
    uart.write(b"\r\nOK\r\n")


line = memoryview(bytearray(settings["line"]))
block = memoryview(bytearray(settings["size"]))
print("running")
while True:
    receive(line)
    if line[11] == ord("3"):
        send(block)
    else:
        uart.write(b"\r\nOK\r\n\r\n>")
        receive(block)
        uart.write(b"\r\nWRITE OK\r\n")
