"""Jumper wires on a simulated board: between two pads, and between its two UARTs, crossed."""

from __future__ import annotations

import os
import select
import threading
from types import TracebackType

from sim.board import Board
from sim.uart import READ_SIZE

LOOK_SECONDS = 0.1


class Wires:
    """Wires between the pairs ``pads``, and with ``uarts`` what either UART sends arrives at the other.

    A context manager: the wires are gone at its end.
    """

    def __init__(self, board: Board, *pads: tuple[int, int], uarts: bool = False) -> None:
        self._board = board
        self._pads = pads
        self._uarts = uarts
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="wires", daemon=True)

    def __enter__(self) -> Wires:
        for one, other in self._pads:
            self._board.pins.join(one, other)
        if self._uarts:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one, other in self._pads:
            self._board.pins.part(one, other)
        self._ending.set()
        if self._uarts:
            self._thread.join()

    def _carry(self) -> None:
        one, other = (os.open(self._board.uart(number).tty, os.O_RDWR | os.O_NOCTTY) for number in (1, 2))
        across = {one: other, other: one}
        while not self._ending.is_set():
            for source in select.select([one, other], [], [], LOOK_SECONDS)[0]:
                data = memoryview(os.read(source, READ_SIZE))
                while data:
                    data = data[os.write(across[source], data) :]
        os.close(one)
        os.close(other)
