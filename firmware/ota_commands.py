"""AT+USEROTA and its family (SPEC, sections 3 and 6), but for what ``ota_settings`` has. Loaded when called, and what
does the work only then.
"""

from micropython import const

from firmware.command import command, integer, string
from firmware.ota import DOWNLOADING
from firmware.unload import unload

_WORK = "ota_download ota_receive ota_feed ota_progress slot_writer esp_image"
_URL_MOST = const(8192)
_DATA_MOST = const(4096)
# A download goes to flash in pieces of this size: memory against speed.
_BLOCK = const(1024)


def commands(ota):
    """The family's command table."""
    family = OtaCommands(ota)
    start = (integer(1), string(64, 64, optional=True))
    return (
        command(b"+USEROTA", (integer(1, _URL_MOST),), set=family.upgrade, query=family.query),
        command(b"+USEROTASTART", start, set=family.start),
        command(b"+USEROTADATA", (integer(1, _DATA_MOST),), set=family.data),
        command(b"+USEROTAEND", execute=family.end),
        command(b"+USEROTAABORT", execute=family.abort),
    )


class OtaCommands:
    """The handlers; what they know is in ``ota`` (``firmware.ota.Ota``)."""

    def __init__(self, ota):
        self._ota = ota

    def query(self, at):
        """AT+USEROTA?"""
        ota = self._ota
        at.info(b"+USEROTA:%d,%d,%d" % (ota.state, ota.received, ota.total))

    def upgrade(self, at, length):
        """AT+USEROTA=<url length>"""
        # While memory is in one piece.
        blocks = [bytearray(_BLOCK)]
        return self._loaded("ota_download").upgrade(self._ota, at, length, blocks)

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
        elif ota.state == DOWNLOADING:
            from firmware.ota_progress import failed

            failed(ota)

    def _loaded(self, module):
        """The module that does the work. Where memory does not suffice for it, nothing of it may stay behind."""
        try:
            return __import__("firmware." + module, None, None, ("begin",))
        except MemoryError:
            unload(*_WORK.split())
            raise
