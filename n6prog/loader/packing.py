"""Whether a payload travels packed: raw deflate, where that is faster by a measured margin. Pure."""

from __future__ import annotations

import zlib

from n6prog.flash_algos.mailbox import BLOCK_SIZE

_LEVEL = 9
_GAIN = 0.9
"""Packed must not take more than this part of the time: below that the doubt in the estimates eats it."""
_SAMPLE = 4096
_HOPELESS = 0.97

INFLATE_SECONDS_A_BYTE = 25e-6 / 64
"""What the chip takes to unpack one byte, in seconds: about 19 instructions of 1.3 cycles at 64 MHz."""


def deflate(data: bytes) -> bytes:
    """One raw deflate stream (RFC 1951) of the bytes, as the chip reads it."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def packed(data: bytes, wire_bytes_a_second: float) -> bytes | None:
    """The bytes as raw deflate, or None where they are there sooner as they are.

    `wire_bytes_a_second`: what the link carries. Measured on the very buffer: its packed size and the time to unpack it
    against its own size.
    """
    if len(data) > BLOCK_SIZE:
        raise ValueError(f"a payload has at most {BLOCK_SIZE} bytes")
    if len(data) > _SAMPLE and len(zlib.compress(data[:_SAMPLE], 1)) > _SAMPLE * _HOPELESS:
        tail = data[-_SAMPLE:]
        if len(zlib.compress(tail, 1)) > _SAMPLE * _HOPELESS:
            return None  # like noise at both ends: not worth the host's time
    small = deflate(data)
    raw = len(data) / wire_bytes_a_second
    return small if len(small) / wire_bytes_a_second + len(data) * INFLATE_SECONDS_A_BYTE < raw * _GAIN else None
