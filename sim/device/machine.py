# The machine module of the ESP32 port.
from _uart import UART
