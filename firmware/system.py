"""The board as a whole: memory, restart, the trial of a new image, the watchdog."""

import asyncio
import gc

import esp32
import machine
from esp32 import Partition

from firmware import log


class System:
    """What concerns all of the firmware. ``port`` is drained before a restart."""

    def __init__(self, config, settings):
        self._config = config
        self.settings = settings
        self.port = None
        self._watchdog = machine.WDT(timeout=config.watchdog_ms)
        self._proven = False

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
        await self.port.drained(self._config.restart_drain_ms)
        machine.reset()

    def may_take(self, size):
        """Whether a block of ``size`` bytes can be had and leaves the reserve.

        What does not fit into the heap's first area makes the port add an area at least as large, taken from what TCP
        and TLS live on.
        """
        gc.collect()
        area = self._config.heap_area
        if gc.mem_alloc() + size < area - area // 16:
            return True
        largest = max(region[2] for region in esp32.idf_heap_info(esp32.HEAP_DATA))
        return largest - max(size, area) >= self._config.reserve

    async def watch(self):
        """Feed the watchdog as long as the event loop runs, and end the trial after its time."""
        waited = 0
        while True:
            self._watchdog.feed()
            if waited >= self._config.trial_ms:
                self.prove_valid()
            await asyncio.sleep_ms(500)
            waited += 500
