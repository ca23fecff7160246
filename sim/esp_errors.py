"""ESP-IDF's error codes, as MicroPython's ESP32 port raises them: ``OSError(-code, name)`` (but ENOMEM for NO_MEM)."""

from __future__ import annotations

from sim.rpc import DeviceError

NUMBERS = {
    "ESP_FAIL": 1,
    "ESP_ERR_NO_MEM": 12,
    "ESP_ERR_INVALID_ARG": -0x102,
    "ESP_ERR_INVALID_SIZE": -0x104,
    "ESP_ERR_NOT_FOUND": -0x105,
    "ESP_ERR_NVS_NOT_FOUND": -0x1102,
    "ESP_ERR_NVS_NOT_ENOUGH_SPACE": -0x1105,
    "ESP_ERR_NVS_INVALID_NAME": -0x1106,
    "ESP_ERR_NVS_KEY_TOO_LONG": -0x1109,
    "ESP_ERR_NVS_INVALID_LENGTH": -0x110C,
    "ESP_ERR_NVS_VALUE_TOO_LONG": -0x110E,
    "ESP_ERR_OTA_VALIDATE_FAILED": -0x1503,
}
NAMES = {number: name for name, number in NUMBERS.items()}


class EspError(DeviceError):
    """An ``OSError`` on the device, by the name of ESP-IDF's error."""

    def __init__(self, name: str) -> None:
        super().__init__("OSError", NUMBERS[name], name)
        self.number = NUMBERS[name]
