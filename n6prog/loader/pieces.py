"""Cutting blocks into jobs: short ones at both ends where nothing needs an erase. Pure.

The flash has nothing to do while the first job is on its way, and the link nothing while the last one is programmed.
A block that must be erased stays whole: its pieces would cost an erase each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from n6prog.nor.geometry import SECTOR, bits
from n6prog.plan.types import Block

_FIRST = (2, 4)  # sectors; what is left follows
_LAST = (8, 4, 2)


def split(blocks: Iterable[Block], blank: Mapping[int, int]) -> Iterator[tuple[Block, tuple[Block, ...]]]:
    """Each block with the pieces it is to be sent in.

    `blank`: block start -> bitmap of sectors known to be blank. Looks one block ahead.
    """
    first, held = True, None
    for block in blocks:
        if held is not None:
            yield held, _cut(held, blank, _FIRST if first else ())
            first = False
        held = block
    if held is not None:
        yield held, _cut(held, blank, _LAST)


def _cut(block: Block, blank: Mapping[int, int], sizes: tuple[int, ...]) -> tuple[Block, ...]:
    if block.sectors & ~blank.get(block.start, 0):
        return (block,)
    numbers, at, found = bits(block.sectors), 0, []
    for size in (*sizes, len(numbers)):
        taken = numbers[at : at + size]
        if taken:
            data = block.data[at * SECTOR : (at + len(taken)) * SECTOR]
            found.append(Block(block.start, sum(1 << number for number in taken), data))
        at += len(taken)
    return tuple(found)
