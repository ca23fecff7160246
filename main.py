# MicroPython runs this after boot.py. It starts the firmware; a firmware that cannot run must neither silence the board
# nor lock out the person at the console.
import sys
import time

import machine

_PAUSE_SECONDS = 5
_WATCHDOG_MS = 30_000
_DAYS_MS = 0x3FFFFFFF


def run():
    # From here on: a firmware that hangs while it loads must not keep its place either.
    machine.WDT(timeout=_WATCHDOG_MS)
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
    finally:
        # The watchdog cannot be stopped: leave a person at the REPL in peace.
        machine.WDT(timeout=_DAYS_MS)


run()
