"""Which sectors show that every address line reaches the NOR: pairs that differ in one bit. Pure.

Where address bit k does not arrive, or the part is smaller than believed, a sector and its partner (the same offset
with bit k the other way) are one and the same: whatever is written to one appears in both. One written sector a bit is
enough, whose partner is to hold something else in the end, and both are digested again after the last write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from n6prog.plan.types import SECTOR


@dataclass(frozen=True, slots=True)
class Pair:
    """A sector that is written, and the one whose offset differs in address bit `bit` alone."""

    bit: int
    written: int
    partner: int


def address_bits(size: int) -> range:
    """The address bits above those inside a sector, of a part of `size` bytes."""
    return range(SECTOR.bit_length() - 1, (size - 1).bit_length())


def pairs(written: Iterable[int], finally_: Mapping[int, int], size: int) -> tuple[Pair, ...]:
    """One pair for each address bit for which there is one.

    `written`: offsets of the sectors that travel. `finally_`: offset -> digest that a sector is to have in the end, for
    all sectors known so far. A partner that is not among them is taken where no known one differs: it must be surveyed.
    A bit whose partners all are to hold the same as the written sectors has no pair: there nothing can be mistaken.
    """
    sectors = sorted(written)
    found = (_pair(bit, [at for at in sectors if at ^ 1 << bit < size], finally_) for bit in address_bits(size))
    return tuple(pair for pair in found if pair is not None)


def _pair(bit: int, sectors: Iterable[int], finally_: Mapping[int, int]) -> Pair | None:
    unknown = None
    for offset in sectors:
        partner = offset ^ 1 << bit
        if partner not in finally_:
            unknown = unknown or Pair(bit, offset, partner)
        elif finally_[partner] != finally_[offset]:
            return Pair(bit, offset, partner)
    return unknown
