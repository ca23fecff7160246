"""What an upgrade is doing, and what became of the last one. The commands are in ``ota_commands``."""

from esp32 import NVS
from micropython import const

from firmware import log

IDLE = const(0)
DOWNLOADING = const(1)
READY = const(2)
ON_TRIAL = const(3)
REVERTED = const(4)
ATTEMPT_FAILED = const(-1)

# Before the label of a slot that AT+SYSROLLBACK went back to, in the setting ``slot``.
BY_HAND = const(0x3C)


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
        """Keep in mind which slot is to prove itself after a restart, or was gone back to by hand (``ota_trial``); none
        if empty. Without ``settings``: there is no memory to spare while an upgrade is under way.
        """
        storage = NVS("at")
        before = bytearray(len(label) + 1)
        try:
            if before[: storage.get_blob("slot", before)] == label:
                return
        except OSError:
            pass  # nothing yet, or something longer
        try:
            storage.set_blob("slot", label)
            storage.commit()
        except OSError as error:
            log("slot on trial not stored:", error)
