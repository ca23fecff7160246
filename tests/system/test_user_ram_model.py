"""AT+USERRAM against a model: sequences of operations, right ones and wrong ones, that hypothesis makes up."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.system.host import ERROR, OK, PROMPT, WRITE_OK, Host
from tests.system.ram import chunks

LARGEST = 5000
# A host's link may cost 10 ms a command; a run stays below a minute even so.
EXAMPLES = 50
STEPS = 40

sizes = st.one_of(st.integers(-2, 40), st.integers(1000, 1050), st.integers(0, LARGEST), st.just(2**31 - 1))
offsets = st.one_of(st.none(), st.integers(-1, 40), st.integers(0, LARGEST), st.just(2**31 - 1))
awkward = st.sampled_from([b"", b"\r\n", b"AT\r\n", b"\x00", b"AT+USERRAM=0\r\n"])


class UserRamMachine(RuleBasedStateMachine):
    """``block`` is what the module's block must hold, None if there is none."""

    host: Host

    def __init__(self) -> None:
        super().__init__()
        self.block: bytearray | None = None
        self.host.answer(b"AT+USERRAM=0")

    def in_block(self, size: int, offset: int | None) -> bool:
        start = offset or 0
        return self.block is not None and size > 0 and start >= 0 and start + size <= len(self.block)

    @staticmethod
    def line(operation: int, size: int, offset: int | None) -> bytes:
        return b"AT+USERRAM=%d,%d" % (operation, size) + (b"" if offset is None else b",%d" % offset)

    @rule(size=st.one_of(st.integers(-1, 40), st.integers(1, LARGEST)))
    def allocate(self, size: int) -> None:
        if self.block is None and size > 0:
            self.host.command(b"AT+USERRAM=1,%d" % size)
            self.block = bytearray(size)
        else:
            self.host.command(b"AT+USERRAM=1,%d" % size, ERROR)

    @rule(size=sizes, offset=offsets, data=st.data())
    def write(self, size: int, offset: int | None, data: st.DataObject) -> None:
        line = self.line(2, size, offset)
        if not self.in_block(size, offset) or self.block is None:
            self.host.command(line, ERROR)
            return
        self.host.command(line, PROMPT)
        piece = data.draw(awkward) + data.draw(st.binary(min_size=1, max_size=30))
        content = (piece * (size // len(piece) + 1))[:size]
        self.host.write(content)
        self.host.expect(WRITE_OK)
        start = offset or 0
        self.block[start : start + size] = content

    @rule(size=sizes, offset=offsets)
    def read(self, size: int, offset: int | None) -> None:
        line = self.line(3, size, offset)
        if self.in_block(size, offset) and self.block is not None:
            start = offset or 0
            self.host.command(line, chunks(bytes(self.block[start : start + size])), OK)
        else:
            self.host.command(line, ERROR)

    @rule(size=sizes, offset=offsets)
    def clear_range(self, size: int, offset: int | None) -> None:
        line = self.line(4, size, offset)
        if self.in_block(size, offset) and self.block is not None:
            self.host.command(line)
            start = offset or 0
            self.block[start : start + size] = bytes(size)
        else:
            self.host.command(line, ERROR)

    @rule()
    def clear(self) -> None:
        if self.block is None:
            self.host.command(b"AT+USERRAM=4", ERROR)
        else:
            self.host.command(b"AT+USERRAM=4")
            self.block[:] = bytes(len(self.block))

    @rule()
    def release(self) -> None:
        self.host.command(b"AT+USERRAM=0", ERROR if self.block is None else OK)
        self.block = None

    @rule(
        text=st.sampled_from([b"", b"5", b"0,1", b"1", b"1,8,0", b"2", b"2,,", b"3,8,x", b"4,1,1,1", b"3,1,2147483648"])
    )
    def malformed(self, text: bytes) -> None:
        self.host.command(b"AT+USERRAM=" + text, ERROR)

    @invariant()
    def size_is_told(self) -> None:
        self.host.command(b"AT+USERRAM?", b"+USERRAM:%d\r\n" % len(self.block or b""), OK)

    def teardown(self) -> None:
        if self.block is not None:
            self.host.command(b"AT+USERRAM=3,%d" % len(self.block), chunks(bytes(self.block)), OK)


@pytest.mark.timeout(120)
def test_user_ram_behaves_as_its_model(host: Host) -> None:
    UserRamMachine.host = host
    run_state_machine_as_test(
        UserRamMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
