"""The littlefs partition ``user``, mounted at ``/user``: what the user and commands write. The firmware goes on without
it if it is broken.
"""

import os

import vfs
from esp32 import Partition

from firmware import log

_FOLDER = "/user"


def mount_user_partition():
    """Mount the partition, made empty first if it is blank; False if there is none or it does not mount."""
    if _FOLDER[1:] in os.listdir("/"):
        return True
    found = Partition.find(Partition.TYPE_DATA, label="user")
    if not found:
        return False
    partition = found[0]
    try:
        if _is_blank(partition):
            vfs.VfsLfs2.mkfs(partition)
        vfs.mount(partition, _FOLDER)
    except OSError as error:
        log("partition user not mounted:", error)
        return False
    return True


def _is_blank(partition):
    head = bytearray(64)
    partition.readblocks(0, head, 0)
    return head == b"\xff" * len(head)
