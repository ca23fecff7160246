"""What survives a restart, in ESP-IDF's non-volatile storage (``esp32.NVS``), namespace ``at``."""

from esp32 import NVS

from firmware import log

_NAMES = ("mode", "ssid", "key", "bssid", "slot", "uart")
_MOST = 64


class Settings:
    """Integers and byte strings of at most 64 bytes by name; a storage that fails counts as empty, and a log line
    says so.
    """

    def __init__(self):
        self._storage = NVS("at")

    def integer(self, name, default):
        """The stored integer, or ``default``."""
        try:
            return self._storage.get_i32(name)
        except OSError:
            return default

    def text(self, name, default=b""):
        """The stored bytes, or ``default``."""
        buffer = bytearray(_MOST)
        try:
            return bytes(buffer[: self._storage.get_blob(name, buffer)])
        except OSError:
            return default

    def store(self, **values):
        """Store integers and bytes; what is stored with the same value already is not written again."""
        for name, value in values.items():
            if isinstance(value, int):
                if self.integer(name, None) != value:
                    self._set(self._storage.set_i32, name, value)
            elif self.text(name, None) != value:
                self._set(self._storage.set_blob, name, value)
        self._commit()

    def clear(self):
        """Forget everything (AT+RESTORE)."""
        for name in _NAMES:
            try:
                self._storage.erase_key(name)
            except OSError:
                continue
        self._commit()

    def _set(self, setter, name, value):
        try:
            setter(name, value)
        except OSError as error:
            log("setting", name, "not stored:", error)

    def _commit(self):
        try:
            self._storage.commit()
        except OSError as error:
            log("settings not stored:", error)
