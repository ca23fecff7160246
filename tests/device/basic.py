# The basic commands, on the board itself. Needs nothing around the board.
async def at(host):
    await host.command(b"AT")


async def echo(host):
    await host.command(b"ATE1")
    await host.command(b"AT", b"AT\r\n", OK)
    await host.command(b"ATE0", b"ATE0\r\n", OK)


async def versions(host):
    answer = await host.answer(b"AT+GMR")
    assert answer.startswith(b"AT version:4."), answer
    assert b"\r\nSDK version:MicroPython " in answer, answer


async def every_command_loads(host):
    answer = await host.answer(b"AT+CMD?", 60_000)
    names = [row.split(b'"')[1] for row in answer.split(b"\r\n") if row.startswith(b"+CMD:")]
    assert {b"AT+USEROTA", b"AT+USERRAM"} <= set(names), names
    assert len(set(names)) == len(names), names


async def error_codes(host):
    await host.command(b"AT+SYSLOG=1")
    await host.command(b"AT+NOTHING", b"ERR CODE:0x01090000\r\n", ERROR)
    await host.command(b"AT+SLEEP=4", b"ERR CODE:0x01070000\r\n", ERROR)
    await host.command(b"at", b"ERR CODE:0x01030000\r\n", ERROR)
    await host.command(b"A" * 300, b"ERR CODE:0x01020000\r\n", ERROR)
    await host.command(b"AT+SYSLOG=0")


async def free_memory(host):
    answer = await host.answer(b"AT+SYSRAM?")
    free = int(answer.split(b":")[1].split(b",")[0])
    assert free > 30_000, free


async def the_modem_sleeps_as_told(host):
    import network

    station = network.WLAN(network.STA_IF)
    for mode, told, power_save in ((1, 1, 1), (2, 3, 2), (3, 3, 2), (0, 0, 0)):
        await host.command(b"AT+SLEEP=%d" % mode)
        await host.command(b"AT+SLEEP?", b"+SLEEP:%d\r\n" % told, OK)
        assert station.config("pm") == power_save, (mode, station.config("pm"))


async def a_gpio_that_can_end_deep_sleep(host):
    import esp32

    if not hasattr(esp32, "wake_on_ext0"):
        raise Skip("this chip has no wake-up source of this kind")
    await host.command(b"AT+SLEEPWKCFG=2,13,1")
    await host.command(b"AT+SLEEPWKCFG=2,5,1", ERROR)
    esp32.wake_on_ext0(None)


run(
    at,
    echo,
    versions,
    every_command_loads,
    error_codes,
    free_memory,
    the_modem_sleeps_as_told,
    a_gpio_that_can_end_deep_sleep,
)
