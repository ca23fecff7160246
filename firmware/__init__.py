"""ESP-AT's user commands for the ESP32, in MicroPython."""


def log(*words):
    """Write a line to UART0; the AT port carries nothing but AT traffic."""
    print("at:", *words)
