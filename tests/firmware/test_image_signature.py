"""RSA-PSS on the device against Python's ``cryptography``: good and bad signatures made on the fly."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from tools import interpreter

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "unit" / "verify_signature.py"
SECTOR = 4096
KEY_BYTES = 384
SALT = 32


@dataclass
class Key:
    """An RSA-3072 key and the file of its public half."""

    private: rsa.RSAPrivateKey
    file: Path


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> list[Key]:
    """Two keys with the usual exponent, and one with 3."""
    folder = tmp_path_factory.mktemp("keys")
    made = []
    for number, exponent in enumerate((65537, 65537, 3)):
        private = rsa.generate_private_key(exponent, KEY_BYTES * 8)
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        file = folder / f"{number}.pem"
        file.write_bytes(private.public_key().public_bytes(serialization.Encoding.PEM, form))
        made.append(Key(private, file))
    return made


def block(key: Key, digest: bytes, signature: int) -> bytes:
    """A signature block, which is right but for what it is given."""
    numbers = key.private.public_key().public_numbers()
    data = b"\xe7\x02\0\0" + digest + numbers.n.to_bytes(KEY_BYTES, "little")
    # The two values that a chip's hardware works with are not looked at.
    data += numbers.e.to_bytes(4, "little") + bytes(KEY_BYTES + 4) + signature.to_bytes(KEY_BYTES, "little")
    return data + struct.pack("<I", zlib.crc32(data)) + bytes(16)


def sign(key: Key, digest: bytes, salt: int = SALT, mask: hashes.HashAlgorithm | None = None) -> int:
    """A PSS signature of ``digest``."""
    scheme = padding.PSS(padding.MGF1(mask or hashes.SHA256()), salt)
    return int.from_bytes(key.private.sign(digest, scheme, utils.Prehashed(hashes.SHA256())), "big")


def sector(*blocks: bytes) -> bytes:
    return b"".join(blocks).ljust(SECTOR, b"\xff")


def cases(keys: list[Key]) -> list[tuple[str, bytes, bytes, Key, bool]]:
    """Name, signature sector, digest, the board's key, and whether the image counts as signed."""
    first, second, small = keys
    found: list[tuple[str, bytes, bytes, Key, bool]] = []
    for number in range(20):
        digest = os.urandom(32)
        key = (first, second, small)[number % 3]
        found.append((f"good-{number}", sector(block(key, digest, sign(key, digest))), digest, key, True))
    digest, wrong = hashlib.sha256(b"image").digest(), hashlib.sha256(b"another").digest()
    good = sign(first, digest)
    modulus = first.private.public_key().public_numbers().n
    plain = int.from_bytes(first.private.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256())), "big")
    bad = {
        "other-key": block(second, digest, sign(second, digest)),
        "signed-by-another": block(first, digest, sign(second, digest)),
        "another-digest": block(first, wrong, sign(first, wrong)),
        "digest-only-claimed": block(first, digest, sign(first, wrong)),
        "salt-0": block(first, digest, sign(first, digest, 0)),
        "salt-20": block(first, digest, sign(first, digest, 20)),
        "salt-33": block(first, digest, sign(first, digest, 33)),
        "mask-sha512": block(first, digest, sign(first, digest, mask=hashes.SHA512())),
        "pkcs1": block(first, digest, plain),
        "zero": block(first, digest, 0),
        "one": block(first, digest, 1),
        "minus-one": block(first, digest, modulus - 1),
        "modulus": block(first, digest, modulus),
        "negated": block(first, digest, modulus - good),
    }
    found += [(name, sector(data), digest, first, False) for name, data in bad.items()]
    found += [(f"bit-{bit}", sector(block(first, digest, good ^ 1 << bit)), digest, first, False) for bit in (0, 1500)]
    found.append(("past-a-bad-one", sector(bad["zero"], block(first, digest, good)), digest, first, True))
    found.append(("fourth-block", sector(*[bad["zero"]] * 3, block(first, digest, good)[:448]), digest, first, False))
    return found


@pytest.mark.parametrize("bits", [32, 64])
def test_signatures(keys: list[Key], tmp_path: Path, bits: int) -> None:
    made = cases(keys)
    (tmp_path / "cases").write_text(
        json.dumps([(name, data.hex(), digest.hex(), str(key.file)) for name, data, digest, key, _ in made])
    )
    command: list[str | Path] = [interpreter.find(bits=bits), "-X", "heapsize=2M", SCRIPT, ROOT, tmp_path / "cases"]
    *lines, heap = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    answers = {name: (answer == "True", int(time)) for name, answer, time in map(str.split, lines)}
    assert {name: answer for name, (answer, _) in answers.items()} == {name: expected for name, *_, expected in made}
    print(f"{bits} bits: {answers['good-0'][1]} us, {heap.split()[1]} bytes of heap")
    assert 0 < int(heap.split()[1]) <= 16 * 1024
