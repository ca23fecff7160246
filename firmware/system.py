"""The board as a whole: memory, restart, the trial of a new image, the watchdog."""

import asyncio

import machine
from esp32 import Partition

from firmware import log


class System:
    """What concerns all of the firmware. ``port`` is drained before a restart."""

    def __init__(self, config):
        self.config = config
        self.port = None
        # The block of AT+USERRAM, or None.
        self.user_block = None
        # The filter of AT+SYSMSGFILTER, or None.
        self.message_filter = None
        self._watchdog = machine.WDT(timeout=config.watchdog_ms)
        self._proven = False
        self.on_proven = None

    def prove_valid(self):
        """Mark the running image valid, once: the boot loader then keeps it.

        Writes a flash sector when the image is on trial, so call it before the host is answered. A fallback may be on
        trial itself: every healthy start must come here.
        """
        if self._proven:
            return
        self._proven = True
        try:
            Partition.mark_app_valid_cancel_rollback()
        except OSError as error:
            log("image not marked valid:", error)
            self._mend_otadata()
        if self.on_proven:
            self.on_proven()

    def _mend_otadata(self):
        """Both entries are spoiled: ESP-IDF mends them only when the slot to boot is chosen anew."""
        try:
            Partition(Partition.RUNNING).set_boot()
            Partition.mark_app_valid_cancel_rollback()
        except OSError as error:
            log("otadata not mended:", error)

    async def restart(self):
        """Restart once the answer is on the wire. Does not return."""
        self.prove_valid()
        await self.port.drained(self.config.restart_drain_ms)
        machine.reset()

    async def watch(self):
        """Feed the watchdog as long as the event loop runs, and end the trial after its time."""
        waited = 0
        while True:
            self._watchdog.feed()
            if waited >= self.config.trial_ms:
                self.prove_valid()
            await asyncio.sleep_ms(500)
            waited += 500
