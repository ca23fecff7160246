"""AT+USEROTA: upgrade from a URL into the other slot (SPEC, section 3).

The code that downloads is loaded when it is first needed, and let go after a failure: some 8 KB, and as much again for
two blocks of flash while it runs.
"""

from micropython import const

from firmware.at_error import NO_NETWORK, AtError
from firmware.at_user import DONE, OK
from firmware.command import command, integer
from firmware.unload import unload

_URL_MOST = const(8192)


class Ota:
    """The upgrade. ``connected`` tells whether there is a network."""

    def __init__(self, config, system, connected):
        self._config = config
        self._system = system
        self._connected = connected

    def commands(self):
        """The family's command table."""
        return (command("+USEROTA", (integer(1, _URL_MOST),), set=self._upgrade),)

    async def _upgrade(self, at, length):
        url = bytearray(length)
        await at.data(memoryview(url))
        at.port.put(b"\r\nRecv %d bytes\r\n" % length)
        if at.port.drop_waiting():
            at.busy()
        at.listen()
        if not self._connected():
            raise AtError(NO_NETWORK)
        try:
            from firmware.ota_download import download

            await download(url, self._config, self._system)
        finally:
            unload("ota_download", "http_stream", "resolver", "slot_writer", "esp_image")
        at.port.put(OK)
        await self._system.restart()
        return DONE
