"""What an upgrade is doing, and what became of the last one. The commands are in ``ota_commands``."""

from micropython import const

from firmware.unload import unload

IDLE = const(0)
DOWNLOADING = const(1)
READY = const(2)
ON_TRIAL = const(3)
REVERTED = const(4)
ATTEMPT_FAILED = const(-1)


class Ota:
    """The state of upgrades. ``connected`` tells whether there is a network; ``report`` queues a message report."""

    def __init__(self, config, system, connected, report):
        self.config = config
        self.system = system
        self.connected = connected
        self.report = report
        self.tell_progress = False
        self.restarts = True
        self.state = IDLE
        self.received = self.total = 0
        # The upgrade under way: its writer, and the task if it is a download.
        self.writer = self.task = None

    def proven(self):
        """The running image is good for good."""
        if self.state == ON_TRIAL:
            self.state = IDLE
            self.remember(b"")

    def remember(self, label):
        """Keep in mind which slot is to prove itself after a restart; none if empty."""
        from firmware.settings import Settings

        Settings().store(slot=label)
        unload("settings")
