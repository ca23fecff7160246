"""Certificate authorities and server certificates, made for one test run."""

from __future__ import annotations

import datetime
import functools
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

VALID = datetime.timedelta(days=30)

Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _make(subject: str, issuer: Pair | None, extension: x509.ExtensionType) -> Pair:
    """A certificate and its key, signed by ``issuer`` or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer[0].subject if issuer else _name(subject))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - VALID)
        .not_valid_after(now + VALID)
        .add_extension(extension, critical=issuer is None)
    )
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


@functools.cache
def _authority(name: str) -> Pair:
    return _make(name, None, x509.BasicConstraints(ca=True, path_length=None))


def authority(name: str) -> bytes:
    """The certificate of an authority, PEM."""
    return _authority(name)[0].public_bytes(serialization.Encoding.PEM)


@functools.cache
def certified(issuer: str, name: str) -> tuple[bytes, bytes]:
    """A certificate of the authority ``issuer`` for ``name``, and its key, both PEM."""
    certificate, key = _make(name, _authority(issuer), x509.SubjectAlternativeName([x509.DNSName(name)]))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


@functools.cache
def server_context(issuer: str, host: str) -> ssl.SSLContext:
    """What a server of the name ``host`` needs, with a certificate of the authority ``issuer``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "server.pem"
        path.write_bytes(b"".join(certified(issuer, host)))
        context.load_cert_chain(path)
    return context
