# MicroPython runs this after boot.py. It starts the firmware; a firmware that cannot run must neither silence the board
# nor lock out the person at the console.
import sys
import time

import machine

_PAUSE_SECONDS = 5


def run():
    try:
        import firmware.app

        firmware.app.main()
    except Exception as error:
        sys.print_exception(error)
        # An image on trial was not marked valid, so the boot loader goes back to the one before; that its package is
        # missing counts too. Another image starts again. Either way Ctrl-C during the pause gives the REPL.
        print("main: restart in", _PAUSE_SECONDS, "s, Ctrl-C for the REPL")
        time.sleep(_PAUSE_SECONDS)
        machine.reset()


run()
