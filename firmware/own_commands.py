"""Commands of the user's own, from ``/user/commands.py`` (docs/own-commands.md).

A broken file does not keep the firmware from starting: the log says what is wrong.
"""

import os
import sys

from micropython import const

from firmware import log

_FOLDER = "/user"
# How many values the line of a command table has.
_ENTRY = const(6)


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
