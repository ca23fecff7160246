"""The chips of the ESP32 family that this project knows, and the modules that can be simulated.

Sources: ESP-IDF (``esp_chip_id_t``, the chips' memory maps, ``BOOTLOADER_OFFSET_IN_FLASH``), and for names and pins
MicroPython's ESP32 port (``boards``, ``machine_pin.h``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A kind of chip, named as esptool does; ``number`` is what an image header has.

    ``boot_loader`` is the flash address where the ROM looks for it; ``data`` and ``code`` are where the flash cache
    maps flash, ``internal`` is memory that code can be loaded into.
    """

    name: str
    number: int
    boot_loader: int
    data: range
    code: range
    internal: int


ESP32 = Target("esp32", 0, 0x1000, range(0x3F400000, 0x3F800000), range(0x400D0000, 0x40400000), 0x40080000)
ESP32S3 = Target("esp32s3", 9, 0, range(0x3C000000, 0x3E000000), range(0x42000000, 0x44000000), 0x40378000)
ESP32C3 = Target("esp32c3", 5, 0, range(0x3C000000, 0x3C800000), range(0x42000000, 0x42800000), 0x40380000)
ESP32C6 = Target("esp32c6", 13, 0, range(0x42000000, 0x43000000), range(0x42000000, 0x43000000), 0x40800000)
TARGETS = {target.number: target for target in (ESP32, ESP32S3, ESP32C3, ESP32C6)}

XTENSA = 10
RISCV = 11


@dataclass(frozen=True)
class Model:
    """A module: its chip, what MicroPython calls it, and the GPIOs that MicroPython knows on it.

    ``registers`` are the addresses and values of the words that tell an ESP32's revision and package.
    """

    target: Target
    machine: str
    pins: tuple[int, ...]
    first_input_only: int = 64
    architecture: int = XTENSA
    registers: tuple[tuple[int, int], ...] = ()


_EFUSE_WORD3, _EFUSE_WORD5, _APB_DATE = 0x3FF5A00C, 0x3FF5A014, 0x3FF6607C
_PICO_D4 = 5 << 9


def _esp32(machine: str, pins: tuple[int, ...], package: int = 0) -> Model:
    """An ESP32 of revision 3."""
    registers = ((_EFUSE_WORD3, 1 << 15 | package), (_EFUSE_WORD5, 1 << 20), (_APB_DATE, 1 << 31))
    return Model(ESP32, machine, pins, first_input_only=34, registers=registers)


_ESP32_PINS = (*range(24), 25, 26, 27, *range(32, 40))
GENERIC = "Generic ESP32 module with ESP32"
MODELS = {
    "esp32": _esp32(GENERIC, _ESP32_PINS),
    # With PSRAM: it is connected to GPIO16 and 17.
    "esp32-spiram": _esp32(
        "Generic ESP32 module with SPIRAM with ESP32", tuple(pin for pin in _ESP32_PINS if pin not in (16, 17))
    ),
    # The flash in its package is connected to GPIO16 and 17, of which MicroPython knows nothing.
    "esp32-pico-d4": _esp32(GENERIC, _ESP32_PINS, _PICO_D4),
    "esp32s3": Model(
        ESP32S3, "Generic ESP32S3 module with ESP32S3", (*range(19), 21, *range(33, 49)), architecture=XTENSA
    ),
    "esp32c3": Model(ESP32C3, "ESP32C3 module with ESP32C3", (*range(14), 20, 21), architecture=RISCV),
    "esp32c6": Model(ESP32C6, "ESP32C6 module with ESP32C6", (*range(12), *range(14, 24)), architecture=RISCV),
}
DEFAULT = "esp32"
