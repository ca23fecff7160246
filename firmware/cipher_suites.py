"""The TLS cipher suites that mbedTLS may have on an ESP32: IANA's numbers and mbedTLS's names. Loaded when needed."""

from micropython import const

_CIPHERS = (
    "AES-128-CBC-SHA AES-256-CBC-SHA AES-128-CBC-SHA256 AES-256-CBC-SHA384 AES-128-GCM-SHA256 AES-256-GCM-SHA384 "
    "ARIA-128-CBC-SHA256 ARIA-256-CBC-SHA384 ARIA-128-GCM-SHA256 ARIA-256-GCM-SHA384 "
    "AES-128-CCM AES-256-CCM AES-128-CCM-8 AES-256-CCM-8"
)
# A number in hex for each of the ciphers, as far as there are any.
_BY_KEY_EXCHANGE = (
    ("ECDHE-ECDSA", "C009 C00A C023 C024 C02B C02C C048 C049 C05C C05D C0AC C0AD C0AE C0AF"),
    ("ECDHE-RSA", "C013 C014 C027 C028 C02F C030 C04C C04D C060 C061"),
    ("ECDH-ECDSA", "C004 C005 C025 C026 C02D C02E C04A C04B C05E C05F"),
    ("ECDH-RSA", "C00E C00F C029 C02A C031 C032 C04E C04F C062 C063"),
    ("RSA", "002F 0035 003C 003D 009C 009D C03C C03D C050 C051 C09C C09D C0A0 C0A1"),
)
# The one whose hash is another than that of its column.
_RSA_AES_256_CBC = const(0x3D)


def suites():
    """(number, name) of each."""
    ciphers = _CIPHERS.split()
    for exchange, codes in _BY_KEY_EXCHANGE:
        for index, digits in enumerate(codes.split()):
            code = int(digits, 16)
            cipher = "AES-256-CBC-SHA256" if code == _RSA_AES_256_CBC else ciphers[index]
            yield code, "TLS-%s-WITH-%s" % (exchange, cipher)


def name_of(code):
    """The name of a suite, None if it is not one of these."""
    for number, name in suites():
        if number == code:
            return name
    return None


def has(context, name):
    """Whether MicroPython on this board has the suite; ``context`` is a ``tls.SSLContext`` of no other use."""
    try:
        context.set_ciphers((name,))
    except OSError:
        return False
    return True
