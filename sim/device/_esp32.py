"""What is left of the ``esp32`` module: wake-up sources, memory, and names of what is not simulated."""

import gc

import _board

HEAP_DATA = 4
HEAP_EXEC = 1
WAKEUP_ALL_LOW = False
WAKEUP_ANY_HIGH = True
# Of the RTC domain.
_PINS = (0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39)
_RTC_PINS = range(22) if "ESP32S3" in _board.model[0] else _PINS

_sources = {"ext0": None, "touch": False, "ulp": False}


def idf_heap_info(capability):
    gc.collect()  # the port lets its heap grow only when collecting does not help
    held = max(0, gc.mem_alloc() - _board.own_heap)
    return [tuple(region) for region in _board.call("heap.info", capability, held)]


def raw_temperature():
    return 128


def gpio_deep_sleep_hold(enable):
    _board.call("chip.hold_digital", bool(enable))


def _rtc_pin(pin):
    number = int(str(pin)[4:-1])
    if number not in _RTC_PINS:
        raise ValueError("invalid pin")
    return number


def wake_on_ext0(pin=-1, level=False):
    if _sources["touch"]:
        raise ValueError("no resources")
    if pin != -1:
        _sources["ext0"] = None if pin is None else _rtc_pin(pin)
    _board.call("chip.wake_by", _sources["ext0"], int(level))


def wake_on_ext1(pins=None, level=False):
    for pin in pins or ():
        _rtc_pin(pin)


def _need_no_ext0():
    if _sources["ext0"] is not None:
        raise ValueError("no resources")


def wake_on_touch(wake):
    _need_no_ext0()
    _sources["touch"] = bool(wake)


def wake_on_ulp(wake):
    _need_no_ext0()
    _sources["ulp"] = bool(wake)


class RMT:
    def __init__(self, *arguments, **options):
        raise NotImplementedError("RMT is not simulated")


class ULP:
    def __init__(self, *arguments, **options):
        raise NotImplementedError("ULP is not simulated")
