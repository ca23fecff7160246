"""The basic commands: AT, AT+RST, AT+GMR, AT+CMD?, AT+SLEEP, AT+SYSLOG, AT+SYSRAM?, AT+RESTORE."""

from __future__ import annotations

import re

import pytest

from sim.board import Board
from tests.system.host import OK, READY, Host, error

# What AT+CMD? tells of some commands: test, query, set, execute.
FORMS = {
    b"AT": b"0,0,0,1",
    b"ATE0": b"0,0,0,1",
    b"ATE1": b"0,0,0,1",
    b"AT+RST": b"0,0,0,1",
    b"AT+GMR": b"0,0,0,1",
    b"AT+CMD": b"0,1,0,0",
    b"AT+RESTORE": b"0,0,0,1",
    b"AT+SLEEP": b"1,1,1,0",
    b"AT+GSLP": b"1,0,1,0",
    b"AT+SLEEPWKCFG": b"1,0,1,0",
    b"AT+SYSLOG": b"1,1,1,0",
    b"AT+SYSRAM": b"1,1,1,0",
    b"AT+SYSSTORE": b"1,1,1,0",
    b"AT+SYSMSG": b"1,1,1,0",
    b"AT+SYSMSGFILTER": b"1,1,1,0",
    b"AT+SYSMSGFILTERCFG": b"1,1,1,0",
    b"AT+SYSFLASH": b"1,1,1,0",
    b"AT+SYSTIMESTAMP": b"1,1,1,0",
    b"AT+SYSREG": b"1,0,1,0",
    b"AT+RFPOWER": b"1,1,1,0",
    b"AT+FS": b"1,0,1,0",
    b"AT+FSMOUNT": b"1,0,1,0",
    b"AT+CWMODE": b"1,1,1,0",
    b"AT+CWINIT": b"1,1,1,0",
    b"AT+CWAUTOCONN": b"1,1,1,0",
    b"AT+CWRECONNCFG": b"1,1,1,0",
    b"AT+CWHOSTNAME": b"1,1,1,0",
    b"AT+CWCOUNTRY": b"1,1,1,0",
    b"AT+MDNS": b"1,0,1,0",
    b"AT+CWLAP": b"1,0,1,1",
    b"AT+CWLAPOPT": b"1,0,1,0",
    b"AT+CWSAP": b"1,1,1,0",
    b"AT+CWLIF": b"0,0,0,1",
    b"AT+CWQIF": b"1,0,1,1",
    b"AT+CIPSTAMAC": b"1,1,1,0",
    b"AT+CIPAPMAC": b"1,1,1,0",
    b"AT+CIPSTA": b"1,1,1,0",
    b"AT+CIPAP": b"1,1,1,0",
    b"AT+CWDHCP": b"1,1,1,0",
    b"AT+CWDHCPS": b"1,1,1,0",
    b"AT+CWJAP": b"1,1,1,1",
    b"AT+CWQAP": b"0,0,0,1",
    b"AT+CWSTATE": b"0,1,0,0",
    b"AT+UART": b"1,1,1,0",
    b"AT+UART_CUR": b"1,1,1,0",
    b"AT+UART_DEF": b"1,1,1,0",
    b"AT+USERRAM": b"1,1,1,0",
    b"AT+USEROTA": b"1,1,1,0",
    b"AT+USEROTACFG": b"1,1,1,0",
    b"AT+USEROTASTART": b"1,0,1,0",
    b"AT+USEROTADATA": b"1,0,1,0",
    b"AT+USEROTAEND": b"0,0,0,1",
    b"AT+USEROTAABORT": b"0,0,0,1",
    b"AT+SYSROLLBACK": b"0,1,0,1",
    b"AT+USERPROMPT": b"1,1,1,0",
    b"AT+USERREPORT": b"0,1,0,0",
    b"AT+USERWKMCUCFG": b"1,1,1,0",
    b"AT+USERMCUSLEEP": b"1,1,1,0",
}


def test_at(host: Host) -> None:
    host.command(b"AT", b"\r\nOK\r\n")
    host.expect_nothing()


def test_gmr(host: Host) -> None:
    answer = host.answer(b"AT+GMR")
    lines = [
        rb"AT version:\d+\.\d+\.\d+\.\d+(-dev)?\([^()]+ - ESP32 - [^()]+\)",
        rb"SDK version:[^\r\n]+",
        rb"compile time\([^()]+\):[^\r\n]+",
        rb"Bin version:[^()]+\([^()]+\)",
    ]
    assert re.fullmatch(b"".join(line + b"\r\n" for line in lines) + OK, answer), answer


def test_cmd_lists_every_command_once(host: Host) -> None:
    answer = host.answer(b"AT+CMD?")
    assert answer.endswith(b"\r\n" + OK)
    rows = answer[: -len(b"\r\n" + OK)].split(b"\r\n")
    names = []
    for index, row in enumerate(rows):
        match = re.fullmatch(rb'\+CMD:%d,"(AT[^"]*)",([01],[01],[01],[01])' % index, row)
        assert match, row
        names.append(match[1])
        assert match[2] == FORMS.get(match[1], match[2]), row
    assert len(set(names)) == len(names)
    assert set(FORMS) <= set(names)


def test_cmd_tells_the_truth(host: Host) -> None:
    """The forms that AT+CMD? tells are those that are answered with something else than code 0x0C."""
    rows = re.findall(rb'"AT([^"]*)",([01]),([01]),([01]),([01])', host.answer(b"AT+CMD?"))
    host.command(b"AT+SYSLOG=1")
    refusal = b"ERR CODE:0x010c0000\r\n\r\nERROR\r\n"
    unknown = b"ERR CODE:0x01090000\r\n\r\nERROR\r\n"
    for name, test, query, *_ in rows:
        assert host.answer(b"AT" + name + b"=") != unknown, name
        assert (host.answer(b"AT" + name + b"=?") != refusal) == (test == b"1"), name
        assert (host.answer(b"AT" + name + b"?") != refusal) == (query == b"1"), name


def test_sysram_tells_free_memory_now_and_at_the_least(host: Host) -> None:
    match = re.fullmatch(rb"\+SYSRAM:(\d+),(\d+)\r\n" + OK, host.answer(b"AT+SYSRAM?"))
    assert match
    assert 10_000 < int(match[2]) <= int(match[1]) < 520_000


@pytest.mark.parametrize("capabilities", [b"4", b"0x1800"])
def test_sysram_tells_of_memory_with_some_capabilities(host: Host, capabilities: bytes) -> None:
    free, least = map(int, host.answer(b"AT+SYSRAM?")[8:].split(b"\r")[0].split(b","))
    match = re.fullmatch(rb"\+SYSRAM:(\d+),(\d+),(\d+),(\d+)\r\n" + OK, host.answer(b"AT+SYSRAM=" + capabilities))
    assert match
    largest, same_free, same_least, size = map(int, match.groups())
    assert (same_free, same_least) == (free, least)
    assert 0 < largest <= free < size < 520_000


def test_sysram_tells_of_no_memory_without_some_capabilities(host: Host) -> None:
    host.command(b"AT+SYSRAM=0x401", b"+SYSRAM:0,0,0,0\r\n", OK)


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
def test_sleep_mode_is_told(host: Host, mode: int) -> None:
    host.command(b"AT+SLEEP=%d" % mode)
    # Light sleep (2) is not to be had: it is taken as 3.
    host.command(b"AT+SLEEP?", b"+SLEEP:%d\r\n" % (3 if mode == 2 else mode), OK)


def test_syslog_is_told(host: Host) -> None:
    for state in (1, 0):
        host.command(b"AT+SYSLOG=%d" % state)
        host.command(b"AT+SYSLOG?", b"+SYSLOG:%d\r\n" % state, OK)


def test_restart_forgets_the_block_and_the_wake_settings(host: Host) -> None:
    host.command(b"AT+USERRAM=1,100")
    host.command(b"AT+USERWKMCUCFG=1,2,1,0,1000")
    host.command(b"AT+USERMCUSLEEP=1")
    host.command(b"AT+RST", OK, READY, patience=20)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    host.command(b"AT+USERRAM?", b"+USERRAM:0\r\n", OK)
    host.command(b"AT+USERWKMCUCFG?", b"+USERWKMCUCFG:0\r\n", OK)
    host.command(b"AT+USERMCUSLEEP?", b"+USERMCUSLEEP:0\r\n", OK)


