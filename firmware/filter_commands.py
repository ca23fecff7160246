"""AT+SYSMSGFILTER and AT+SYSMSGFILTERCFG (ESP-AT user guide, "Basic AT Commands"). Loaded when called."""

from micropython import const

from firmware.at_error import NO_MEMORY, NOT_POSSIBLE, NOT_THERE, PARSE, VALUE, AtError
from firmware.at_user import DONE, OK
from firmware.command import command, integer
from firmware.unload import unload

_CLEAR = const(0)
_ADD = const(1)
_LONGEST = const(64)
# ESP-AT names no number; each takes some 400 bytes.
_MOST = const(8)
_EXTENDED = const(1)
_LINES = const(4)


def commands(system):
    """The family's command table."""
    length = integer(0, _LONGEST, optional=True)
    return (
        command(
            b"+SYSMSGFILTER",
            (integer(0, 1),),
            set=lambda at, on: _switch(at, system, on),
            query=lambda at: at.info(b"+SYSMSGFILTER:%d" % bool(system.message_filter and system.message_filter.on)),
        ),
        command(
            b"+SYSMSGFILTERCFG",
            (integer(0, 2), length, length, integer(0, 7, optional=True)),
            set=lambda at, arguments: _configure(at, system, arguments),
            query=lambda at: _list(at, system),
            ordered=True,
        ),
    )


def _filter(at, system):
    if system.message_filter is None:
        from firmware.message_filter import MessageFilter

        system.message_filter = MessageFilter(at)
    return system.message_filter


def _forget(system):
    """Let the filter go if it does nothing any more."""
    if system.message_filter and not (system.message_filter.on or system.message_filter.filters):
        system.message_filter = None
        unload("message_filter")


def _switch(at, system, on):
    """AT+SYSMSGFILTER=<on>: not before the answer is out, and as soon as it is off."""
    message_filter = _filter(at, system)
    if not on:
        message_filter.switch(False)
    at.port.put(OK)
    if on:
        message_filter.switch(True)
    _forget(system)
    return DONE


def _list(at, system):
    """AT+SYSMSGFILTERCFG?"""
    if system.message_filter:
        for index, entry in enumerate(system.message_filter.filters):
            at.info(b'+SYSMSGFILTERCFG:%d,"%s","%s"' % (index, entry[0], entry[1]))


def _configure(at, system, arguments):
    """AT+SYSMSGFILTERCFG=0, or =<1 add, 2 delete>,<length of head>,<length of tail>[,<flags>]"""
    operation = arguments.get(0)
    given = len(arguments)
    if operation == _CLEAR:
        if given > 1:
            raise arguments.wrong_count(1)
        if system.message_filter:
            system.message_filter.filters.clear()
            _forget(system)
        return None
    if not 3 <= given <= 4:
        raise arguments.wrong_count(3 if given < 3 else 4)
    head, tail = arguments.get(1), arguments.get(2)
    flags = (arguments.get(3) if given > 3 else None) or 0
    for index, length in enumerate((head, tail)):
        if length is None:
            raise AtError(PARSE | index + 1)
    if not head and not tail:
        raise AtError(VALUE | 2)
    if flags & _LINES:
        raise AtError(NOT_POSSIBLE)
    if operation == _ADD and system.message_filter and len(system.message_filter.filters) >= _MOST:
        raise AtError(NO_MEMORY)
    return _change(at, system, operation, (head, tail, flags))


async def _change(at, system, operation, lengths):
    """Ask for the two patterns, then add the filter or delete it."""
    head, tail, flags = lengths
    data = bytearray(head + tail)
    await at.data(memoryview(data))
    key = bytes(data[:head]), bytes(data[head:]), flags
    filters = system.message_filter.filters if system.message_filter else []
    there = [entry for entry in filters if entry[:3] == key]
    if operation == _ADD:
        if not there:
            entry = key + _compiled(key)
            _filter(at, system).filters.append(entry)
    elif there:
        filters.remove(there[0])
        _forget(system)
    else:
        raise AtError(NOT_THERE)


def _compiled(key):
    from firmware.filter_pattern import compiled

    head, tail, flags = key
    if flags & 2:
        head, tail = head.lower(), tail.lower()
    try:
        extended = flags & _EXTENDED
        return head and compiled(head, extended), tail and compiled(tail, extended)
    finally:
        unload("filter_pattern")
