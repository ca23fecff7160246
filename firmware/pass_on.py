"""Begins pass-through: the commands, which nobody needs meanwhile, make room for it. Loaded when needed."""

from firmware.unload import unload


async def pass_on(net, at, target):
    """As ``pass_through.pass_through``."""
    at.release()
    unload("pass_on")
    from firmware.pass_through import pass_through

    try:
        return await pass_through(net, at, target)
    finally:
        unload("pass_through")
