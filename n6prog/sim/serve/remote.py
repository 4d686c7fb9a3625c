"""What `sim:connect=HOST:PORT` and its door at `sim serve` say to each other: one definition for both sides.

A message is the length of what follows (32 bits), a head and a payload. A request's head is its kind (8 bits) and the
client's time (64 bits, picoseconds): the board's time follows, so a client that sleeps lets the board run. An answer's
head is a status (8 bits), the time after it (64 bits) and the SWD clock in force (32 bits, hertz).

    HELLO     the greeting, then JSON: link, and who is there (pid, host, since, reason); answered by JSON: board
    OPEN      claim the probe's USB interface
    COMMAND   an ST-Link command: 16 bytes, the size of the answer (signed 32 bits, -1 for none), data to be written
    WRITE     a CMSIS-DAP packet
    READ      the next CMSIS-DAP answer
    CLOSE     release the interface
    BYE       the client goes; the board catches up with its time first

All numbers little-endian. Time in the messages is what makes a run over this door take the same virtual seconds as one
in the board's own process.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum

PORT = 4460
GREETING = b"n6prog sim 1\n"
COMMAND = struct.Struct("<16si")
MOST = 1 << 20  # bytes of one message
_LENGTH = struct.Struct("<I")
_REQUEST = struct.Struct("<BQ")
_ANSWER = struct.Struct("<BQI")


class Kind(IntEnum):
    """What a request wants."""

    HELLO = 1
    OPEN = 2
    COMMAND = 3
    WRITE = 4
    READ = 5
    CLOSE = 6
    BYE = 7


class Outcome(IntEnum):
    """How a request ended; the payload of the last two is JSON."""

    OK = 0
    NOTHING = 1  # no packet is under way
    GONE = 2
    HUNG = 3
    TRIPPED = 4  # sentences of the tripwire
    BUSY = 5  # who holds the board


def request(kind: Kind, now: int, payload: bytes = b"") -> bytes:
    """A message to the door."""
    return _LENGTH.pack(_REQUEST.size + len(payload)) + _REQUEST.pack(kind, now) + payload


def answer(outcome: Outcome, now: int, clock_hz: int, payload: bytes = b"") -> bytes:
    """A message to the client."""
    return _LENGTH.pack(_ANSWER.size + len(payload)) + _ANSWER.pack(outcome, now, clock_hz) + payload


def parse_request(message: bytes) -> tuple[Kind, int, bytes]:
    """Kind, time and payload. Raises ValueError."""
    if len(message) < _REQUEST.size:
        raise ValueError(f"a message of {len(message)} bytes")
    kind, now = _REQUEST.unpack_from(message)
    return Kind(kind), now, message[_REQUEST.size :]


def parse_answer(message: bytes) -> tuple[Outcome, int, int, bytes]:
    """Outcome, time, SWD clock and payload. Raises ValueError."""
    if len(message) < _ANSWER.size:
        raise ValueError(f"a message of {len(message)} bytes")
    outcome, now, clock_hz = _ANSWER.unpack_from(message)
    return Outcome(outcome), now, clock_hz, message[_ANSWER.size :]


def messages(stream: bytearray) -> Iterator[bytes]:
    """Take the complete messages off the front of `stream`. Raises ValueError for one that is too long."""
    while len(stream) >= _LENGTH.size:
        (length,) = _LENGTH.unpack_from(stream)
        if length > MOST:
            raise ValueError(f"a message of {length} bytes")
        end = _LENGTH.size + length
        if len(stream) < end:
            return
        message = bytes(stream[_LENGTH.size : end])
        del stream[:end]
        yield message
