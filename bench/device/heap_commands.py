# An own command that looks into the running firmware. AT+HEAP? answers the bytes of heap in use; after AT+HEAP=1
# nothing is collected any more, after AT+HEAP=0 all is as ever.
import gc

from firmware.command import command, integer


def collect(at, keep):
    gc.collect()
    if keep:
        gc.disable()
    else:
        gc.enable()


def used(at):
    at.info(b"+HEAP:%d" % gc.mem_alloc())


COMMANDS = (command("+HEAP", (integer(0, 1),), set=collect, query=used),)
