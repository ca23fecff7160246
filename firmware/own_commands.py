"""Commands of the user's own, from ``/user/commands.py`` (docs/own-commands.md).

A broken file does not keep the firmware from starting: the log says what is wrong. With one that lets the watchdog bite
twice in a row, the start after that goes without it; the file ``commands.bitten`` says that it has bitten.
"""

import os
import sys

import machine
from micropython import const

from firmware import log

_FOLDER = "/user"
_BITTEN = _FOLDER + "/commands.bitten"
# How many values the line of a command table has.
_ENTRY = const(6)


def load_own_commands(at):
    """Enter the commands of ``COMMANDS`` and return the coroutines of ``TASKS``, each called with the dispatcher."""
    names = os.listdir(_FOLDER)
    if "commands.py" not in names or not _may_load("commands.bitten" in names):
        return []
    sys.path.append(_FOLDER)
    try:
        import commands

        tasks = [_guarded(at, task) for task in getattr(commands, "TASKS", ())]
        table = getattr(commands, "COMMANDS", ())
        for entry in table:
            if not (isinstance(entry, tuple) and len(entry) == _ENTRY and isinstance(entry[0], bytes)):
                raise TypeError("COMMANDS takes what command() returns")
        at.add(table)
        return tasks
    except (Exception, SystemExit) as error:  # whatever is wrong with the file, the firmware starts without it
        log("own commands not loaded:")
        sys.print_exception(error)
        return []


def _may_load(bitten):
    if machine.reset_cause() != machine.WDT_RESET:
        if bitten:
            os.remove(_BITTEN)
        return True
    if bitten:
        log("own commands left out until the next restart: the watchdog bit twice")
        return False
    open(_BITTEN, "w").close()
    return True


async def _guarded(at, task):
    try:
        await task(at)
    except Exception as error:  # a broken task ends alone
        log("own task ended:")
        sys.print_exception(error)
