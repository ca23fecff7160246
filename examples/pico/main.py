"""What a Pico does with the module: an upgrade if there is one, RAM, Wi-Fi, and sleep until the module has news.

Wiring: GP4 to the module's RX, GP5 to its TX, GP6 to its RTS, GP15 to its GPIO18, GND to GND.
"""

import os
from time import sleep_ms

from esp_at import Module
from machine import UART, Pin

SSID = "sim-ap"
PASSWORD = "sim-password"
# If there is such a file, the module gets it.
IMAGE = "module.bin"
WAKE_GPIO = 18


def print_report(line):
    print("report:", line.decode())


uart = UART(1, 115200, tx=Pin(4), rx=Pin(5), cts=Pin(6), flow=UART.CTS, rxbuf=4096)
wake = Pin(15, Pin.IN, Pin.PULL_DOWN)
module = Module(uart, print_report)

module.start()
if IMAGE in os.listdir():
    with open(IMAGE, "rb") as image:
        module.upgrade(image, os.stat(IMAGE)[6])
    os.remove(IMAGE)
print("version:", module.version())

module.ram_allocate(1024)
module.ram_write(b"hello", 1000)
print("read back:", bytes(module.ram_read(5, 1000)))
module.ram_release()

module.join(SSID, PASSWORD)
module.wake_by_gpio(WAKE_GPIO)
module.sleep()
print("asleep")
while not wake.value():
    sleep_ms(10)  # or machine.lightsleep()
print("woken")
module.awake()
module.wait_report(2000)
