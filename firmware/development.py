"""Files installed for development (``make install``): they run instead of the package in the slot.

They lie in ``/user/development``. The file ``image`` there holds the SHA-256 of the image that they were installed
over: only while that image is in the running slot do they run, so an upgrade's code runs, and after a roll-back the
files do again. The file ``started`` is there from their start until they have proven healthy, as an image on trial
does, and has a byte for each start. Files that end with an exception before that, let the watchdog bite, or crash three
times, are off until they are installed anew: ``image`` becomes ``failed``. Needed for the start only.
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
_CRASHES_MOST = const(3)
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
        if _starts():
            _switch_off("they ended with an exception")
        raise


def watch(system):
    """Let ``system`` note when the development files have proven healthy."""
    proven = system.on_proven

    def note():
        proven()
        _forget_starts()

    system.on_proven = note


def _may_run():
    try:
        names = os.listdir(_FOLDER)
    except OSError:
        return False
    if "image" not in names:
        if "failed" in names:
            log("development files have failed: off until the next make install")
        return False
    with open(_IMAGE) as file:
        fits = file.read() == running_digest()
    if not fits:
        log("development files are for another image")
        _forget_starts()
        return False
    starts = _starts()
    cause = machine.reset_cause()
    if starts and cause == machine.WDT_RESET:
        _switch_off("the watchdog bit while they started")
        return False
    if starts >= _CRASHES_MOST:
        _switch_off("they crashed while they started")
        return False
    if cause == machine.HARD_RESET or not starts:
        # A power cut is not theirs.
        with open(_STARTED, "a") as file:
            file.write("x")
    return True


def _starts():
    """How often they were started since they have last proven healthy."""
    try:
        return os.stat(_STARTED)[6]
    except OSError:
        return 0


def _forget_starts():
    try:
        os.remove(_STARTED)
    except OSError:
        return


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
