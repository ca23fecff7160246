# AT+USERRAM, on the board itself. Needs nothing around the board.
import esp32

SIZE = 4096


def pattern(size):
    return bytes((index * 7 + (index >> 8)) & 255 for index in range(size))


async def write(host, size, offset, data):
    await host.command(b"AT+USERRAM=2,%d,%d" % (size, offset), PROMPT)
    host.write(data)
    await host.expect(b"\r\nWRITE OK\r\n")


async def read(host, size, offset):
    host.write(b"AT+USERRAM=3,%d,%d\r\n" % (size, offset))
    data = b""
    while len(data) < size:
        piece = min(1024, size - len(data))
        await host.expect(b"+USERRAM:%d," % piece)
        data += await host.read(piece)
    await host.expect(OK)
    return data


async def a_block_keeps_what_is_written(host):
    await host.command(b"AT+USERRAM=1,%d" % SIZE)
    await host.command(b"AT+USERRAM?", b"+USERRAM:%d\r\n" % SIZE, OK)
    assert await read(host, SIZE, 0) == bytes(SIZE)
    data = pattern(SIZE)
    await write(host, SIZE, 0, data)
    assert await read(host, SIZE, 0) == data
    assert await read(host, 100, SIZE - 100) == data[-100:]
    await write(host, 3, 1000, b"\r\n+")
    assert await read(host, 5, 999) == data[999:1000] + b"\r\n+" + data[1003:1004]
    await host.command(b"AT+USERRAM=4")
    assert await read(host, SIZE, 0) == bytes(SIZE)
    await host.command(b"AT+USERRAM=0")
    await host.command(b"AT+USERRAM?", b"+USERRAM:0\r\n", OK)


async def what_does_not_fit_is_refused(host):
    await host.command(b"AT+USERRAM=2,1", ERROR)
    await host.command(b"AT+USERRAM=1,%d" % 1_000_000_000, ERROR)
    await host.command(b"AT+USERRAM=1,100")
    await host.command(b"AT+USERRAM=1,100", ERROR)
    await host.command(b"AT+USERRAM=3,1,100", ERROR)
    await host.command(b"AT+USERRAM=0")


async def the_largest_block_leaves_the_reserve(host):
    least, most = 0, 512
    while most - least > 1:
        kilobytes = (least + most) // 2
        if (await host.answer(b"AT+USERRAM=1,%d" % (kilobytes * 1024))).endswith(OK):
            least = kilobytes
            largest = max(region[2] for region in esp32.idf_heap_info(esp32.HEAP_DATA))
            await host.command(b"AT+USERRAM=0")
            assert largest >= Module.config.reserve, largest
        else:
            most = kilobytes
    table([("largest block of AT+USERRAM beside this script", least, "KB")])
    assert least > 0


run(a_block_keeps_what_is_written, what_does_not_fit_is_refused, the_largest_block_leaves_the_reserve)
