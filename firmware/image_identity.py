"""Whose image it is, and which version: its application descriptor against the configuration."""

from firmware.esp_image import ImageError

_PROJECT = b"esp-at-micropython"


def identify(writer):
    """Refuse an image of another project, and one older than the configuration allows."""
    config = writer.ota.config
    if writer.check.project != _PROJECT and not config.ota_any_project:
        raise ImageError("another project")
    if _numbers(writer.check.version) < _numbers(config.ota_version_floor.encode()):
        raise ImageError("version below the floor")


def _numbers(version):
    """A version as a list of numbers that compares as people mean it; what follows the digits of a part does not
    count.
    """
    numbers = []
    for part in version.lstrip(b"v").split(b"-")[0].split(b"."):
        digits = b""
        for byte in part:
            if not 0x30 <= byte <= 0x39:
                break
            digits += bytes((byte,))
        numbers.append(int(digits) if digits else 0)
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers
