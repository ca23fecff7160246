import asyncio

from fakes import until

from firmware.reports import Reports


class Port:
    def __init__(self):
        self.sent = []
        self.loud = False

    async def quiet(self):
        while self.loud:
            await asyncio.sleep_ms(1)

    def put(self, data):
        self.sent.append(data)

    async def flush(self):
        pass


class Gate:
    """Lets one report pass for each time it is opened."""

    def __init__(self):
        self.asked = 0
        self.passes = 0
        self.shut_again = 0

    async def passing(self):
        self.asked += 1
        while not self.passes:
            await asyncio.sleep_ms(1)
        self.passes -= 1

    def open(self):
        if self.shut_again:
            self.shut_again -= 1
            return False
        return True


class Commands:
    def __init__(self):
        self.lines = []

    def info(self, line):
        self.lines.append(line)


def make(limit=4):
    port, gate = Port(), Gate()
    reports = Reports(port, gate, limit)
    asyncio.create_task(reports.run())
    return port, gate, reports


def told(reports):
    commands = Commands()
    reports.commands()[0][2](commands)
    return commands.lines[0]


async def test_each_report_passes_the_gate_in_order():
    port, gate, reports = make()
    for number in range(3):
        assert reports.add(b"%d" % number)
    for number in range(3):
        await asyncio.sleep_ms(5)
        assert len(port.sent) == number
        gate.passes = 1
        await until(lambda: not gate.passes)
    assert port.sent == [b"0", b"1", b"2"]
    assert gate.asked == 3


async def test_a_report_waits_until_the_port_is_quiet():
    port, gate, reports = make()
    port.loud = True
    gate.passes = 1
    reports.add(b"x")
    await asyncio.sleep_ms(20)
    assert port.sent == []
    port.loud = False
    await until(lambda: port.sent == [b"x"])


async def test_a_report_passes_anew_if_the_gate_shut_meanwhile():
    port, gate, reports = make()
    gate.passes = 2
    gate.shut_again = 1
    reports.add(b"x")
    await until(lambda: port.sent == [b"x"])
    assert gate.asked == 2


async def test_a_full_queue_drops_the_newest_and_counts():
    port, gate, reports = make(limit=2)
    assert reports.add(b"0")
    assert reports.add(b"1")
    assert not reports.add(b"2")
    assert not reports.add(b"3")
    assert told(reports) == b"+USERREPORT:2,2"
    assert told(reports) == b"+USERREPORT:2,0"
    gate.passes = 2
    await until(lambda: len(port.sent) == 2)
    assert port.sent == [b"0", b"1"]
    assert told(reports) == b"+USERREPORT:0,0"
