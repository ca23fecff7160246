# The plainest code between a socket and the UART, with the dialogue of AT+CIPSEND, the frames of +IPD, or neither.
import json
import select
import socket

import machine
import network

PIECE = 1460

with open("settings.json") as file:
    settings = json.load(file)
uart = machine.UART(1, settings["baudrate"], tx=17, rx=16, rts=14, rxbuf=4096, txbuf=4096, flow=machine.UART.RTS)
station = network.WLAN(network.STA_IF)
station.active(True)
station.connect("sim-ap", "sim-password")
while not station.isconnected():
    pass
link = socket.socket()
link.connect(("127.0.0.1", settings["port"]))
incoming = select.poll()
incoming.register(uart, select.POLLIN)
view = memoryview(bytearray(PIECE))


def receive(part):
    filled = 0
    while filled < len(part):
        incoming.poll()
        filled += uart.readinto(part[filled:]) or 0


def send():
    line = memoryview(bytearray(settings["line"]))
    size = settings["size"]
    while True:
        receive(line)
        uart.write(b"\r\nOK\r\n\r\n>")
        left = size
        while left:
            part = view[: min(left, PIECE)]
            receive(part)
            link.write(part)
            left -= len(part)
        uart.write(b"\r\nRecv %d bytes\r\n\r\nSEND OK\r\n" % size)


def deliver(framed):
    while True:
        data = link.recv(PIECE)
        if framed:
            uart.write(b"\r\n+IPD,%d:" % len(data))
        uart.write(data)


def take():
    while True:
        incoming.poll()
        count = uart.readinto(view)
        if count:
            link.write(view[:count])


print("running")
mode = settings["mode"]
if mode == "send":
    send()
elif mode == "take":
    take()
else:
    deliver(mode == "ipd")
