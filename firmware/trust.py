"""The files of the partition ``user`` that upgrades put their trust in: the public key of signed images, the CA file of
HTTPS servers. Loaded when needed.

Without such a file an upgrade is less strict. So that a partition that breaks, or is emptied, does not make it so, the
settings remember that a file was there: from then on an upgrade without it is refused, until ``forget`` is called on
the REPL. AT+RESTORE does not forget.
"""

import os

from esp32 import NVS
from micropython import const

from firmware import log
from firmware.at_error import IMAGE_REFUSED, AtError

KEY_FILE = "/user/ota_key.pem"
CA_FILE = "/user/ca.pem"
# The setting that remembers each of them.
_REMEMBERED = ((KEY_FILE, "has_key"), (CA_FILE, "has_ca"))
_ENOENT = const(2)


def remember(settings):
    """At each start: remember the files that are there."""
    for path, name in _REMEMBERED:
        if _is_there(path):
            settings.store(**{name: 1})


def relies_on(path):
    """Whether the file is there; AtError if it is not, but was. One that cannot be read counts as there."""
    if _is_there(path):
        return True
    try:
        NVS("at").get_i32(dict(_REMEMBERED)[path])
    except OSError:
        return False
    log(path, "is missing: upgrade refused")
    raise AtError(IMAGE_REFUSED)


def forget(path):
    """Remove a file and the memory of it: upgrades do without from now on."""
    try:
        os.remove(path)
    except OSError as error:
        log(path, "not removed:", error)
    storage = NVS("at")
    try:
        storage.erase_key(dict(_REMEMBERED)[path])
    except OSError:
        return
    storage.commit()


def _is_there(path):
    try:
        os.stat(path)
    except OSError as error:
        return error.errno != _ENOENT
    return True
