"""The flash of a placement as lanes: its slots and the room between them, each with what goes there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from n6prog.layout.types import Piece, Placement


SHOWN = 24
"""Lines that a list shows before it says how many more there are."""


def shortened(lines: Sequence[str]) -> list[str]:
    """The first `SHOWN` lines, and one that counts the rest."""
    rest = len(lines) - SHOWN
    return [*lines[:SHOWN], *([f"and {rest} more"] if rest > 0 else [])]


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of one file in a lane: start address and size in bytes, file name, sections as written for people."""

    start: int
    size: int
    file: str
    sections: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A slot, or the room between two slots (`name` is then empty): start address, size in bytes, what goes there."""

    name: str
    start: int
    size: int
    spans: tuple[Span, ...]

    @property
    def end(self) -> int:
        """First address after the lane."""
        return self.start + self.size

    @property
    def used(self) -> int:
        """Bytes of the lane that are written."""
        return sum(span.size for span in self.spans)


def lanes(placement: Placement, base: int) -> tuple[Lane, ...]:
    """The lanes of the flash that starts at `base`, ascending. A piece that leaves its lane is cut at the border."""
    return tuple(
        Lane(name, start, end - start, tuple(_spans(placement.flash, start, end)))
        for name, start, end in _borders(placement, base)
    )


def _borders(placement: Placement, base: int) -> Iterator[tuple[str, int, int]]:
    at, limit = base, base + placement.device.nor.size
    for slot in sorted(placement.device.board.slots, key=lambda slot: slot.start):
        if slot.start >= limit:
            break
        if at < slot.start:
            yield "", at, slot.start
        at = min(slot.start + slot.size, limit)
        yield slot.name, slot.start, at
    if at < limit:
        yield "", at, limit


def _spans(pieces: Sequence[Piece], start: int, end: int) -> Iterator[Span]:
    for piece in pieces:
        first, last = max(piece.address, start), min(piece.end, end)
        if first < last:
            yield Span(first, last - first, PurePath(piece.origin.file).name, piece.origin.section)
