"""The extensions of SPEC, section 6, that concern AT+USEROTA and data prompts, byte by byte."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

import pytest

from sim.board import Board
from tests.system import slots, upgrades
from tests.system.breaking_server import Breaking, File
from tests.system.conftest import MakeBoard
from tests.system.host import BUSY, ERROR, OK, PROMPT, READY, Host, error
from tests.system.http_server import HttpServer
from tests.system.upgrades import JOINED, send_url, version, wait_for_progress

CONFIG = {"wifi_poll_ms": 20, "ota_timeout_ms": 5000, "ota_attempts": 1, "trial_ms": 600_000}
TRANSFER = 0x010A0007
REFUSED = 0x010A0008
TIMED_OUT = 0x010A0009
FAILED = 0x010A0000
PROMPT_MS = 80


@pytest.fixture(scope="module")
def image() -> bytes:
    """An image that is not the one that runs."""
    return upgrades.image("2.0.0")


@pytest.fixture
def http(image: bytes) -> Iterator[HttpServer]:
    """A server with the image at /image.bin."""
    with HttpServer() as server:
        server.files["/image.bin"] = image
        yield server


# The digest in the URL.


def test_the_right_digest(staying: Host, board: Board, http: HttpServer, image: bytes) -> None:
    digest = hashlib.sha256(image).hexdigest()
    for text in (digest, digest.upper()):
        slots.download(staying, board, http.url(f"/image.bin#sha256={text}"), image)
        slots.clear(board)
    assert http.requests == ["/image.bin"] * 2


def test_a_wrong_digest(staying: Host, board: Board, http: HttpServer, image: bytes) -> None:
    # The digest that the image itself ends with is not that of the file.
    for wrong in ("0" * 64, image[-32:].hex(), hashlib.sha256(image[:-32]).hexdigest()):
        slots.refused(staying, board, http.url(f"/image.bin#sha256={wrong}"), REFUSED)


def test_the_digest_is_that_of_the_whole_file(staying: Host, board: Board, http: HttpServer, image: bytes) -> None:
    # As much as a signature may take, and no multiple of anything.
    longer = image + bytes(range(256)) * 5 + b"end"
    http.files["/image.bin"] = longer
    slots.download(staying, board, http.url(f"/image.bin#sha256={hashlib.sha256(longer).hexdigest()}"), image)
    slots.clear(board)
    slots.refused(staying, board, http.url(f"/image.bin#sha256={hashlib.sha256(image).hexdigest()}"), REFUSED)


def test_a_digest_that_is_none(staying: Host, board: Board, http: HttpServer) -> None:
    for malformed in ("", "0" * 62, "0" * 63, "0" * 65, "0" * 66, "x" * 64, "0" * 32 + " " * 32, "0" * 64 + "&x"):
        slots.refused(staying, board, http.url(f"/image.bin#sha256={malformed}"), TRANSFER)
    assert http.requests == []


def test_other_fragments_say_nothing(staying: Host, board: Board, http: HttpServer, image: bytes) -> None:
    for fragment in ("", "part", "SHA256=0", "md5=00"):
        slots.download(staying, board, http.url(f"/image.bin#{fragment}"), image)
        slots.clear(board)


# AT+USEROTACFG.


def test_settings(host: Host) -> None:
    host.command(b"AT+USEROTACFG=0,1")
    host.command(b"AT+USEROTACFG?", b"+USEROTACFG:0,1\r\n", OK)
    for progress, restart in ((1, 1), (1, 0), (0, 0), (0, 1)):
        host.command(b"AT+USEROTACFG=%d,%d" % (progress, restart))
        host.command(b"AT+USEROTACFG?", b"+USEROTACFG:%d,%d\r\n" % (progress, restart), OK)


def test_settings_after_the_start(staying: Host, board: Board) -> None:
    staying.command(b"AT+USEROTACFG?", b"+USEROTACFG:0,0\r\n", OK)
    board.reset()
    upgrades.after_restart(staying)
    staying.command(b"AT+USEROTACFG?", b"+USEROTACFG:0,1\r\n", OK)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"=2,0", 0x01070000),
        (b"=0,2", 0x01070001),
        (b"=-1,0", 0x01070000),
        (b"=1", 0x01060201),
        (b"=1,1,1", 0x01060203),
        (b"=,1", 0x01080000),
        (b"=1,", 0x01080001),
        (b'="1",1', 0x01050000),
        (b"", 0x010C0000),
    ],
)
def test_settings_that_are_none(host: Host, line: bytes, code: int) -> None:
    host.command(b"AT+USEROTACFG=1,0")
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+USEROTACFG" + line, error(code))
    host.command(b"AT+USEROTACFG?", b"+USEROTACFG:1,0\r\n", OK)
    host.command(b"AT+USEROTACFG=0,1")


def test_test_forms(host: Host) -> None:
    host.command(b"AT+USEROTA=?", b"+USEROTA:(1-8192)\r\n", OK)
    host.command(b"AT+USEROTACFG=?", b"+USEROTACFG:(0-1),(0-1)\r\n", OK)
    host.command(b"AT+USEROTASTART=?", b'+USEROTASTART:(1-2147483647)[,"64-64"]\r\n', OK)
    host.command(b"AT+USEROTADATA=?", b"+USEROTADATA:(1-4096)\r\n", OK)
    host.command(b"AT+USERPROMPT=?", b"+USERPROMPT:(0-2147483647)\r\n", OK)


def reports(host: Host) -> list[tuple[int, int]]:
    """The progress reports up to the result, which must be OK."""
    data = host.read_until(OK, 30)
    lines = data.removesuffix(OK).split(b"\r\n")
    assert lines.pop() == b""
    assert all(line.startswith(b"+USEROTA:") for line in lines), data
    pairs = [line.removeprefix(b"+USEROTA:").split(b",") for line in lines]
    return [(int(received), int(total)) for received, total in pairs]


def test_progress(staying: Host, http: HttpServer, image: bytes) -> None:
    staying.command(b"AT+USEROTACFG=1,0")
    send_url(staying, http.url("/image.bin"))
    told = reports(staying)
    assert told[-1] == (len(image), len(image))
    step = len(image) // 20
    # One for each twentieth at most, in order.
    steps = [received // step for received, _ in told]
    assert steps == sorted(set(steps))
    assert len(told) >= 15
    assert {total for _, total in told} == {len(image)}


def test_progress_without_a_length(staying: Host, http: HttpServer, image: bytes) -> None:
    staying.command(b"AT+USEROTACFG=1,0")
    large = upgrades.enlarged(image, 400_000)
    http.chunked["/chunked.bin"] = large
    send_url(staying, http.url("/chunked.bin"))
    told = reports(staying)
    # Then one for each twentieth of the slot.
    assert 1 <= len(told) <= 20
    assert {total for _, total in told} == {0}
    assert [received for received, _ in told] == sorted({received for received, _ in told})


def test_no_progress_unless_asked_for(staying: Host, http: HttpServer) -> None:
    send_url(staying, http.url("/image.bin"))
    assert reports(staying) == []


def test_progress_waits_for_a_host_asleep(staying: Host, http: HttpServer, image: bytes) -> None:
    staying.command(b"AT+USEROTACFG=1,0")
    staying.command(b"AT+USERWKMCUCFG=1,2,1,87,60000,1")
    staying.command(b"AT+USERMCUSLEEP=1")
    send_url(staying, http.url("/image.bin"))
    staying.expect(b"W")
    staying.read_until(OK, 30)
    staying.command(b"AT+USERREPORT?", b"+USERREPORT:16,4\r\n", OK)
    staying.send(b"AT+USERMCUSLEEP=0")
    assert staying.read_until(OK) == OK
    assert staying.clear(0.1).count(b"+USEROTA:") == 16


# Restart when the host wants it, and what AT+USEROTA? says.


def test_the_host_restarts(staying: Host, board: Board, http: HttpServer) -> None:
    name = "3.0.0" if version(staying) == "2.0.0" else "2.0.0"
    http.files["/image.bin"] = upgrades.image(name)
    boots = len(board.boots)
    send_url(staying, http.url("/image.bin"))
    staying.expect(OK, 30)
    staying.expect_nothing(0.1)
    size = len(http.files["/image.bin"])
    staying.command(b"AT+USEROTA?", b"+USEROTA:2,%d,%d\r\n" % (size, size), OK)
    assert version(staying) != name
    assert len(board.boots) == boots
    staying.command(b"AT+RST", OK)
    staying.expect(READY + JOINED, 20)
    assert upgrades.running(board).state == "pending"
    # The query is a command too: it ends the trial, before it is answered.
    staying.command(b"AT+USEROTA?", b"AT+USEROTA?\r\n", b"+USEROTA:3,0,0\r\n", OK)
    staying.command(b"AT+USEROTA?", b"AT+USEROTA?\r\n", b"+USEROTA:0,0,0\r\n", OK)
    staying.command(b"ATE0", b"ATE0\r\n", OK)
    assert version(staying) == name


def test_states_after_a_failure(staying: Host, http: HttpServer, image: bytes) -> None:
    http.files["/bad.bin"] = image[:3000]
    send_url(staying, http.url("/nothing.bin"))
    staying.expect(error(TRANSFER), 10)
    staying.command(b"AT+USEROTA?", b"+USEROTA:-1,0,0\r\n", OK)
    send_url(staying, http.url("/bad.bin"))
    staying.expect(error(REFUSED), 10)
    staying.command(b"AT+USEROTA?", b"+USEROTA:-1,3000,3000\r\n", OK)


def test_idle_after_the_start(fresh: Host) -> None:
    fresh.clear(0.1)
    fresh.command(b"AT+USEROTA?", b"+USEROTA:0,0,0\r\n", OK)


# While a download runs.


def test_asked_and_aborted_during_a_download(staying: Host, board: Board, http: HttpServer, image: bytes) -> None:
    http.held.add("/image.bin")
    send_url(staying, http.url("/image.bin"))
    assert http.wait_for_request()
    for _ in range(3):
        staying.command(b"AT+USEROTA?", b"+USEROTA:1,0,0\r\n", OK)
    for line in (b"AT", b"AT+USEROTA=5", b"AT+USEROTACFG?", b"AT+USEROTASTART=5", b"AT+SYSROLLBACK", b"AT+USEROTA"):
        staying.command(line, b"ERR CODE:0x010b0000\r\n" + BUSY)
        time.sleep(0.03)
    staying.command(b"AT+USEROTAABORT", OK, error(FAILED))
    staying.command(b"AT+USEROTA?", b"+USEROTA:-1,0,0\r\n", OK)
    http.held.clear()
    slots.download(staying, board, http.url("/image.bin"), image)


def test_aborted_in_the_middle(staying: Host, board: Board, image: bytes) -> None:
    breaking = Breaking(File(image), [30_000], stalls={0})
    with breaking.serve() as server:
        send_url(staying, server.url())
        # The rest has not filled a piece of flash.
        wait_for_progress(staying, 28_000)
        staying.command(b"AT+USEROTAABORT", OK, error(FAILED))
    assert slots.content(board, 16) == b"\xff" * 16
    assert staying.answer(b"AT+USEROTA?").startswith(b"+USEROTA:-1,2")


def test_abort_with_nothing_to_abort(host: Host) -> None:
    host.command(b"AT+USEROTAABORT")
    host.command(b"AT+USEROTAABORT=1", ERROR)


# AT+USERPROMPT.


@pytest.fixture
def impatient(staying: Host) -> Iterator[Host]:
    """A module whose prompts wait for a short time only."""
    staying.command(b"AT+USERPROMPT=%d" % PROMPT_MS)
    yield staying
    staying.command(b"AT+USERPROMPT=0")


def test_the_prompts_time(host: Host) -> None:
    host.command(b"AT+USERPROMPT?", b"+USERPROMPT:0\r\n", OK)
    host.command(b"AT+USERPROMPT=1234")
    host.command(b"AT+USERPROMPT?", b"+USERPROMPT:1234\r\n", OK)
    for line in (b"AT+USERPROMPT=-1", b"AT+USERPROMPT=", b"AT+USERPROMPT=1,2", b"AT+USERPROMPT=x", b"AT+USERPROMPT"):
        host.command(line, ERROR)
    host.command(b"AT+USERPROMPT?", b"+USERPROMPT:1234\r\n", OK)
    host.command(b"AT+USERPROMPT=0")


def test_a_write_that_stops_keeps_what_has_come(impatient: Host) -> None:
    impatient.command(b"AT+USERRAM=1,20")
    impatient.command(b"AT+USERRAM=2,10,5", PROMPT)
    impatient.write(b"abc")
    impatient.expect(error(TIMED_OUT))
    impatient.command(b"AT+USERRAM=3,20", b"+USERRAM:20,\0\0\0\0\0abc" + bytes(12), OK)
    impatient.command(b"AT+USERRAM=2,4,8", PROMPT)
    impatient.write(b"defg")
    impatient.expect(b"\r\nWRITE OK\r\n")
    impatient.command(b"AT+USERRAM=3,20", b"+USERRAM:20,\0\0\0\0\0abcdefg" + bytes(8), OK)


def test_a_write_without_a_byte(impatient: Host) -> None:
    impatient.command(b"AT+USERRAM=1,20")
    impatient.command(b"AT+USERRAM=2,10", PROMPT + error(TIMED_OUT))
    impatient.command(b"AT+USERRAM=3,3", b"+USERRAM:3,\0\0\0", OK)


def test_each_byte_gives_more_time(impatient: Host) -> None:
    impatient.command(b"AT+USERPROMPT=1000")
    impatient.command(b"AT+USERRAM=1,12")
    impatient.command(b"AT+USERRAM=2,12", PROMPT)
    for byte in b"abcdefghijkl":
        time.sleep(0.1)
        impatient.write(bytes([byte]))
    impatient.expect(b"\r\nWRITE OK\r\n")
    impatient.command(b"AT+USERRAM=3,12", b"+USERRAM:12,abcdefghijkl", OK)


def test_a_url_that_stops(impatient: Host, board: Board, http: HttpServer, image: bytes) -> None:
    impatient.command(b"AT+USEROTA=30", PROMPT + error(TIMED_OUT))
    impatient.command(b"AT+USEROTA?", b"+USEROTA:-1,0,0\r\n", OK)
    impatient.command(b"AT+USEROTA=30", PROMPT)
    impatient.write(b"http://127.0")
    impatient.expect(error(TIMED_OUT))
    impatient.command(b"AT", OK)
    slots.download(impatient, board, http.url("/image.bin"), image)


def test_for_ever_by_default(staying: Host) -> None:
    staying.command(b"AT+USERRAM=1,4")
    staying.command(b"AT+USERRAM=2,4", PROMPT)
    staying.expect_nothing(0.5)
    staying.write(b"abcd")
    staying.expect(b"\r\nWRITE OK\r\n")


def test_a_prompt_that_has_ended_takes_commands(impatient: Host) -> None:
    impatient.command(b"AT+USERRAM=1,4")
    impatient.command(b"AT+USERRAM=2,4", PROMPT + error(TIMED_OUT))
    impatient.command(b"AT+USERRAM?", b"+USERRAM:4\r\n", OK)


# Whose image, and which version.


def test_another_project_is_refused(staying: Host, board: Board, http: HttpServer, image: bytes) -> None:
    http.files["/image.bin"] = upgrades.of_project(image, "blinky")
    slots.refused(staying, board, http.url("/image.bin"), REFUSED)
    http.files["/image.bin"] = upgrades.of_project(image, "")
    slots.refused(staying, board, http.url("/image.bin"), REFUSED)


def test_what_the_configuration_allows(
    make_board: MakeBoard, http: HttpServer, image: bytes, ssid: bytes, password: bytes
) -> None:
    config = {**CONFIG, "ota_any_project": 1, "ota_version_floor": "2.1.0"}
    with make_board(config) as board:
        host = Host(board.port)
        host.expect(READY, 20)
        host.command(b"ATE0", b"ATE0\r\n", OK)
        host.command(b"AT+CWMODE=1,0")
        host.command(b'AT+CWJAP="%s","%s"' % (ssid, password), JOINED, OK, patience=20)
        host.command(b"AT+USEROTACFG=0,0")
        host.command(b"AT+SYSLOG=1")
        for name in ("2.0.9", "2.0", "1.99.99", "v2.0.1", "2.1-rc1", "2.1.0", "v2.1", "2.10", "10.0.0"):
            http.files["/image.bin"] = upgrades.of_project(image, "blinky", name)
            slots.clear(board)
            if name in ("2.0.9", "2.0", "1.99.99", "v2.0.1"):
                slots.refused(host, board, http.url("/image.bin"), REFUSED)
            else:
                slots.download(host, board, http.url("/image.bin"), http.files["/image.bin"])
        http.files["/image.bin"] = upgrades.of_project(upgrades.app_image.synthetic_base(), "blinky", "2.1")
        slots.clear(board)
        slots.download(host, board, http.url("/image.bin"), http.files["/image.bin"])
        host.close()
