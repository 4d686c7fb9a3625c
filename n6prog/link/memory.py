"""Memory through AP1 as bytes, in the largest pieces the probe takes, without work per byte on this side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Buffer = bytes | bytearray | memoryview

_PIECE = 6144  # ST-LINK takes as many bytes a command (pyOCD STLink.MAXIMUM_TRANSFER_SIZE)
_CALL = 8 * _PIECE
_SWD_CLOCKS_A_WORD = 46
_LONGEST_PIECE = 0.4  # seconds; pyOCD gives a USB transfer one second


def piece_size(clock_hz: int) -> int:
    """Bytes one probe command may carry at this SWD clock so that it ends well within the USB time-out."""
    words = int(_LONGEST_PIECE * clock_hz / _SWD_CLOCKS_A_WORD)
    return max(64, min(_PIECE, words * 4 & ~63))


def read(ap: Any, address: int, size: int, clock_hz: int, progress: Callable[[int], None] | None = None) -> bytes:
    """`size` bytes from `address`; `progress` is told after each piece how many are there. Raises pyOCD's errors."""
    piece = piece_size(clock_hz)
    step = _CALL if piece == _PIECE else piece
    parts = bytearray()
    while len(parts) < size:
        count = min(step, size - len(parts))
        parts += bytes(ap.read_memory_block8(address + len(parts), count))
        if progress is not None:
            progress(len(parts))
    return bytes(parts)


def write(ap: Any, address: int, data: Buffer, clock_hz: int) -> None:
    """Write the bytes at `address`. Raises pyOCD's errors.

    pyOCD's byte-wise call is the fast one: its ST-LINK driver hands an aligned run of a bytes object on as it is, with
    32-bit accesses, while the word-wise call turns every word into four list items.
    """
    piece = piece_size(clock_hz)
    step = _CALL if piece == _PIECE else piece
    view = memoryview(data).cast("B")
    for start in range(0, len(view), step):
        ap.write_memory_block8(address + start, bytes(view[start : start + step]))
