"""The course of one upgrade, whether downloaded or fed: begin, progress, end."""

import gc

from micropython import const

from firmware.at_error import ALREADY_THERE, AtError
from firmware.at_user import DONE, OK
from firmware.ota import ATTEMPT_FAILED, DOWNLOADING, READY
from firmware.unload import keep, unload

# The stack in C still points to what has been: a pause lets other things be written over it, then it goes.
FORGET_MS = const(40)
_STEPS = const(20)
_LITTER = const(2048)
# What an upgrade loads; as one string, which takes less than a tuple.
_MODULES = (
    "ota_download ota_receive ota_feed ota_progress http_stream http_url "
    "slot_writer slot_finish esp_image image_identity image_signature chip"
)


def begin(ota):
    """An upgrade begins; AtError if one is under way already."""
    if ota.state == DOWNLOADING:
        raise AtError(ALREADY_THERE)
    ota.state = DOWNLOADING
    ota.received = ota.total = 0
    # What loading leaves behind would split the memory that is left.
    gc.threshold(_LITTER)
    # The commands that look at an upgrade come and go meanwhile.
    keep("ota_feed", "ota_progress", "slot_writer", "esp_image")


def progressed(ota, received, total):
    """Take note of how far it is, and report it once for each twentieth."""
    step = max(1, (total or ota.writer.room) // _STEPS)
    told = ota.received // step
    ota.received, ota.total = received, total
    if ota.tell_progress and (received // step > told or received == total):
        ota.report(b"+USEROTA:%d,%d" % (received, total))


def failed(ota):
    """It has ended without a new image."""
    ota.state = ATTEMPT_FAILED
    _let_go(ota)


async def finished(ota, at):
    """The new image is ready: tell the host, and restart if it wants that. Returns the command's result."""
    ota.state = READY
    _let_go(ota)
    if not ota.restarts:
        return None
    at.port.put(OK)
    await ota.system.restart()
    return DONE


def _let_go(ota):
    ota.writer = ota.task = None
    keep()
    gc.threshold(-1)
    unload(*_MODULES.split())
