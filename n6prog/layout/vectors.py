"""Where a file has vector tables: what tells a program linked for RAM from data that happens to lie there."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from n6prog.image import stm2
from n6prog.image.types import Chunk
from n6prog.layout.types import Piece
from n6prog.targets.chip import region_at

_STACKS = {"dtcm", "itcm", "flexram", "axisram", "ahbsram", "psram"}
_CODE = _STACKS | {"nor"}


def is_vector_table(data: memoryview) -> bool:
    """Whether the first two words can be a stack pointer (8-byte aligned, in or just above RAM) and a reset handler."""
    if len(data) < 8:
        return False
    stack, reset = struct.unpack_from("<2I", data)
    above, code = region_at(max(stack - 1, 0)), region_at(reset)
    return (
        stack % 8 == 0
        and stack > 0
        and above is not None
        and above.kind in _STACKS
        and bool(reset & 1)
        and code is not None
        and code.kind in _CODE
    )


def vector_tables(chunks: Iterable[Chunk]) -> frozenset[int]:
    """The start addresses of the chunks that begin with a vector table."""
    return frozenset(chunk.address for chunk in chunks if chunk.address is not None and is_vector_table(chunk.data))


def has_header(piece: Piece) -> bool:
    """Whether the piece begins with an STM2 boot header."""
    return bytes(piece.data[:4]) == stm2.MAGIC
