"""Signed images: Espressif's Secure Boot V2 signature block, RSA-3072 with PSS, as ``espsecure sign-data`` makes it.

Formats: ESP-IDF's "Secure Boot V2" guide for the block, RFC 8017 for PSS, RFC 3447 and 5280 for the key's PEM. The
public key lies on the board; its modulus must be the block's. Costs some 10 KB for a moment, and the time of one
modular power with a 17-bit exponent.
"""

import hashlib
import struct
from binascii import a2b_base64, crc32

from micropython import const

_MAGIC = const(0xE7)
_VERSION = const(2)
_BLOCK = const(1216)
_KEY = const(384)
_QUARTER_BITS = const(_KEY * 2)
_HASH = const(32)
_N_AT = const(36)
_SIGNATURE_AT = const(812)
_CRC_AT = const(1196)
_BLOCKS = const(3)
_TRAILER = const(0xBC)


def is_signed(read, digest, key_file):
    """Whether one of the signature blocks signs ``digest`` with the key in ``key_file``. ``read(at, buffer)`` reads
    from the sector with the signature.
    """
    modulus, exponent = _read_key(key_file)
    for begin in range(0, _BLOCKS * _BLOCK, _BLOCK):
        # The block's memory is free again before the power is computed.
        signature = _signature(read, begin, digest, modulus)
        if signature and _is_pss(_power(signature, exponent, modulus), digest):
            return True
    return False


def _signature(read, begin, digest, modulus):
    """The signature in the block at ``begin``, 0 if it is not one of ``digest`` with this key. Read piece by piece:
    memory is short.
    """
    view = memoryview(bytearray(_KEY))

    def field(at, length=_KEY):
        piece = view[:length]
        read(begin + at, piece)
        return piece

    head = field(0, _N_AT)
    if head[0] != _MAGIC or head[1] != _VERSION or bytes(head[4:]) != digest:
        return 0
    checksum = 0
    for at in range(0, _CRC_AT, _KEY):
        checksum = crc32(field(at, min(_KEY, _CRC_AT - at)), checksum)
    if _number(field(_CRC_AT, 4)) != checksum & 0xFFFFFFFF or _number(field(_N_AT)) != modulus:
        return 0
    signature = _number(field(_SIGNATURE_AT))
    return signature if signature < modulus else 0


def _number(little_endian):
    return int.from_bytes(little_endian, "little")


def _power(base, exponent, modulus):
    """As ``pow``, which takes numbers twice as long as the modulus: memory seldom has such a piece left."""
    result = base
    for bit in bin(exponent)[3:]:
        result = _product(result, result, modulus)
        if bit == "1":
            result = _product(result, base, modulus)
    return result


def _product(one, other, modulus):
    """``one * other % modulus``, by quarters of ``other``."""
    result = 0
    for shift in range(3 * _QUARTER_BITS, -1, -_QUARTER_BITS):
        result = ((result << _QUARTER_BITS) + one * (other >> shift & (1 << _QUARTER_BITS) - 1)) % modulus
    return result


def _is_pss(message, digest):
    """EMSA-PSS verification with SHA-256, MGF1 and a salt of 32 bytes (RFC 8017, section 9.1.2)."""
    encoded = message.to_bytes(_KEY, "big")
    split = _KEY - _HASH - 1
    masked, inner = encoded[:split], encoded[split:-1]
    if encoded[-1] != _TRAILER or masked[0] & 0x80:
        return False
    mask = b""
    for counter in range((split + _HASH - 1) // _HASH):
        mask += hashlib.sha256(inner + struct.pack(">I", counter)).digest()
    number = int.from_bytes(masked, "big") ^ int.from_bytes(mask[:split], "big")
    # The leading bit is not part of the message: the modulus has one bit more.
    block = (number & ((1 << (split * 8 - 1)) - 1)).to_bytes(split, "big")
    padding = split - _HASH - 1
    if block[:padding] != bytes(padding) or block[padding] != 1:
        return False
    return hashlib.sha256(bytes(8) + digest + block[padding + 1 :]).digest() == inner


def _read_key(path):
    """Modulus and exponent of a PEM file as ``espsecure extract-public-key`` and openssl write it."""
    with open(path) as file:
        text = file.read()
    der = a2b_base64("".join(line for line in text.split("\n") if line and "-----" not in line))
    # SubjectPublicKeyInfo: a sequence of the algorithm and a bit string that holds a sequence of two integers.
    at = _enter(der, 0)
    at = _behind(der, at)
    at = _enter(der, at) + 1
    at = _enter(der, at)
    modulus = der[_enter(der, at) : _behind(der, at)]
    at = _behind(der, at)
    return int.from_bytes(modulus, "big"), int.from_bytes(der[_enter(der, at) : _behind(der, at)], "big")


def _enter(der, at):
    """Where the content of the DER element at ``at`` begins."""
    return at + 2 + (der[at + 1] & 0x7F if der[at + 1] & 0x80 else 0)


def _behind(der, at):
    """Where the DER element at ``at`` ends."""
    begin = _enter(der, at)
    length = der[at + 1]
    if length & 0x80:
        length = int.from_bytes(der[at + 2 : begin], "big")
    return begin + length
