"""Composition root: makes the objects and gives each what it needs. Nothing else in the package knows the whole.

Loaded for the start only.
"""

import machine

from firmware.at_port import AtPort
from firmware.at_user import AtUser
from firmware.basic import Basic
from firmware.config import Config
from firmware.ota import Ota
from firmware.own_commands import load_own_commands, mount_user_partition
from firmware.reports import Reports
from firmware.settings import Settings
from firmware.system import System
from firmware.user_ram import UserRam
from firmware.wake import Wake
from firmware.wifi import Wifi

_CONFIG_FILE = "/user/config.json"


def log(*words):
    """Write a line to UART0; the AT port carries nothing but AT traffic."""
    print("at:", *words)


def open_uart(config):
    """The AT port's UART as configured; a line that flow control does not use is left alone."""
    flow = config.flow_control
    lines = {}
    if flow & 1:
        lines["rts"] = config.rts
    if flow & 2:
        lines["cts"] = config.cts
    return machine.UART(
        config.uart,
        config.baudrate,
        tx=config.tx,
        rx=config.rx,
        rxbuf=config.rxbuf,
        txbuf=config.txbuf,
        flow=(machine.UART.RTS if flow & 1 else 0) | (machine.UART.CTS if flow & 2 else 0),
        **lines,
    )


def may_drive(config):
    """A function that tells whether a GPIO is free and can be an output."""

    def check(number):
        taken = config.reserved_gpios + (config.tx, config.rx, config.rts, config.cts)
        if number in taken or number >= config.first_input_only_gpio:
            return False
        try:
            machine.Pin(number)
        except ValueError:
            return False
        return True

    return check


def assemble():
    """Open the port, say ready, and return the coroutines that are the firmware, the one that watches over all
    first.
    """
    mounted = mount_user_partition(log)
    config = Config()
    for wrong in config.load(_CONFIG_FILE):
        log(_CONFIG_FILE + ":", wrong)
    settings = Settings(log)
    system = System(config, settings, log)
    port = system.port = AtPort(open_uart(config), config.baudrate, config.txbuf)
    wake = Wake(port, may_drive(config))
    reports = Reports(port, wake, config.report_queue)
    at = AtUser(port, reports.add, system.prove_valid)
    wifi = Wifi(config, settings, at.report)
    families = (
        Basic(system, wake.sleep_command),
        wifi,
        UserRam(system.may_take),
        Ota(config, system, wifi.connected),
        wake,
        reports,
    )
    for family in families:
        at.add(family.commands())
    own_tasks = load_own_commands(at) if mounted else []
    port.put(b"\r\nready\r\n")
    wifi.start()
    return [system.watch(), port.run(at), reports.run(), wifi.run()] + own_tasks