def test_restore_forgets_the_wifi_mode_and_restarts(host: Host) -> None:
    host.command(b"AT+CWMODE=1")
    host.command(b"AT+RST", OK, READY, patience=20)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    host.command(b"AT+CWMODE?", b"+CWMODE:1\r\n", OK)
    host.command(b"AT+RESTORE", OK, READY, patience=20)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    host.command(b"AT+CWMODE?", b"+CWMODE:0\r\n", OK)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"AT+SYSSTORE=2", 0x01070000),
        (b"AT+SYSMSG=8", 0x01070000),
        (b"AT+SYSTIMESTAMP=946684799", 0x01070000),
        (b"AT+SYSREG=2,0x3FF5A00C", 0x01070000),
        (b"AT+SYSREG=0", 0x01060201),
        (b"AT+SYSREG=0,0x3FF5A00C,1", 0x01060203),
        (b"AT+SYSREG=1,0x3FF5A00C", 0x01060302),
        (b"AT+SYSREG=0,0x3FF5A00D", 0x01070001),
        (b"AT+SYSREG=0,0", 0x01070001),
        (b"AT+SYSREG=0,0xFFFFFFFC", 0x01070001),
        (b"AT+SYSREG=0,x", 0x01080001),
        # Not without the configuration's leave.
        (b"AT+SYSREG=1,0x3FF5A00C,0xFFFFFFFF", 0x010A000A),
        (b"AT+RFPOWER=39", 0x01070000),
        (b"AT+RFPOWER=85", 0x01070000),
        (b"AT+RFPOWER=78,1,1,1", 0x010A000A),
        # Not on this chip.
        (b"AT+SYSTEMP?", 0x01090000),
    ],
)
def test_what_is_refused(host: Host, line: bytes, code: int) -> None:
    host.command(b"AT+SYSLOG=1")
    host.command(line, error(code))


def test_sysmsg_is_stored_under_the_rule_of_sysstore(host: Host) -> None:
    host.command(b"AT+SYSSTORE?", b"+SYSSTORE:1\r\n", OK)
    host.command(b"AT+SYSMSG=7")
    host.command(b"AT+SYSSTORE=0")
    host.command(b"AT+SYSSTORE?", b"+SYSSTORE:0\r\n", OK)
    host.command(b"AT+SYSMSG=2")
    host.command(b"AT+SYSMSG?", b"+SYSMSG:2\r\n", OK)
    host.command(b"AT+RST", OK, READY, patience=20)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    host.command(b"AT+SYSMSG?", b"+SYSMSG:7\r\n", OK)
    host.command(b"AT+SYSSTORE?", b"+SYSSTORE:1\r\n", OK)
    host.command(b"AT+RESTORE", OK, READY, patience=20)
    host.command(b"ATE0", b"ATE0\r\n", OK)
    host.command(b"AT+SYSMSG?", b"+SYSMSG:0\r\n", OK)


def test_the_clock(host: Host) -> None:
    host.command(b"AT+SYSTIMESTAMP=1565853509")
    match = re.fullmatch(rb"\+SYSTIMESTAMP:(\d+)\r\n" + OK, host.answer(b"AT+SYSTIMESTAMP?"))
    assert match
    assert 1565853509 <= int(match[1]) < 1565853509 + 60


def test_a_register_is_read(host: Host, board: Board) -> None:
    host.command(b"AT+SYSREG=0,0x3FF5A00C", b"+SYSREG:0x8000\r\n", OK)
    host.command(b"AT+SYSREG=0,1073061900", b"+SYSREG:0x8000\r\n", OK)


def test_transmit_power(host: Host, board: Board) -> None:
    host.command(b"AT+CWMODE=0")
    host.command(b"AT+SYSLOG=1")
    host.command(b"AT+RFPOWER?", error(0x010A0001))
    host.command(b"AT+RFPOWER=60", error(0x010A0001))
    for mode in (1, 2):
        host.command(b"AT+CWMODE=%d" % mode)
        for power, actual in ((40, 34), (51, 44), (78, 78), (84, 78)):
            host.command(b"AT+RFPOWER=%d" % power)
            host.command(b"AT+RFPOWER?", b"+RFPOWER:%d\r\n" % actual, OK)
