"""The digest of a sector, the same number on the host and on the chip.

A sector of 4096 bytes: each of its 64-bit words XORed with a constant, the result read as one little-endian number,
modulo the prime 2**64 - 40503. On the chip it is Horner's rule over 64-bit words with 2**64 replaced by 40503; here it
is one division of big integers. It is a check against accidents, not against an adversary.

Two sectors have the same digest only if the whitened numbers they spell differ by a multiple of the prime. From that:

- a difference that lies within any 63 neighbouring bits is always seen (it is smaller than the prime, and the prime is
  odd);
- so is any pair of flipped bits of a sector: 2**k is neither 1 nor -1 modulo the prime for 0 < k < 32768 (a test walks
  through them);
- so are two exchanged 64-bit words, unless they differ by the prime itself;
- for changes without a pattern the odds are 1 in 2**64 a sector: 64 MiB compared a thousand times a day stay below
  1e-12 a day;
- what it misses by construction: the prime itself, added or taken at any bit position. In one 64-bit word that takes a
  whitened word below 40503 against its partner within 40503 of the top. That is why the words are whitened: without it
  an erased word (all ones) would pass for the number 40502, and small numbers and erased words are what flash is full
  of. Whitened, both partners carry 48 bits of the constant or of its complement, which no data does but by chance.
"""

from __future__ import annotations

from n6prog.nor.geometry import SECTOR

FOLD = 40503
"""2**64 is congruent to it; it fits the 16 bits that the chip's arithmetic has room for."""

PRIME = 2**64 - FOLD
"""The modulus, a prime."""

WHITE = 0x9E37_79B9_7F4A_7C15
"""XORed to each 64-bit word: the golden ratio's first 64 bits, a number without intent."""

_WHITE_SECTOR = int.from_bytes(WHITE.to_bytes(8, "little") * (SECTOR // 8), "little")


def digest(sector: bytes | bytearray | memoryview) -> int:
    """The digest of 4096 bytes, 0 <= digest < PRIME. Raises ValueError for any other length."""
    if len(sector) != SECTOR:
        raise ValueError(f"a sector has {SECTOR} bytes, not {len(sector)}")
    return (int.from_bytes(sector, "little") ^ _WHITE_SECTOR) % PRIME


def digests(data: bytes | bytearray | memoryview) -> list[int]:
    """The digest of each sector of `data`, in order. Raises ValueError unless the length is a multiple of 4096."""
    view = memoryview(data)
    return [digest(view[start : start + SECTOR]) for start in range(0, len(view), SECTOR)]


BLANK_SECTOR = digest(b"\xff" * SECTOR)
"""The digest of an erased sector."""
