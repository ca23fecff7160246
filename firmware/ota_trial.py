"""What concerns upgrades at the start: what became of the last one, and which files the next one relies on."""

from esp32 import Partition
from machine import WDT
from micropython import const

from firmware.ota import ATTEMPT_FAILED, BY_HAND, IDLE, ON_TRIAL, REVERTED
from firmware.unload import unload

_WATCHDOG_MS = const(30_000)
# All that an upgrade loads.
_UPGRADE_CODE = (
    "ota_commands ota_download ota_receive ota_broken ota_feed ota_progress http_url resolver tls_context "
    "connection http_request http_stream slot_writer slot_finish esp_image image_identity image_signature chip "
    "chip_memory trust"
).split()


def look_back(settings):
    """What has become of the last upgrade, as a state of ``Ota``. An image on trial must show that it could be upgraded
    again: an exception ends the trial. Best done before the rest of the firmware is loaded: it takes room and reads
    much.
    """
    from firmware.trust import remember

    remember(settings)
    unload("trust")
    # The slot that the upgrade went to, as long as it has not proven itself; behind BY_HAND the one that
    # AT+SYSROLLBACK went back to.
    expected = settings.text("slot")
    if not expected:
        return IDLE
    by_hand = expected[0] == BY_HAND
    runs = expected[by_hand:] == Partition(Partition.RUNNING).info()[4].encode()
    if by_hand:
        return REVERTED if runs else ATTEMPT_FAILED
    if not runs:
        return REVERTED
    # main.py has started it. Much is read here, and where flash is slow that takes longer than all else at the start.
    watchdog = WDT(timeout=_WATCHDOG_MS)
    for module in _UPGRADE_CODE:
        watchdog.feed()
        __import__("firmware." + module)
        if module == "slot_writer":
            from firmware.slot_writer import other_slot

            other_slot()
            del other_slot
        unload(*_UPGRADE_CODE)
    return ON_TRIAL
