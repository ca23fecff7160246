"""ESP-AT's user commands for the ESP32, in MicroPython."""
