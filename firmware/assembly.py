"""Composition root: makes the objects and gives each what it needs. Nothing else in the package knows the whole.

Loaded for the start only.
"""

import json
import sys

import machine
import micropython
from esp32 import NVS

from firmware import log
from firmware.at_port import AtPort
from firmware.at_user import AtUser
from firmware.basic import Basic
from firmware.config import for_this_board
from firmware.ota import Ota
from firmware.reports import Reports
from firmware.settings import Settings
from firmware.system import System
from firmware.unload import unload
from firmware.wake import Wake
from firmware.wifi import Wifi

# MicroPython 1.25's UART.irq hangs the board once a buffer's size has been given (pull request 17135).
_IRQ_VERSION = (1, 26)
_CONFIG_FILE = "/user/config.json"


def load_config(path):
    """The settings in force: the defaults and what a JSON file on the board says; what is wrong with it is logged."""
    config = for_this_board()
    try:
        with open(path) as file:
            values = json.load(file)
        items = values.items()
    except OSError:
        return config
    except (ValueError, AttributeError):
        log(path + ": not a JSON object")
        return config
    for name, value in items:
        default = getattr(config, name, None)
        if isinstance(default, tuple) and isinstance(value, list):
            setattr(config, name, tuple(value))
        elif type(default) is type(value):
            setattr(config, name, value)
        else:
            log(path + ": no setting, or not its type:", name)
    return config


def open_port(config, settings):
    """The AT port on its UART, with the line that is stored (``uart_line``)."""
    from firmware.uart_line import arguments, stored_line

    line = stored_line(config, settings)
    uart = machine.UART(
        config.uart, tx=config.tx, rx=config.rx, rxbuf=config.rxbuf, txbuf=config.txbuf, **arguments(config, line)
    )
    if sys.implementation.version >= _IRQ_VERSION:
        # The interrupt wakes the loop; there is nothing for a handler to do.
        uart.irq(bool, machine.UART.IRQ_RX)  # type: ignore[arg-type]
    return AtPort(uart, line[0], config.txbuf)


def _mount_user_partition():
    from firmware.user_partition import mount_user_partition

    return mount_user_partition()


def assemble(memory=None, ota_state=0):
    """Open the port, say ready, and return the coroutines that are the firmware, the one that watches over all first.
    ``memory`` is for ``Settings``, ``ota_state`` what has become of the last upgrade (``ota_trial``).
    """
    mounted = _mount_user_partition()
    config = load_config(_CONFIG_FILE)
    if not config.repl:
        micropython.kbd_intr(-1)
    memory = memory or (NVS("at"), {})
    settings = Settings(memory)
    system = System(config)
    port = system.port = open_port(config, settings)
    wake = Wake(port, config)
    reports = Reports(port, wake, config.report_queue)
    at = AtUser(port, reports.add, system.prove_valid)
    at.memory = memory
    at.report_bits = settings.integer("sysmsg", 0)
    wifi = Wifi(config, at.report)
    wifi.memory = memory
    ota = Ota(config, system, wifi.connected, at.report)
    ota.state = ota_state
    system.on_proven = ota.proven
    if __file__.startswith("/user/development/"):
        from firmware.development import watch

        watch(system)
    families = (
        Basic(wifi, wake.sleep_command),
        wake,
        reports,
    )
    for family in families:
        at.add(family.commands())
    at.owners = {"system": system, "wifi": wifi, "ota": ota, "wake": wake}
    from firmware.own_commands import load_own_commands

    own_tasks = load_own_commands(at) if mounted else []
    port.put(b"\r\nready\r\n")
    from firmware.wifi_control import start

    start(wifi, settings)
    link = settings.text("trans")
    if link:
        from firmware.saved_link import take_up

        at.begin(take_up(at, wifi, link))
        unload("saved_link")
    return [system.watch(), port.run(at), reports.run(), wifi.run()] + own_tasks
