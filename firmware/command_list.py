"""AT+CMD?: every command and its forms, with no more than one family in memory. Loaded when called."""

from firmware.unload import unload


async def list_commands(at):
    """The handler of AT+CMD?"""
    at.release()
    unload("command_list")
    index = 0
    forms = _forms(at.table.values())
    number = 0
    while forms is not None:
        for name, kinds in forms:
            at.info(b'+CMD:%d,"AT%s",%d,%d,%d,%d' % ((index, name) + kinds))
            await at.port.flush()
            index += 1
        forms = _forms_of_family(at, number)
        number += 1


def _forms_of_family(at, number):
    """None behind the last family. It is gone when this returns."""
    family = _family(number)
    unload("families")
    forms = None
    if family:
        forms = [line for line in _forms(at.load(*family)) if line[0] not in at.table]
        at.release()
    return forms


def _family(number):
    from firmware.families import family_at

    return family_at(number)


def _forms(table):
    return [
        (name, (bool(set_form and parameters), bool(query), bool(set_form), bool(execute)))
        for name, parameters, query, set_form, execute, _ in table
    ]
