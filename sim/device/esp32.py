"""The ESP32 port's ``esp32`` module: just the names that the port has."""

import _board
from _esp32 import (
    HEAP_DATA,
    HEAP_EXEC,
    RMT,
    ULP,
    WAKEUP_ALL_LOW,
    WAKEUP_ANY_HIGH,
    gpio_deep_sleep_hold,
    idf_heap_info,
    raw_temperature,
    wake_on_ext0,
    wake_on_ext1,
    wake_on_touch,
    wake_on_ulp,
)
from _nvs import NVS
from _partition import Partition

# The C3 and the C6 have no such wake-up source, and the C6 holds each pad by itself.
if "ESP32C" in _board.model[0]:
    del wake_on_ext0
if "ESP32C6" in _board.model[0]:
    del gpio_deep_sleep_hold
del _board
