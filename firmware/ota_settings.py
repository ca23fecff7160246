"""AT+USEROTACFG and AT+SYSROLLBACK. Loaded when called."""

from firmware.at_error import IMAGE_REFUSED, AtError
from firmware.at_user import DONE, OK
from firmware.command import command, integer
from firmware.unload import unload


def commands(ota):
    """The family's command table."""
    family = OtaSettings(ota)
    settings = (integer(0, 1), integer(0, 1))
    return (
        command("+USEROTACFG", settings, set=family.configure, query=family.query),
        command("+SYSROLLBACK", execute=family.roll_back),
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

    async def roll_back(self, at):
        """AT+SYSROLLBACK: start the other slot's image, if it is sound; it is on trial then, as after an upgrade."""
        from firmware.slot_writer import boot_running, other_slot

        slot = other_slot()
        self._ota.system.prove_valid()
        try:
            boot_running(self._ota)
            slot.set_boot()
        except OSError:
            raise AtError(IMAGE_REFUSED)
        finally:
            unload("slot_writer", "esp_image", "ota_progress")
        self._ota.remember(b"")
        at.port.put(OK)
        await self._ota.system.restart()
        return DONE
