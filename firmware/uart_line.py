"""The AT port's line in the five numbers of AT+UART_CUR: baud rate, data bits, stop bits (1, 2 for 1.5, 3 for 2),
parity (0 none, 1 odd, 2 even), flow control (0 none, 1 RTS, 2 CTS, 3 both).

Stored as text, which is written whole or not at all.
"""

from machine import UART

from firmware import log

KEY = "uart"
# The least and the most of each, as ESP-AT has them.
RANGES = ((80, 5_000_000), (5, 8), (1, 3), (0, 2), (0, 3))
ONE_AND_A_HALF = 2
_STOP = (None, 1, None, 2)
_PARITY = (None, 1, 0)


def stored_line(config, settings):
    """What AT+UART_DEF has stored, or else what the configuration says."""
    text = settings.text(KEY)
    if text:
        try:
            line = tuple([int(field) for field in text.split(b",")])
        except ValueError:
            line = ()
        if len(line) == len(RANGES) and line[2] != ONE_AND_A_HALF:
            if all(least <= value <= most for value, (least, most) in zip(line, RANGES)):
                return line
        log("stored settings of the UART not understood:", text)
    return config.baudrate, 8, 1, 0, config.flow_control


def actual_line(uart):
    """What is in force, the baud rate as the clock's divider makes it."""
    fields = dict([field.split("=") for field in repr(uart)[:-1].split(", ")[1:]])
    flow = fields.get("flow", "")
    return (
        int(fields["baudrate"]),
        int(fields["bits"]),
        _STOP.index(int(fields["stop"])),
        ("None", "1", "0").index(fields["parity"]),
        ("RTS" in flow) + 2 * ("CTS" in flow),
    )


def arguments(config, line):
    """Keywords for ``UART`` or its ``init``; a line that flow control does not use is left alone."""
    baudrate, bits, stop, parity, flow = line
    keywords = {
        "baudrate": baudrate,
        "bits": bits,
        "stop": _STOP[stop],
        "parity": _PARITY[parity],
        "flow": (UART.RTS if flow & 1 else 0) | (UART.CTS if flow & 2 else 0),
    }
    if flow & 1:
        keywords["rts"] = config.rts
    if flow & 2:
        keywords["cts"] = config.cts
    return keywords
