"""The board's UART as a TCP port: raw bytes both ways, as a serial adapter would carry them."""

from __future__ import annotations

from typing import Protocol

from n6prog.sim.serve.session import Session

PORT = 4450
_UNREAD = 1 << 20  # what a program may send while nobody fetches it


class Sink(Protocol):
    """What takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take `data`."""


class Line(Protocol):
    """The other end of the board's UART."""

    def attach(self, sink: Sink) -> None:
        """From now on every byte the board sends goes to `sink` as well."""

    def detach(self, sink: Sink) -> None:
        """No more for `sink`."""

    def send(self, data: bytes) -> None:
        """Bytes for the board."""


class UartDoor:
    """The door. What the board sent before a client came is gone, as on a wire."""

    name = "UART"
    debugs = False
    sets_time = False

    def __init__(self, line: Line) -> None:
        self._line = line

    def welcome(self) -> Session:
        """A session on the line."""
        return _Session(self._line)

    def refuse(self, reason: str) -> bytes:
        """Last words: a terminal shows them."""
        return f"{reason}\r\n".encode()


class _Session:
    def __init__(self, line: Line) -> None:
        self._line = line
        self._heard = bytearray()
        line.attach(self)

    def write(self, data: bytes, /) -> None:
        """What the board sends."""
        if len(self._heard) < _UNREAD:
            self._heard += data

    def feed(self, data: bytes) -> bytes:
        self._line.send(data)
        return b""

    def poll(self) -> bytes:
        heard = bytes(self._heard)
        self._heard.clear()
        return heard

    def end(self) -> None:
        self._line.detach(self)
