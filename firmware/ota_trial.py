"""What became of the last upgrade, looked at once at the start."""

from esp32 import Partition

from firmware.ota import ON_TRIAL, REVERTED
from firmware.unload import unload

# All that an upgrade loads.
_UPGRADE_CODE = (
    "ota_commands ota_download ota_feed ota_progress http_url resolver tls_context http_request http_stream "
    "slot_writer slot_finish esp_image image_identity image_signature chip"
).split()


def look_back(ota, settings):
    """Tell ``ota`` what has become of the last upgrade. An image on trial must show that it could be upgraded again: an
    exception ends the trial.
    """
    # The slot that the upgrade went to, as long as it has not proven itself.
    pending = settings.text("slot")
    if not pending:
        return
    if pending != Partition(Partition.RUNNING).info()[4].encode():
        ota.state = REVERTED
        return
    ota.state = ON_TRIAL
    for module in _UPGRADE_CODE:
        __import__("firmware." + module)
        if module == "slot_writer":
            from firmware.slot_writer import other_slot

            other_slot()
            del other_slot
        unload(*_UPGRADE_CODE)
