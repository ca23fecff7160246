"""URLs of downloads: ``http`` and ``https``, with user:password, port, IPv6 literals; the fragment is kept apart.

RFC 3986 as far as a download needs it. A URL of 8192 bytes is never copied. What comes out is plain tuples, so that
this module need not stay loaded.
"""

from binascii import b2a_base64, unhexlify

from micropython import const

_DIGEST_NAME = b"sha256="
_DIGEST = const(32)


class UrlError(Exception):
    """Not a URL that can be fetched."""


def parse(text):
    """The parts of a URL, bytes or a bytearray: (secure, host, port, authority, authorization, path, fragment).

    ``path`` is a view into ``text``; ``host`` is a string; ``authorization`` is what "Basic" takes, or empty.
    """
    head = bytes(text[:8]).lower()
    secure = head == b"https://"
    begin = 8 if secure else 7
    if not secure and not head.startswith(b"http://"):
        raise UrlError("scheme")
    for byte in text:
        if byte <= 32 or byte == 127:
            raise UrlError("character")
    mark = text.find(b"#")
    end = mark if mark >= 0 else len(text)
    slash = min(at for at in (text.find(b"/", begin, end), text.find(b"?", begin, end), end) if at >= 0)
    user, at_sign, authority = bytes(text[begin:slash]).rpartition(b"@")
    host, port = _split(authority, 443 if secure else 80)
    authorization = b2a_base64(_unescape(user)).strip() if at_sign else b""
    return secure, host, port, authority, authorization, memoryview(text)[slash:end], bytes(text[end + 1 :])


def parse_with_digest(text):
    """The parts of a URL, and the SHA-256 that its fragment may tell, or empty; UrlError or ValueError if not right."""
    parts = parse(text)
    fragment = parts[-1]
    if not fragment.startswith(_DIGEST_NAME):
        return parts, b""
    digest = unhexlify(fragment[len(_DIGEST_NAME) :])
    if len(digest) != _DIGEST:
        raise UrlError("digest")
    return parts, digest


def _split(authority, port):
    if authority.startswith(b"[") and b"]" in authority:
        host, _, rest = authority[1:].partition(b"]")
    else:
        host, colon, rest = authority.partition(b":")
        rest = colon + rest
    if not host or (rest and not (rest[:1] == b":" and rest[1:].isdigit() and 0 < int(rest[1:]) < 65536)):
        raise UrlError("host")
    return host.decode(), int(rest[1:]) if rest else port


def join(parts, location):
    """The parts of the URL that a Location header names, seen from ``parts``; dot segments are left to the server. The
    same server is told the same user and password.
    """
    secure, _, _, authority, authorization, path, _ = parts
    scheme = b"https:" if secure else b"http:"
    if location.startswith(b"//"):
        location = scheme + location
    elif b"://" not in location.partition(b"?")[0]:
        if not location.startswith(b"/"):
            base = bytes(path).partition(b"?")[0]
            location = (base if location.startswith(b"?") else base.rpartition(b"/")[0] + b"/") + location
        location = scheme + b"//" + authority + location
    target = parse(location)
    if authorization and not target[4] and target[:3] == parts[:3]:
        target = target[:4] + (authorization,) + target[5:]
    return target


def _unescape(text):
    """Percent-escapes to bytes."""
    parts = text.split(b"%")
    value = parts[0]
    for part in parts[1:]:
        value += bytes((int(part[:2], 16),)) + part[2:]
    return value
