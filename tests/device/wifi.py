# Wi-Fi, on the board itself. Joins the access point SSID with PASSWORD if these are set before.
async def modes(host):
    for mode in (0, 2, 3, 1):
        await host.command(b"AT+CWMODE=%d,0" % mode)
        await host.command(b"AT+CWMODE?", b"+CWMODE:%d\r\n" % mode, OK)


async def an_access_point_that_is_not_there(host):
    await host.command(b"AT+CWMODE=1,0")
    answer = await host.answer(b'AT+CWJAP="no such network","12345678"', 60_000)
    assert answer.endswith(b"+CWJAP:3\r\n" + ERROR), answer


async def a_scan_finds_something(host):
    import network

    await host.command(b"AT+CWMODE=1,0")
    found = network.WLAN(network.STA_IF).scan()
    if not found:
        raise Skip("no access point in reach")
    table([("access points in reach", len(found), "")])


async def join_and_leave(host):
    ssid = named("SSID")
    if not ssid:
        raise Skip("no SSID given")
    await host.command(b"AT+CWMODE=1,0")
    begin = time.ticks_ms()
    line = 'AT+CWJAP="%s","%s"' % (ssid, named("PASSWORD", ""))
    answer = await host.answer(line.encode(), 60_000)
    assert answer == b"WIFI CONNECTED\r\nWIFI GOT IP\r\n" + OK, answer
    table([("time to join", time.ticks_diff(time.ticks_ms(), begin), "ms")])
    answer = await host.answer(b"AT+CWSTATE?")
    assert answer.startswith(b"+CWSTATE:2,"), answer
    host.write(b"AT+CWQAP\r\n")
    await host.until((b"WIFI DISCONNECT\r\n",))
    await host.command(b"AT+CWMODE=0")


run(modes, an_access_point_that_is_not_there, a_scan_finds_something, join_and_leave)
