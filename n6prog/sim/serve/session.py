"""What the server asks of a door: bytes in, bytes out, and who may come in."""

from __future__ import annotations

from typing import Protocol

IN_USE = "the board is in use by "  # how the reason begins for which a client is refused


class Nonsense(Exception):
    """What a client sent is not the door's protocol; the connection ends."""


class Session(Protocol):
    """One client at one door."""

    def feed(self, data: bytes) -> bytes:
        """Bytes that came from the client, in any pieces: what is to be answered now. Raises Nonsense."""
        ...

    def poll(self) -> bytes:
        """What is to be sent without having been asked for."""
        ...

    def end(self) -> None:
        """The client has gone."""
        ...


class Door(Protocol):
    """A protocol with a port of its own.

    `name` is what messages call it, `debugs` whether its clients need the board's one debug port, `sets_time` whether
    they bring the time by which the board is to run.
    """

    name: str
    debugs: bool
    sets_time: bool

    def welcome(self) -> Session:
        """A session for a client that is let in."""
        ...

    def refuse(self, reason: str) -> Session | bytes:
        """For a client that is not: a session that only tells why, or last words."""
        ...
