"""Commands of the user's own, from ``/user/commands.py`` (docs/own-commands.md).

The file lies in the littlefs partition ``user``. Neither a broken file nor a broken partition keeps the firmware from
starting: the log says what is wrong.
"""

import os
import sys

import vfs
from esp32 import Partition
from micropython import const

from firmware import log

_FOLDER = "/user"
# How many values the line of a command table has.
_ENTRY = const(6)


def mount_user_partition():
    """Mount the partition ``user``, made empty first if it is blank; False if there is none or it does not mount."""
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


def load_own_commands(at):
    """Enter the commands of ``COMMANDS`` and return the coroutines of ``TASKS``, each called with the dispatcher."""
    if "commands.py" not in os.listdir(_FOLDER):
        return []
    sys.path.append(_FOLDER)
    try:
        import commands

        tasks = [_guarded(at, task) for task in getattr(commands, "TASKS", ())]
        table = getattr(commands, "COMMANDS", ())
        for entry in table:
            if not (isinstance(entry, tuple) and len(entry) == _ENTRY and isinstance(entry[0], str)):
                raise TypeError("COMMANDS takes what command() returns")
        at.add(table)
        return tasks
    except (Exception, SystemExit) as error:  # whatever is wrong with the file, the firmware starts without it
        log("own commands not loaded:")
        sys.print_exception(error)
        return []


async def _guarded(at, task):
    try:
        await task(at)
    except Exception as error:  # a broken task ends alone
        log("own task ended:")
        sys.print_exception(error)
