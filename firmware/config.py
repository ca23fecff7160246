"""Pins, sizes and times: one place. A file on the board overrides them: ``/user/config.json``, an object of these
names.
"""


class Config:
    """The values in force; times are in milliseconds, sizes in bytes."""

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
