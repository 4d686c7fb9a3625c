"""What Intel HEX and S-record files have in common: lines that carry bytes for addresses, in any order.

The payload is gathered in one buffer in file order, with one small tuple for each contiguous run, so that a file costs
less memory than its text. A file in a million pieces is given up at `RUN_LIMIT`.
"""

from __future__ import annotations

from n6prog.image.collect import Collector
from n6prog.image.types import Chunk, Origin

ADDRESS_LIMIT = 1 << 32
RUN_LIMIT = 1 << 16
"""Separate runs after which a file is no flash image: 4 KiB sectors of a 256 MiB window in random order are as many."""


class Runs:
    """Bytes with addresses as the lines of a file give them."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._payload = bytearray()
        self._runs: list[tuple[int, int, int, int]] = []  # address, offset in the payload, line, offset in the file
        self._next = -1

    @property
    def full(self) -> bool:
        """Whether the file has more runs than any flash image; the rest need not be read."""
        return len(self._runs) > RUN_LIMIT

    def add(self, address: int, data: bytes, line: int, offset: int) -> None:
        """Takes the bytes of one record; `line` and `offset` (of the line, in the file) say where it stands."""
        if address != self._next:
            self._runs.append((address, len(self._payload), line, offset))
        self._payload += data
        self._next = address + len(data)

    def chunks(self) -> tuple[Chunk, ...]:
        """The runs sorted by address and joined where they touch; bytes that are given twice are reported."""
        payload = memoryview(self._payload).toreadonly()
        ends = [*(run[1] for run in self._runs[1:]), len(payload)]
        sized = sorted(
            (address, start, end, line, offset)
            for (address, start, line, offset), end in zip(self._runs, ends, strict=False)
            if end > start
        )
        done: list[Chunk] = []
        piece: _Piece | None = None
        for address, start, end, line, offset in sized:
            data = payload[start:end]
            if piece and address < piece.end:
                self._report_overlap(piece, address, data, line)
                piece.append(data[piece.end - address :], line)
            elif piece and address == piece.end:
                piece.append(data, line)
            else:
                if piece:
                    done.append(piece.chunk(self._collector.subject))
                piece = _Piece(address, data, line, offset)
        if piece:
            done.append(piece.chunk(self._collector.subject))
        return tuple(done)

    def _report_overlap(self, piece: _Piece, address: int, data: memoryview, line: int) -> None:
        size = min(piece.end - address, len(data))
        start = address - piece.address
        code = "W-HEX-REPEAT" if piece.data[start : start + size] == data[:size] else "E-HEX-OVERLAP"
        self._collector.add(code, size=size, address=address, line=piece.line, other_line=line)


class _Piece:
    """Runs that touch: a slice of the payload while there is one run, a copy from the second on."""

    def __init__(self, address: int, data: memoryview, line: int, offset: int) -> None:
        self.address = address
        self.data: memoryview | bytearray = data
        self.line = line
        self.offset = offset

    @property
    def end(self) -> int:
        return self.address + len(self.data)

    def append(self, data: memoryview, line: int) -> None:
        if not data:
            return
        if isinstance(self.data, memoryview):
            self.data = bytearray(self.data)
        self.data += data
        self.line = line

    def chunk(self, file: str) -> Chunk:
        return Chunk(self.address, memoryview(self.data).toreadonly(), Origin(file, "", self.offset))
