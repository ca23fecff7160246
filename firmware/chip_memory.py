"""Where chips other than the ESP32 have memory, by their number in the image header.

In the form of ``chip``; addresses as in the chips' Technical Reference Manuals, "System and Memory".
"""

MEMORY = {
    # ESP32-C3
    5: (
        (0x3C000, 0x3C800, True),
        (0x3FC80, 0x3FCE0, False),
        (0x4037C, 0x403E0, False),
        (0x42000, 0x42800, True),
        (0x50000, 0x50002, False),
    ),
    # ESP32-S3
    9: (
        (0x3C000, 0x3E000, True),
        (0x3FC88, 0x3FD00, False),
        (0x40370, 0x403E0, False),
        (0x42000, 0x44000, True),
        (0x50000, 0x50002, False),
        (0x600FE, 0x60100, False),
    ),
    # ESP32-C6
    13: (
        (0x40800, 0x40880, False),
        (0x42000, 0x43000, True),
        (0x50000, 0x50004, False),
    ),
}
