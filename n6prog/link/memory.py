"""Memory through AP1 as bytes, in the largest pieces the probe takes, without work per byte on this side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Buffer = bytes | bytearray | memoryview
Mend = Callable[[Exception], None]
"""Called with what a transfer raised: clears it up so that it may be tried again, or raises."""

_PIECE = 6144  # ST-LINK takes as many bytes a command (pyOCD STLink.MAXIMUM_TRANSFER_SIZE)
_CALL = 8 * _PIECE
SWD_CLOCKS_A_WORD = 46
"""SWD clocks that an ST-LINK spends on 4 bytes (DESIGN 5)."""
_SMALL = 1024  # what is tried again: small enough to get through where one transfer in thousands fails
_LONGEST_PIECE = 0.4  # seconds; pyOCD gives a USB transfer one second


def piece_size(clock_hz: int) -> int:
    """Bytes one probe command may carry at this SWD clock so that it ends well within the USB time-out."""
    words = int(_LONGEST_PIECE * clock_hz / SWD_CLOCKS_A_WORD)
    return max(64, min(_PIECE, words * 4 & ~63))


def read(
    ap: Any,
    address: int,
    size: int,
    clock_hz: int,
    progress: Callable[[int], None] | None = None,
    mend: Mend | None = None,
) -> bytes:
    """`size` bytes from `address`; `progress` is told after each piece how many are there. Raises pyOCD's errors.

    With `mend` what fails is read again, in small pieces.
    """
    step = _step(clock_hz)
    parts = bytearray()
    while len(parts) < size:
        at, count = address + len(parts), min(step, size - len(parts))
        parts += _insist(lambda a, n: bytes(ap.read_memory_block8(a, n)), at, count, mend)
        if progress is not None:
            progress(len(parts))
    return bytes(parts)


def write(ap: Any, address: int, data: Buffer, clock_hz: int, mend: Mend | None = None) -> None:
    """Write the bytes at `address`, upwards. Raises pyOCD's errors. With `mend` what fails is written again.

    pyOCD's byte-wise call is the fast one: its ST-LINK driver hands an aligned run of a bytes object on as it is, with
    32-bit accesses, while the word-wise call turns every word into four list items.
    """
    step = _step(clock_hz)
    view = memoryview(data).cast("B")

    def put(at: int, count: int) -> bytes:
        ap.write_memory_block8(at, bytes(view[at - address : at - address + count]))
        return b""

    for start in range(0, len(view), step):
        _insist(put, address + start, min(step, len(view) - start), mend)


def _step(clock_hz: int) -> int:
    piece = piece_size(clock_hz)
    return _CALL if piece == _PIECE else piece


def _insist(move: Callable[[int, int], bytes], address: int, size: int, mend: Mend | None) -> bytes:
    """Move the bytes in one go; where that fails, what it was is mended and they are moved in small pieces."""
    if mend is None:
        return move(address, size)
    from pyocd.core.exceptions import TransferError

    try:
        return move(address, size)
    except TransferError as error:
        mend(error)
    parts = bytearray()
    for start in range(0, size, _SMALL):
        count = min(_SMALL, size - start)
        while True:
            try:
                parts += move(address + start, count)
            except TransferError as error:
                mend(error)
                continue
            break
    return bytes(parts)
