"""The other end of a UART: what the board sends goes to whoever is attached, and what is sent here reaches the board.

board.console.attach(open("console.log", "ab", buffering=0))
board.console.on_byte = print
board.console.send(b"help\\r")
answer = board.console.read()
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from n6prog.sim.clock import Timeline
from n6prog.sim.soc.uart import Uart


class Sink(Protocol):
    """What takes bytes: a file opened in binary mode, or anything with its `write`."""

    def write(self, data: bytes, /) -> object:
        """Take `data`."""


class Console:
    """A terminal on one UART. Bytes come when the program writes them, in the order in which the core runs.

    `send` may be called from another thread than the one that runs the board; in that one `on_byte` and the sinks are
    called.
    """

    def __init__(self, uart: Uart, host: Timeline) -> None:
        self.on_byte: Callable[[int], object] | None = None
        self._uart = uart
        self._host = host
        self._sinks: list[Sink] = []
        self._taken = len(uart.sent)
        uart.on_sent = self._deliver

    def attach(self, sink: Sink) -> None:
        """From now on every byte the board sends is written to `sink` as well."""
        self._sinks.append(sink)

    def detach(self, sink: Sink) -> None:
        """No more for `sink`. Raises ValueError where it is not attached."""
        self._sinks.remove(sink)

    def send(self, data: bytes) -> None:
        """Type `data`: byte after byte goes to the board from now on, at the bit rate the board has set."""
        self._uart.receive(data, self._host.now)

    def read(self) -> bytes:
        """What the board has sent since the last `read`."""
        fresh = bytes(self._uart.sent[self._taken :])
        self._taken += len(fresh)
        return fresh

    def _deliver(self, byte: int) -> None:
        if self.on_byte is not None:
            self.on_byte(byte)
        for sink in tuple(self._sinks):
            sink.write(bytes((byte,)))
