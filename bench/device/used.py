# An own command: AT+USED? answers the bytes of heap in use after a collection.
import gc

from firmware.command import command


def used(at):
    gc.collect()
    at.info("+USED:%d" % gc.mem_alloc())


COMMANDS = (command("+USED", query=used),)
