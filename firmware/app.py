"""Composition root: makes the objects, gives each what it needs, and runs the event loop.

``main.py`` on the board calls ``main``. Nothing else in the package knows the whole.
"""

import asyncio
import gc

import machine

from firmware.at_port import AtPort
from firmware.at_user import AtUser
from firmware.basic import Basic
from firmware.config import Config
from firmware.ota import Ota
from firmware.reports import Reports
from firmware.settings import Settings
from firmware.system import System
from firmware.unload import unload
from firmware.user_ram import UserRam
from firmware.wake import Wake
from firmware.wifi import Wifi

_CONFIG_FILE = "/user/config.json"


def log(*words):
    """Write a line to UART0; the AT port carries nothing but AT traffic."""
    print("at:", *words)


def open_uart(config):
    """The AT port's UART as configured; CTS is wired to nothing unless flow control asks for it."""
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


class App:
    """The firmware of one board."""

    def __init__(self):
        from firmware.own_commands import load_own_commands, mount_user_partition

        mounted = mount_user_partition(log)
        self.config = config = Config()
        for wrong in config.load(_CONFIG_FILE):
            log(_CONFIG_FILE + ":", wrong)
        settings = Settings(log)
        self.system = System(config, settings, log)
        self.port = self.system.port = AtPort(open_uart(config), config.baudrate, config.txbuf)
        self.wake = Wake(self.port, self._may_drive)
        self.reports = Reports(self.port, self.wake, config.report_queue)
        self.at = AtUser(self.port, self.reports.add, self.system.prove_valid)
        self.wifi = Wifi(config, settings, self.at.report)
        families = (
            Basic(self.system, self.wake.sleep_command),
            self.wifi,
            UserRam(self.system.may_take),
            Ota(config, self.system, self.wifi.connected),
            self.wake,
            self.reports,
        )
        for family in families:
            self.at.add(family.commands())
        self.own_tasks = load_own_commands(self.at) if mounted else ()
        unload("own_commands")

    def _may_drive(self, number):
        config = self.config
        if number in config.reserved_gpios or number in (config.tx, config.rx, config.rts, config.cts):
            return False
        try:
            machine.Pin(number)
        except ValueError:
            return False
        return number < config.first_input_only_gpio

    async def run(self):
        """Open the port and serve for ever."""
        tasks = [self.system.watch(), self.reports.run(), self.port.run(self.at)]
        gc.collect()
        self.port.put(b"\r\nready\r\n")
        self.wifi.start()
        tasks.append(self.wifi.run())
        tasks.extend(self.own_tasks)
        await asyncio.gather(*tasks)


def main():
    """Run the firmware. Returns only by an exception."""
    asyncio.run(App().run())
