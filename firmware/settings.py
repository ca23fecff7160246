"""What survives a restart, in ESP-IDF's non-volatile storage (``esp32.NVS``), namespace ``at``. Loaded when needed.

After AT+SYSSTORE=0 what commands set is in force until the next restart and is not stored. The dispatcher has it in
its ``memory``, and the one handle to the storage: ESP-IDF never frees those that MicroPython opens.
"""

from firmware import log

# What AT+RESTORE forgets. Names have at most 15 characters: ESP-IDF's limit.
_NAMES = (
    "mode ssid key bssid join retry auto slot uart sysmsg stamac apmac staip apip dhcp dns ap apssid apkey trans "
    "sslauth tcpopt reconnintv"
)
_MOST = 96


class Settings:
    """Integers, tuples of integers and byte strings of at most 96 bytes by name; a storage that fails counts as empty,
    and a log line says so. ``memory`` is the storage, and a dict of what is in force but not stored.
    """

    def __init__(self, memory):
        self._storage, self._unsaved = memory

    def integer(self, name, default):
        """The integer in force, or ``default``."""
        if name in self._unsaved:
            return self._unsaved[name]
        try:
            return self._storage.get_i32(name)
        except OSError:
            return default

    def text(self, name, default=b""):
        """The bytes in force, or ``default``."""
        if name in self._unsaved:
            return self._unsaved[name]
        buffer = bytearray(_MOST)
        try:
            return bytes(buffer[: self._storage.get_blob(name, buffer)])
        except OSError:
            return default

    def numbers(self, name, default):
        """The tuple of integers in force, or ``default``."""
        value = self.text(name, None)
        if isinstance(value, bytes):
            value = tuple(int(number) for number in value.split(b","))
        return value or default

    def retry(self, ssid):
        """The values of AT+CWRECONNCFG: seconds between attempts to take up a lost connection, 0 is none; how many, 0
        is without end. By default one second, if there is an access point."""
        return self.numbers("retry", (1 if ssid else 0, 0))

    def keep(self, **values):
        """Put integers, tuples and bytes in force; they are stored unless AT+SYSSTORE=0 forbids it."""
        if self.integer("store", 1):
            for name in values:
                self._unsaved.pop(name, None)
            self.store(**values)
        else:
            self._unsaved.update(values)

    def hold(self, **values):
        """Put values in force until the next restart, whatever AT+SYSSTORE says."""
        self._unsaved.update(values)

    def store(self, **values):
        """Store integers, tuples and bytes; what is stored with the same value already is not written again."""
        for name, value in values.items():
            if isinstance(value, int):
                if self.integer(name, None) != value:
                    self._set(self._storage.set_i32, name, value)
                continue
            if isinstance(value, tuple):
                value = ",".join(str(number) for number in value).encode()
            if self.text(name, None) != value:
                self._set(self._storage.set_blob, name, value)
        self._commit()

    def clear(self):
        """Forget everything (AT+RESTORE)."""
        for name in _NAMES.split():
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
