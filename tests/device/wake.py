# Waking the host, on the board itself: the wake pin is driven by the firmware and read back. WAKE_GPIO, 18 unless set
# before, must not be driven from outside.
from machine import Pin

GPIO = named("WAKE_GPIO", 18)
REPORT = b"+TEST:1\r\n"


def level():
    return Pin(GPIO).value()


async def enable(host, signal, delay, check=1):
    await host.command(b"AT+USERWKMCUCFG=1,1,%d,%d,%d,%d" % (GPIO, signal, delay, check))


async def the_pin_is_inactive_and_held(host):
    for signal in (1, 0):
        await enable(host, signal, 1000)
        assert level() == 1 - signal
        Pin(GPIO).value(signal)
        assert level() == 1 - signal, "the pad is not held"
        Pin(GPIO).value(1 - signal)
        await host.command(b"AT+USERWKMCUCFG=0")


async def a_report_wakes_the_host(host):
    await enable(host, 1, 5000)
    await host.command(b"AT+USERMCUSLEEP=1")
    Module.at.report("+TEST:1")
    await wait_for_level(1)
    await host.command(b"AT+USERMCUSLEEP=0", OK, REPORT)
    assert level() == 0
    await host.command(b"AT+USERWKMCUCFG=0")


async def a_report_waits_no_longer_than_the_delay(host):
    await enable(host, 0, 300)
    await host.command(b"AT+USERMCUSLEEP=1")
    begin = time.ticks_ms()
    Module.at.report("+TEST:1")
    await host.expect(REPORT)
    waited = time.ticks_diff(time.ticks_ms(), begin)
    assert 300 <= waited < 600, waited
    assert level() == 1
    await host.command(b"AT+USERMCUSLEEP=0")
    await host.command(b"AT+USERWKMCUCFG=0")


async def a_byte_wakes_the_host(host):
    await host.command(b"AT+USERWKMCUCFG=1,2,1,170,200")
    await host.command(b"AT+USERMCUSLEEP=1")
    Module.at.report("+TEST:1")
    await host.expect(b"\xaa" + REPORT)
    await host.command(b"AT+USERMCUSLEEP=0")
    await host.command(b"AT+USERWKMCUCFG=0")


async def pins_that_are_taken_are_refused(host):
    config = Module.config
    for number in (config.tx, config.rx) + tuple(config.reserved_gpios):
        await host.command(b"AT+USERWKMCUCFG=1,1,%d,1,100" % number, ERROR)


async def wait_for_level(wanted):
    for _ in range(500):
        if level() == wanted:
            return
        await asyncio.sleep_ms(1)
    raise AssertionError("the wake pin does not become %d" % wanted)


run(
    the_pin_is_inactive_and_held,
    a_report_wakes_the_host,
    a_report_waits_no_longer_than_the_delay,
    a_byte_wakes_the_host,
    pins_that_are_taken_are_refused,
)
