# Counts what the simulated peripherals allocate for the calls that the firmware makes while it serves commands: on a
# board they are C and allocate nothing. "heap" is one number of bytes for each kind of call.
import gc

import machine
from esp32 import Partition

ROUNDS = 20

uart = machine.UART(1, 115200, tx=17, rx=16, rts=14, rxbuf=4096, txbuf=4096, flow=machine.UART.RTS)
pin = machine.Pin(18, machine.Pin.OUT, value=0, hold=True)
slot = Partition(Partition.RUNNING).get_next_update()
watchdog = machine.WDT(timeout=60_000)
buffer = bytearray(4096)
view = memoryview(buffer)[:64]

CALLS = (
    lambda: uart.write(view),
    lambda: uart.readinto(buffer),
    lambda: uart.any(),
    lambda: uart.txdone(),
    lambda: pin.init(value=1, hold=True),
    lambda: slot.writeblocks(1, buffer),
    lambda: watchdog.feed(),
)


def cost(call):
    call()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(ROUNDS):
        call()
    after = gc.mem_alloc()
    gc.enable()
    return (after - before) // ROUNDS


print("running")
print("heap:", *[cost(call) for call in CALLS])
