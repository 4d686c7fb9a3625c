"""How long the NOR takes for what the loader does, typically and at worst. Only polling and time-outs hang on these."""

from __future__ import annotations

from dataclasses import dataclass

from n6prog.flash_algos.mailbox import BLOCK_SIZE, SECTOR_SIZE, SECTORS_PER_BLOCK
from n6prog.targets.schema import NorPart

PATIENCE = 10.0
"""A step may take this many times as long as expected,"""
GRACE = 3.0
"""and so many seconds more."""
_PAGE = 256


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds: as expected, and the longest to wait for."""

    expected: float
    longest: float


def erase_span(part: NorPart, sectors: int) -> Span:
    """Erasing so many sectors of one block."""
    each = part.erase(SECTOR_SIZE)
    block = next((item for item in part.erases if item.size == BLOCK_SIZE), each)
    typical = sectors * each.typ
    if block is not each:
        typical = min(typical, block.typ)
    return Span(typical, max(sectors * each.max, block.max) + GRACE)


def write_span(part: NorPart, sectors: int, blank: int, reading: float) -> Span:
    """Writing the set sectors of a block, of which those in `blank` need no erase. `reading`: seconds to read a sector
    and digest it.
    """
    dirty = (sectors & ~blank).bit_count()
    pages = sectors.bit_count() * SECTOR_SIZE // _PAGE
    both = 2 * SECTORS_PER_BLOCK * reading  # what the block holds now, and what it holds then
    erase = erase_span(part, dirty)
    whole = max(erase.longest, erase_span(part, SECTORS_PER_BLOCK).longest)
    return Span(
        (erase.expected if dirty else 0.0) + pages * part.program_typ + both,
        whole + BLOCK_SIZE // _PAGE * part.program_max + PATIENCE * both + GRACE,
    )


def operation_longest(part: NorPart) -> float:
    """The longest that a single command of the NOR may take, chip erase aside."""
    return max([part.program_max, *(item.max for item in part.erases)]) + GRACE
