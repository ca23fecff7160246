# Freezes the firmware into a MicroPython build of one's own, with bytecode in flash instead of RAM:
#   make -C ports/esp32 BOARD=ESP32_GENERIC BOARD_VARIANT=OTA FROZEN_MANIFEST=<this file>
# boot.py is not needed then, and main.py runs unless the filesystem has one of its own.
include("$(PORT_DIR)/boards/manifest.py")
package("firmware", opt=3)
module("main.py")
