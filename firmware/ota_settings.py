"""AT+USEROTACFG and AT+SYSROLLBACK. Loaded when called."""

from esp32 import Partition
from micropython import const

from firmware.at_error import IMAGE_REFUSED, AtError
from firmware.at_user import DONE, OK
from firmware.command import command, integer
from firmware.ota import BY_HAND
from firmware.unload import unload

# ESP-IDF's application image: its first byte, and where the descriptor begins, after it the version.
_IMAGE_MAGIC = const(0xE9)
_DESCRIPTOR_AT = const(32)
_DESCRIPTOR_MAGIC = b"\x32\x54\xcd\xab"
_VERSION_AT = const(48)
_VERSION_END = const(80)


def commands(ota):
    """The family's command table."""
    family = OtaSettings(ota)
    settings = (integer(0, 1), integer(0, 1))
    return (
        command(b"+USEROTACFG", settings, set=family.configure, query=family.query),
        command(b"+SYSROLLBACK", query=family.tell_versions, execute=family.roll_back),
    )


class OtaSettings:
    """The handlers; what they know is in ``ota`` (``firmware.ota.Ota``)."""

    def __init__(self, ota):
        self._ota = ota

    def configure(self, at, progress, restart):
        """AT+USEROTACFG=<progress>,<restart>"""
        self._ota.tell_progress = bool(progress)
        self._ota.restarts = bool(restart)

    def query(self, at):
        """AT+USEROTACFG?"""
        at.info(b"+USEROTACFG:%d,%d" % (self._ota.tell_progress, self._ota.restarts))

    def tell_versions(self, at):
        """AT+SYSROLLBACK?: address and version of what runs, and of what there is to go back to."""
        from firmware.slot_writer import other_slot

        try:
            running = _address_and_version(Partition(Partition.RUNNING))
            at.info("+SYSROLLBACK:%s,%s" % (running, _address_and_version(other_slot())))
        finally:
            unload("slot_writer", "esp_image")

    async def roll_back(self, at):
        """AT+SYSROLLBACK: start the other slot's image, if it is sound; it is on trial then, as after an upgrade."""
        ota = self._ota
        from firmware.slot_writer import boot_running, other_slot

        slot = other_slot()
        ota.system.prove_valid()
        before = _remembered(at.memory)
        label = slot.info()[4].encode()
        # Back to what was there before; but what ``before`` tells of is an upgrade that has not been accepted.
        back = bytes((BY_HAND,)) + label
        by_hand = before in (b"", back)
        try:
            boot_running(ota)
            if not by_hand:
                # As after its upgrade: no power cut may let it run without knowing that it is on trial.
                ota.remember(label)
            slot.set_boot()
            if by_hand:
                ota.remember(back)
        except OSError:
            ota.remember(before)
            raise AtError(IMAGE_REFUSED)
        finally:
            unload("slot_writer", "esp_image", "ota_progress")
        at.port.put(OK)
        await ota.system.restart()
        return DONE


def _address_and_version(slot):
    head = bytearray(_VERSION_END)
    slot.readblocks(0, head, 0)
    if head[0] != _IMAGE_MAGIC or head[_DESCRIPTOR_AT : _DESCRIPTOR_AT + 4] != _DESCRIPTOR_MAGIC:
        raise AtError(IMAGE_REFUSED)
    return '0x%x,"%s"' % (slot.info()[2], bytes(head[_VERSION_AT:]).split(b"\0")[0].decode())


def _remembered(memory):
    from firmware.settings import Settings

    slot = Settings(memory).text("slot")
    unload("settings")
    return slot
