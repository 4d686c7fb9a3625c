"""Chunks to files: raw bytes and Intel HEX.

Intel HEX is written by intelhex, a small slice at a time: it keeps every byte in a dict (5.8 MiB for 64 KiB of data,
90 KiB for 1 KiB), and a whole NOR is 128 MiB. Small slices are no slower.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from n6prog.image.types import Chunk

_SLICE = 1 << 10  # a multiple of the 16 data bytes a line that intelhex writes: lines do not show where slices meet
_BORDER = 1 << 16  # what an extended linear address record reaches
_BASE_ZERO = ":020000040000FA\n"
_END = ":00000001FF\n"


def write_raw(chunks: Iterable[Chunk], path: str | os.PathLike[str]) -> None:
    """Writes the bytes of all chunks one after the other; gaps between them are not filled. Raises OSError."""
    with Path(path).open("wb") as file:
        file.writelines(chunk.data for chunk in chunks)


def write_ihex(chunks: Iterable[Chunk], path: str | os.PathLike[str]) -> None:
    """Writes the chunks, which must have addresses, as Intel HEX with 16 bytes a line. Raises OSError."""
    with Path(path).open("w", encoding="ascii", newline="\n") as file:
        file.writelines(_lines(chunks))


def _lines(chunks: Iterable[Chunk]) -> Iterator[str]:
    base = _BASE_ZERO  # holds where nothing is said; intelhex says nothing for what lies below 64 KiB
    for address, data in _slices(chunks):
        records = _records(address, data)
        wanted = records.pop(0) if address >= _BORDER else _BASE_ZERO
        if wanted != base:
            base = wanted
            yield base
        yield from records
    yield _END


def _slices(chunks: Iterable[Chunk]) -> Iterator[tuple[int, bytes]]:
    """The chunks in slices that do not cross a 64 KiB border, so that each has one base address."""
    for chunk in chunks:
        assert chunk.address is not None
        offset = 0
        while offset < chunk.size:
            address = chunk.address + offset
            size = min(_SLICE, _BORDER - address % _BORDER)
            yield address, bytes(chunk.data[offset : offset + size])
            offset += size


def _records(address: int, data: bytes) -> list[str]:
    """The lines that intelhex writes for one slice, without the end record."""
    from intelhex import IntelHex

    book, text = IntelHex(), io.StringIO()
    book.puts(address, data)
    book.write_hex_file(text)
    return text.getvalue().splitlines(keepends=True)[:-1]
