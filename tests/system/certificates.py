"""Certificate authorities and server certificates, made by OpenSSL for one test run."""

from __future__ import annotations

import functools
import ssl
import subprocess
import tempfile
from pathlib import Path

DAYS = "30"
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="certificates")


def _file(name: str) -> Path:
    return Path(_folder().name) / name


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@functools.cache
def authority(name: str) -> bytes:
    """The certificate of an authority, PEM."""
    key, certificate = _file(f"{name}.key"), _file(f"{name}.pem")
    extensions = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    _openssl(
        "req", "-x509", *CURVE, "-keyout", key, "-out", certificate, "-subj", f"/CN={name}", "-days", DAYS, *extensions
    )
    return certificate.read_bytes()


@functools.cache
def server_context(issuer: str, host: str) -> ssl.SSLContext:
    """What a server of the name or address ``host`` needs, with a certificate of the authority ``issuer``."""
    authority(issuer)
    stem = f"{issuer}-{host}"
    key, request, certificate = (_file(f"{stem}.{kind}") for kind in ("key", "csr", "crt"))
    extensions = _file(f"{stem}.ext")
    extensions.write_text(f"subjectAltName=DNS:{host}\n")
    _openssl("req", "-new", *CURVE, "-keyout", key, "-out", request, "-subj", f"/CN={host}")
    issuing = ("-CA", _file(f"{issuer}.pem"), "-CAkey", _file(f"{issuer}.key"), "-CAcreateserial", "-days", DAYS)
    _openssl("x509", "-req", "-in", request, "-out", certificate, "-extfile", extensions, *issuing)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
