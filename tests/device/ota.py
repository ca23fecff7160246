# The OTA slots, and an upgrade fed by the host that is given up: afterwards the slot that does not run holds no image
# any more, so AT+SYSROLLBACK has nothing to go back to. Needs nothing around the board.
import hashlib
import struct

from esp32 import Partition

SECTOR = 4096
BEFORE_THE_DIGEST = 16


def running():
    return Partition(Partition.RUNNING)


def image_end(slot):
    """Where the appended SHA-256 of the image in ``slot`` begins."""
    head = bytearray(8)
    slot.readblocks(0, head, 0)
    assert head[0] == 0xE9, head
    end = 24
    for _ in range(head[1]):
        slot.readblocks(end // SECTOR, head, end % SECTOR)
        end += 8 + struct.unpack_from("<I", head, 4)[0]
    return (end // BEFORE_THE_DIGEST + 1) * BEFORE_THE_DIGEST


async def the_running_image_is_whole(host):
    slot = running()
    end = image_end(slot)
    digest = hashlib.sha256()
    buffer = bytearray(SECTOR)
    view = memoryview(buffer)
    begin = time.ticks_ms()
    for block in range((end + SECTOR - 1) // SECTOR):
        slot.readblocks(block, buffer)
        digest.update(view[: min(SECTOR, end - block * SECTOR)])
        if block % 32 == 0:
            await asyncio.sleep_ms(0)
    told = bytearray(32)
    slot.readblocks(end // SECTOR, told, end % SECTOR)
    assert digest.digest() == told, "the image in the running slot is damaged"
    table([("image in the slot", end // 1024, "KB"), ("read and hashed in", since(begin), "ms")])


def since(begin):
    return time.ticks_diff(time.ticks_ms(), begin)


async def there_are_two_slots(host):
    slots = Partition.find(Partition.TYPE_APP)
    labels = sorted(slot.info()[4] for slot in slots if slot.info()[1] & 0xF0 == 0x10)
    assert labels == ["ota_0", "ota_1"], labels
    other = running().get_next_update()
    assert other.info()[4] != running().info()[4]
    table([("slot that runs: " + running().info()[4], running().info()[3] // 1024, "KB")])


async def an_upgrade_that_is_given_up(host):
    if (await host.answer(b"AT+USEROTA?")).startswith(b"+USEROTA:2,"):
        raise Skip("an upgrade waits for a restart")
    slot = running()
    size = image_end(slot) + 32
    begin = time.ticks_ms()
    await host.command(b"AT+USEROTASTART=%d" % size)
    piece = bytearray(SECTOR)
    for block in range(4):
        slot.readblocks(block, piece)
        await feed(host, piece)
    await host.command(b"AT+USEROTA?", b"+USEROTA:1,%d,%d\r\n" % (4 * SECTOR, size), OK)
    table([("four pieces of 4096 bytes fed in", since(begin), "ms")])
    await host.command(b"AT+USEROTAEND", ERROR)
    await host.answer(b"AT+USEROTAABORT")
    other = slot.get_next_update()
    head = bytearray(4)
    other.readblocks(0, head, 0)
    assert head[0] != 0xE9, "an unfinished slot looks like an image"
    try:
        other.set_boot()
        raise AssertionError("an unfinished slot can be booted")
    except OSError:
        pass
    assert Partition(Partition.BOOT).info() == slot.info()


async def what_is_no_image_is_refused(host):
    await host.command(b"AT+USEROTASTART=%d" % (64 * 1024))
    await host.command(b"AT+USEROTADATA=%d" % SECTOR, PROMPT)
    host.write(b"no image" * (SECTOR // 8))
    answer = await host.until((OK, ERROR))
    assert answer.endswith(ERROR), answer
    await host.answer(b"AT+USEROTAABORT")


async def feed(host, piece):
    await host.command(b"AT+USEROTADATA=%d" % len(piece), PROMPT)
    host.write(bytes(piece))
    await host.expect(b"\r\nRecv %d bytes\r\n" % len(piece) + OK)


run(there_are_two_slots, the_running_image_is_whole, an_upgrade_that_is_given_up, what_is_no_image_is_refused)
