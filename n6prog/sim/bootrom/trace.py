"""The boot ROM's trace: records in RAM from which a tool can tell how the boot went (header.md 5, hw-soc 1.7).

Published: the places, the record layout, the codes. Guessed: the unit of the timestamp (microseconds since reset), the
arguments, that a full buffer starts again at its front, and that nothing goes to the non-secure buffer.
"""

from __future__ import annotations

import struct

from n6prog.sim.clock import PS_PER_US

SECURE_BUFFER, SIZE = 0x3410_37F0, 2048
_START = 0xFFDD_BB00
INFO, WARNING, ERROR = 0, 1, 2

BOOT_PINS = 0x1001
OPEN = 0x23  # life cycle
DEBUG_OPEN, DEBUG_LOCKED = 0x65, 0x66
DEVELOPMENT_BOOT, SERIAL, SERIAL_NOR = 0x92, 0x1020, 0x1024
TRY = {1: 0x8000_0001, 2: 0x8000_0002}
MAGIC_FOUND, LENGTH = 0x8000_0006, 0x8000_0008
NOT_ENCRYPTED, JUMP = 0x2C00_010A, 0x2C00_4008


class Trace:
    """Writes records into `buffer`, SIZE bytes of RAM that were cleared."""

    def __init__(self, buffer: memoryview, started: int) -> None:
        self._buffer = buffer
        self._started = started
        self._next = 0

    def note(self, now: int, code: int, *arguments: int, level: int = INFO) -> None:
        """Add a record at `now` (picoseconds)."""
        words = ((now - self._started) // PS_PER_US & 0xFFFF_FFFF, level, code, *arguments)
        record = struct.pack(f"<{2 + len(words)}I", _START, 4 * len(words), *words)
        if self._next + len(record) > SIZE:
            self._next = 0
        self._buffer[self._next : self._next + len(record)] = record
        self._next += len(record)
