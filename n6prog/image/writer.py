"""Chunks to files: raw bytes, Intel HEX and S-records.

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
_SREC_LINE = 32
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


def write_srec(chunks: Iterable[Chunk], path: str | os.PathLike[str]) -> None:
    """Writes the chunks, which must have addresses, as S3 records with 32 bytes a line. Raises OSError."""
    with Path(path).open("w", encoding="ascii", newline="\n") as file:
        file.write(_srecord(0, 0, b"n6prog"))
        for chunk in chunks:
            assert chunk.address is not None
            for offset in range(0, chunk.size, _SREC_LINE):
                piece = chunk.data[offset : offset + _SREC_LINE]
                file.write(_srecord(3, chunk.address + offset, bytes(piece)))
        file.write(_srecord(7, 0, b""))


def _srecord(kind: int, address: int, data: bytes) -> str:
    """One record: count, address (2 bytes in S0, else 4), data, and the complement of the sum of all of these."""
    body = address.to_bytes(2 if kind == 0 else 4, "big") + data
    body = bytes([len(body) + 1]) + body
    return f"S{kind}{body.hex().upper()}{~sum(body) & 0xFF:02X}\n"


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
