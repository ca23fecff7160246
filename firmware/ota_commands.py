"""AT+USEROTA and its family (SPEC, sections 3 and 6). Loaded when called, and what does the work only then."""

from micropython import const

from firmware.at_error import IMAGE_REFUSED, AtError
from firmware.at_user import DONE, OK
from firmware.command import command, integer, string
from firmware.unload import unload

_WORK = ("ota_download", "ota_feed", "ota_progress", "slot_writer", "esp_image")
_URL_MOST = const(8192)
_DATA_MOST = const(4096)


def commands(ota):
    """The family's command table."""
    family = OtaCommands(ota)
    settings = (integer(0, 1), integer(0, 1))
    start = (integer(1), string(64, 64, optional=True))
    return (
        command("+USEROTA", (integer(1, _URL_MOST),), set=family.upgrade, query=family.query),
        command("+USEROTACFG", settings, set=family.configure, query=family.query_settings),
        command("+USEROTASTART", start, set=family.start),
        command("+USEROTADATA", (integer(1, _DATA_MOST),), set=family.data),
        command("+USEROTAEND", execute=family.end),
        command("+USEROTAABORT", execute=family.abort),
        command("+SYSROLLBACK", execute=family.roll_back),
    )


class OtaCommands:
    """The handlers; what they know is in ``ota`` (``firmware.ota.Ota``)."""

    def __init__(self, ota):
        self._ota = ota

    def query(self, at):
        """AT+USEROTA?"""
        ota = self._ota
        at.info(b"+USEROTA:%d,%d,%d" % (ota.state, ota.received, ota.total))

    def configure(self, at, progress, restart):
        """AT+USEROTACFG=<progress>,<restart>"""
        self._ota.tell_progress = bool(progress)
        self._ota.restarts = bool(restart)

    def query_settings(self, at):
        """AT+USEROTACFG?"""
        at.info(b"+USEROTACFG:%d,%d" % (self._ota.tell_progress, self._ota.restarts))

    def upgrade(self, at, length):
        """AT+USEROTA=<url length>"""
        return self._loaded("ota_download").upgrade(self._ota, at, length)

    def start(self, at, size, digest):
        """AT+USEROTASTART=<size>[,"<sha256>"]"""
        # While memory is in one piece.
        block = bytearray(_DATA_MOST)
        return self._loaded("ota_feed").start(self._ota, at, size, digest, block)

    def data(self, at, count):
        """AT+USEROTADATA=<n>"""
        return self._loaded("ota_feed").data(self._ota, at, count)

    def end(self, at):
        """AT+USEROTAEND"""
        return self._loaded("ota_feed").end(self._ota, at)

    def abort(self, at):
        """AT+USEROTAABORT: the upgrade under way ends with ERROR; what runs goes on."""
        ota = self._ota
        if ota.task:
            ota.task.cancel()
        elif ota.writer:
            from firmware.ota_progress import failed

            failed(ota)

    def _loaded(self, module):
        """The module that does the work. Where memory does not suffice for it, nothing of it may stay behind."""
        try:
            return __import__("firmware." + module, None, None, ("begin",))
        except MemoryError:
            unload(*_WORK)
            raise

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
