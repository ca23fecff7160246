import asyncio
import random

from fakes import FakeCommands, FakeUart, PieceUart, until

from firmware.at_port import PIECE, AtPort

TXBUF = 4096


async def make(uart=None):
    uart = uart or FakeUart()
    port = AtPort(uart, 115200, TXBUF)
    commands = FakeCommands()
    asyncio.create_task(port.run(commands))
    await asyncio.sleep_ms(0)
    return uart, port, commands


def begin(port):
    port.command_begins()
    port.command_started()


async def send(uart, data):
    uart.incoming += data
    await until(lambda: not uart.incoming)
    await asyncio.sleep_ms(2)


def lines_of(stream):
    """What a port in line mode must tell of ``stream``."""
    told = []
    for line in stream.split(b"\n")[:-1]:
        if line.endswith(b"\r"):
            line = line[:-1]
        if len(line) > 256:
            told.append("too long")
        elif line:
            told.append(line)
    return told


def some_lines():
    stream = b""
    for _ in range(40):
        length = random.choice((0, 1, 2, 10, 100, 254, 255, 256, 257, 258, 300, 511, 512, 513, 700))
        stream += bytes(random.choice(b"ABC\r\x00\xff") for _ in range(length)) + random.choice((b"\r\n", b"\n"))
    return stream


async def test_lines_in_pieces_of_any_size():
    random.seed(1)
    for _ in range(4):
        stream = some_lines()
        uart, _, commands = await make(PieceUart())
        await send(uart, stream)
        assert commands.seen == lines_of(stream), stream
        assert uart.sent == stream


async def test_lines_without_echo():
    random.seed(2)
    stream = some_lines()
    uart, port, commands = await make(PieceUart())
    port.echo = False
    await send(uart, stream)
    assert commands.seen == lines_of(stream)
    assert uart.sent == b""


async def test_data_in_pieces_of_any_size():
    random.seed(3)
    for size in (1, 2, 300, 511, 512, 513, 5000):
        data = bytes(random.getrandbits(8) for _ in range(size))
        uart, port, commands = await make(PieceUart())
        target = bytearray(size)
        port.begin_data(memoryview(target))
        await send(uart, data)
        await port.data()
        assert target == data
        port.command_ended()
        await send(uart, b"AT\r\n")
        assert commands.seen == [b"AT"]


async def test_data_behind_its_line_in_one_piece():
    class Asking(FakeCommands):
        def line(self, buffer, start, end):
            super().line(buffer, start, end)
            if len(self.seen) == 1:
                port.begin_data(memoryview(target))

    target = bytearray(4)
    uart = FakeUart(b"one\r\n\r\nA\ntwo\r\nthree\n")
    port = AtPort(uart, 115200, TXBUF)
    commands = Asking()
    asyncio.create_task(port.run(commands))
    await port.data()
    assert target == b"\r\nA\n"
    assert commands.seen == [b"one"]
    port.command_ended()
    await asyncio.sleep_ms(5)
    assert commands.seen == [b"one", b"two", b"three"]


async def test_one_busy_for_each_burst():
    uart, port, commands = await make()
    begin(port)
    await send(uart, b"one\r\ntwo\r\nthr")
    await asyncio.sleep_ms(60)
    await send(uart, b"ee\r\n")
    assert commands.seen == ["busy", "busy"]
    assert uart.sent == b""


async def test_served_lines_are_not_busy():
    uart, port, commands = await make()
    begin(port)
    for piece in (b"SE", b"RVE 1", b"\r", b"\nSERVE 2\nSERVE 3\r\nother\nSERVE 4\n"):
        await send(uart, piece)
    assert commands.seen == [b"SERVE 1", b"SERVE 2", b"SERVE 3", "busy", b"SERVE 4"]


async def test_half_a_line_is_dropped_at_the_commands_end():
    for half in (b"o", b"one", b"SERVE", b"x" * 300):
        uart, port, commands = await make()
        begin(port)
        await send(uart, half)
        port.command_ending()
        port.command_ended()
        assert commands.seen == ["busy"]
        await send(uart, b"rest\r\ntwo\r\n")
        assert commands.seen == ["busy", b"two"]
        assert uart.sent == b"two\r\n"


