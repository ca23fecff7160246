"""Files installed for development (``make install``): they run instead of the package in the slot.

They lie in ``/user/development``. The file ``image`` there holds the SHA-256 of the image that they were installed
over: only while that image is in the running slot do they run, so an upgrade's code runs, and after a roll-back the
files do again. Files that end the firmware with an exception, or let the watchdog bite, are off until they are
installed anew: ``image`` becomes ``failed``. The file ``started`` says that the last start was theirs. Needed for the
start only.
"""

import os
import struct
import sys
from binascii import hexlify

import machine
from esp32 import Partition
from micropython import const

from firmware import log
from firmware.user_partition import mount_user_partition

_FOLDER = "/user/development"
_IMAGE = _FOLDER + "/image"
_FAILED = _FOLDER + "/failed"
_STARTED = _FOLDER + "/started"
_SECTOR = const(4096)
_HEADER = const(24)
_DIGEST = const(32)
_BOOT_PY = "/boot.py"
# The version of boot.py (its first line) that this package wants.
_BOOT_VERSION = const(1)


def running_digest():
    """The SHA-256 that ends the image in the running slot, in hex."""
    slot = Partition(Partition.RUNNING)
    head = bytearray(8)
    slot.readblocks(0, head, 0)
    end = _HEADER
    for _ in range(head[1]):
        slot.readblocks(end // _SECTOR, head, end % _SECTOR)
        end += 8 + struct.unpack_from("<I", head, 4)[0]
    # The checksum is the last byte of a multiple of 16; the digest follows.
    end = (end // 16 + 1) * 16
    digest = bytearray(_DIGEST)
    slot.readblocks(end // _SECTOR, digest, end % _SECTOR)
    return hexlify(digest).decode()


def run_instead():
    """Run the development files if there are any for the running image. Returns if not; otherwise only by an
    exception.
    """
    try:
        _look_at_boot()
        if __file__.startswith(_FOLDER) or not mount_user_partition() or not _may_run():
            return
    except Exception as error:  # whatever is wrong with these files, the package starts
        log("development files not looked at:", repr(error))
        return
    log("development files run, from", _FOLDER)
    sys.path.insert(0, _FOLDER)
    for name in list(sys.modules):
        if name == "firmware" or name.startswith("firmware."):
            del sys.modules[name]
    try:
        import firmware.app

        firmware.app.main()
    except Exception:
        _switch_off("they ended with an exception")
        raise


def _may_run():
    try:
        names = os.listdir(_FOLDER)
    except OSError:
        return False
    if "image" not in names:
        if "failed" in names:
            log("development files have failed: off until the next make install")
        return False
    started = "started" in names
    with open(_IMAGE) as file:
        fits = file.read() == running_digest()
    if not fits:
        log("development files are for another image")
        if started:
            os.remove(_STARTED)
        return False
    if started and machine.reset_cause() == machine.WDT_RESET:
        _switch_off("the watchdog bit while they ran")
        return False
    if not started:
        open(_STARTED, "w").close()
    return True


def _switch_off(why):
    log("development files are off until the next make install:", why)
    try:
        os.rename(_IMAGE, _FAILED)
    except OSError as error:
        log("they cannot be switched off:", error)


def _look_at_boot():
    """Tell of a boot.py that is older than what this package wants; only where boot.py found the package."""
    if not __file__.startswith("/slot/"):
        return
    version = _boot_version()
    if version < _BOOT_VERSION:
        log("boot.py is version %d, not %d: make flash or make install renews it" % (version, _BOOT_VERSION))


def _boot_version():
    """What the first line of boot.py says, ``# boot.py, version 1``; 0 if nothing."""
    try:
        with open(_BOOT_PY) as file:
            words = file.readline().split()
    except OSError:
        return 0
    return int(words[-1]) if words[:3] == ["#", "boot.py,", "version"] else 0
