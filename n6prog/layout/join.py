"""Neighbouring pieces of one file become one, so that people see a program as one line and not as its sections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from n6prog.image.types import Origin
from n6prog.layout.types import Piece

LIMIT = 4 << 20
"""Joined bytes are copied; above this size pieces stay as they are. Bytes."""


def join(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Pieces sorted by address, neighbours of the same file, slot and change joined; section names stay."""
    groups: list[list[Piece]] = []
    size = 0
    for piece in pieces:
        if groups and _follows(groups[-1][-1], piece) and size + piece.size <= LIMIT:
            groups[-1].append(piece)
            size += piece.size
        else:
            groups.append([piece])
            size = piece.size
    return tuple(_joined(group) for group in groups)


def _follows(before: Piece, piece: Piece) -> bool:
    return (before.end, before.origin.file, before.slot, before.change) == (
        piece.address,
        piece.origin.file,
        piece.slot,
        piece.change,
    )


def _joined(group: list[Piece]) -> Piece:
    if len(group) == 1:
        return group[0]
    first = group[0]
    names = " ".join(dict.fromkeys(piece.origin.section for piece in group if piece.origin.section))
    data = memoryview(b"".join(piece.data for piece in group))
    return replace(first, data=data, origin=Origin(first.origin.file, names, first.origin.offset))
