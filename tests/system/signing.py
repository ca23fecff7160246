"""Keys and signed images, made by Espressif's own ``espsecure``."""

from __future__ import annotations

import functools
import hashlib
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

SECTOR = 4096
BLOCK = 1216
# Fields of a signature block: offset, length (ESP-IDF's guide "Secure Boot V2").
FIELDS = {
    "magic": (0, 1),
    "version": (1, 1),
    "digest": (4, 32),
    "modulus": (36, 384),
    "exponent": (420, 4),
    "signature": (812, 384),
    "crc": (1196, 4),
}


def _espsecure(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "espsecure", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="keys")


@functools.cache
def private_key(name: str) -> Path:
    """The file of an RSA-3072 key, made once."""
    path = Path(_folder().name) / f"{name}.pem"
    _espsecure("generate-signing-key", "--version", "2", "--scheme", "rsa3072", path)
    return path


@functools.cache
def public_key(name: str) -> bytes:
    """The PEM file of the key's public half."""
    path = private_key(name).with_suffix(".pub")
    _espsecure("extract-public-key", "--version", "2", "--keyfile", private_key(name), path)
    return path.read_bytes()


@functools.cache
def signed(data: bytes, *names: str) -> bytes:
    """``data`` with a signature of each of these keys, at most three."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in", Path(folder) / "out"
        source.write_bytes(data)
        keys = [part for name in names for part in ("--keyfile", private_key(name))]
        _espsecure("sign-data", "--version", "2", *keys, "--output", target, source)
        return target.read_bytes()


def padded(data: bytes) -> bytes:
    """What a signature of ``data`` covers: whole sectors."""
    return data + b"\xff" * (-len(data) % SECTOR)


def tampered(data: bytes, field: str, *, block: int = 0, mend: bool = True) -> bytes:
    """A signed image with one bit changed in the middle of a field of its signature block; ``mend`` the CRC then."""
    changed = bytearray(data)
    begin = len(data) - SECTOR + block * BLOCK
    offset, length = FIELDS[field]
    changed[begin + offset + length // 2] ^= 0x10
    if mend:
        _mend(changed, begin)
    return bytes(changed)


def resigned_without_key(data: bytes, signature: bytes) -> bytes:
    """``data`` with the signature sector of another signed image, whose digest and CRC are made to fit."""
    body = padded(data)
    changed = bytearray(body + signature[-SECTOR:])
    begin = len(body)
    changed[begin + 4 : begin + 36] = hashlib.sha256(body).digest()
    _mend(changed, begin)
    return bytes(changed)


def _mend(data: bytearray, begin: int) -> None:
    struct.pack_into("<I", data, begin + FIELDS["crc"][0], zlib.crc32(data[begin : begin + FIELDS["crc"][0]]))
