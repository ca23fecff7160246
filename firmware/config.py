"""Pins, sizes and times: one place. A file on the board overrides them: ``/user/config.json``, an object of these
names.

GPIOs are ESP-AT's for the chip and the module; ESP-AT has none for the ESP32-S3. Which chip it is MicroPython's name
of the board tells, ``Generic ESP32 module with ESP32``; an ESP32 with flash or PSRAM in its package tells that by its
eFuses (ESP32 Technical Reference Manual, "eFuse Controller"). Needed for the start only.
"""

import os

_EFUSE_WORD3 = 0x3FF5A00C
_CHIP_NAMES = ("tx", "rx", "rts", "cts", "reserved_gpios", "first_input_only_gpio", "last_gpio")
_ESP32_NAMES = ("ESP32", "ESP32UNICORE", "ESP32D2WD")
# Reserved are flash, PSRAM, the REPL's UART0 and USB.
_CHIPS = {
    "ESP32S3": (17, 18, 14, 15, (26, 27, 28, 29, 30, 31, 32, 43, 44, 19, 20), 49, 48),
    "ESP32C3": (7, 6, 4, 5, (11, 12, 13, 14, 15, 16, 17, 20, 21, 18, 19), 22, 21),
    "ESP32C6": (7, 6, 4, 5, (24, 25, 26, 27, 28, 29, 30, 16, 17, 12, 13), 31, 30),
}
# Where GPIO16 and 17 are taken by PSRAM, or by flash in the ESP32's package: WROVER, PICO, D2WD, U4WDH.
_TAKEN: tuple = (22, 19, 14, 15, (6, 7, 8, 9, 10, 11, 16, 17, 1, 3), 34, 39)


class Config:
    """The values in force; times are in milliseconds, sizes in bytes. The GPIOs are those of an ESP32-WROOM-32."""

    uart = 1
    baudrate = 115200
    tx = 17
    rx = 16
    rts = 14
    cts = 15
    # ESP-AT's flow control: 0 none, 1 RTS, 2 CTS, 3 both.
    flow_control = 1
    rxbuf = 4096
    txbuf = 4096

    # GPIOs that AT+USERWKMCUCFG refuses besides the AT port's: the flash and the REPL.
    reserved_gpios = (6, 7, 8, 9, 10, 11, 1, 3)
    first_input_only_gpio = 34
    last_gpio = 39

    # AT+USERRAM leaves this much of ESP-IDF's memory in one piece for TCP and TLS.
    reserve = 24 * 1024
    # The first area of MicroPython's heap on the ESP32 port; a new area is at least as large.
    heap_area = 56_000
    report_queue = 16

    # An image on trial is marked valid after this time if no command has come before.
    trial_ms = 20_000
    # Longer than the longest call that blocks: set_boot, which verifies a whole slot, and a Wi-Fi scan.
    watchdog_ms = 30_000
    restart_drain_ms = 2_000

    # 0: Ctrl-C on the console does not stop the firmware.
    repl = 1

    # 1 lets AT+SYSREG write to registers.
    register_writes = 0

    wifi_poll_ms = 100
    wifi_join_ms = 15_000

    ota_timeout_ms = 10_000
    ota_redirects = 5
    # Connections for one download, and the pause before the second, doubled for each further one up to the longest.
    ota_attempts = 10
    ota_pause_ms = 1_000
    ota_pause_most_ms = 30_000
    # 1 takes images of other projects, and without a package.
    ota_any_project = 0
    # Images with a lower version are refused; none if empty.
    ota_version_floor = ""


def for_this_board():
    """The defaults for the chip and the module that run."""
    config = Config()
    name = os.uname().machine
    chip = name.split(" with ")[-1].replace("-", "")
    values = _CHIPS.get(chip[:7])
    if values is None and ("SPIRAM" in name or (chip in _ESP32_NAMES and _package() > 1)):
        values = _TAKEN
    if values:
        for index, setting in enumerate(_CHIP_NAMES):
            setattr(config, setting, values[index])
    return config


def _package():
    """How the ESP32 is packed: 0 and 1 alone, above that together with flash or PSRAM."""
    import machine

    word = machine.mem32[_EFUSE_WORD3]
    return word >> 9 & 7 | (word >> 2 & 1) << 3
