"""One upgrade from a URL: body to slot, and what can go wrong as the error codes of AT commands."""

from firmware import log
from firmware.at_error import IMAGE_REFUSED, TIMED_OUT, TRANSFER_FAILED, AtError
from firmware.esp_image import ImageError
from firmware.http_stream import HttpError, HttpStream
from firmware.slot_writer import SlotWriter

# The stream's own, and lwIP's error number.
_TIMEOUTS = ("timeout", 116)


async def download(url, config, system):
    """Fetch the image at ``url`` (a bytearray) into the other slot and make that the one to boot; AtError if not."""
    try:
        slot = SlotWriter(system)
        async with HttpStream(url, config.ota_timeout_ms, config.ota_redirects) as body:
            await body.open()
            await slot.take(body)
        slot.finish()
    except ImageError as error:
        log("upgrade refused:", error)
        raise AtError(IMAGE_REFUSED)
    except (HttpError, OSError, UnicodeError) as error:
        log("upgrade failed:", error)
        raise AtError(TIMED_OUT if error.args[0] in _TIMEOUTS else TRANSFER_FAILED)