async def test_input_that_nobody_has_read_yet_is_dropped_at_the_commands_end():
    uart, port, commands = await make()
    begin(port)
    uart.incoming = b"one\r\n" * 700 + b"half"
    port.command_ending()
    port.command_ended()
    assert commands.seen == ["busy"]
    await send(uart, b" a line\r\ntwo\r\n")
    assert commands.seen == ["busy", b"two"]


async def test_a_line_under_way():
    uart, port, _ = await make()
    assert not port.line_under_way()
    await send(uart, b"AT")
    assert port.line_under_way()
    await send(uart, b"\r\n")
    assert not port.line_under_way()
    await send(uart, b"AT")
    await asyncio.sleep_ms(600)
    assert not port.line_under_way()


async def test_half_a_line_of_a_week_ago_holds_nothing_up():
    from firmware import at_port

    uart, port, _ = await make()
    await send(uart, b"A")
    now = at_port.ticks_ms
    at_port.ticks_ms = lambda: (now() + 7 * 24 * 3600 * 1000) & 0x3FFFFFFF
    try:
        assert not port.line_under_way()
        port.put(b"x")
        assert port.backlog_ms() < 10
    finally:
        at_port.ticks_ms = now


async def test_nothing_unasked_while_a_line_is_under_way():
    uart, port, _ = await make()
    await send(uart, b"AT")
    quiet = asyncio.create_task(port.quiet())
    await asyncio.sleep_ms(50)
    assert not quiet.done()
    await send(uart, b"\r\n")
    await until(quiet.done)


async def test_a_line_close_behind_another_does_not_wait_for_poll():
    uart, _, commands = await make()
    # A busy machine may be late.
    for _ in range(50):
        uart.unseen = False
        await send(uart, b"one\n")
        uart.unseen = True
        uart.incoming = b"two\n"
        await asyncio.sleep_ms(10)
        if not uart.incoming:
            assert commands.seen[-1] == b"two"
            return
    raise AssertionError("seen by poll only")


async def test_drop_waiting():
    uart, port, _ = await make()
    assert not port.drop_waiting()
    uart.incoming = b"x" * 3000
    assert port.drop_waiting()
    assert not uart.incoming


# Output.


async def test_pieces_keep_their_order():
    uart, port, _ = await make()
    expected = b""
    for number in range(300):
        piece = b"%d;" % number * 10
        port.put(piece, b"\r\n")
        expected += piece + b"\r\n"
    await port.flush()
    assert uart.sent == expected


async def test_never_more_under_way_than_the_buffer_takes():
    uart, port, _ = await make()
    uart.stuck = True
    writing = asyncio.create_task(write_all(port, 64))
    await asyncio.sleep_ms(100)
    assert not writing.done()
    assert 1024 < len(uart.sent) < TXBUF
    uart.stuck = False
    await until(writing.done)
    assert len(uart.sent) == 64 * PIECE


async def write_all(port, count):
    for _ in range(count):
        await port.write(b"", bytes(PIECE))


async def test_a_long_piece_is_not_split_by_others():
    uart, port, _ = await make()
    uart.stuck = True
    port.put(b"a" * 10000)
    flushing = asyncio.create_task(port.flush())
    writing = asyncio.create_task(port.write(b"b", b"c"))
    await asyncio.sleep_ms(30)
    uart.stuck = False
    await until(lambda: flushing.done() and writing.done())
    assert uart.sent == b"a" * 10000 + b"bc"


async def test_a_piece_that_is_put_is_copied():
    uart, port, _ = await make()
    uart.stuck = True
    data = bytearray(b"x" * 1000)
    for _ in range(5):
        port.put(data)
    data[:] = b"y" * 1000
    uart.stuck = False
    await port.flush()
    assert uart.sent == b"x" * 5000


async def test_draining_has_a_limit():
    uart, port, _ = await make()
    uart.stuck = True
    await port.drained(50)
    for _ in range(10):
        port.put(b"x" * 1000)
    await port.drained(50)
    assert len(uart.sent) < TXBUF
    uart.stuck = False
    await port.drained(5000)
    assert len(uart.sent) == 10000
