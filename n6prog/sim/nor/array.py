"""The memory array: AND-only programming in pages, erase to FF, and the 16-byte ECC chunks."""

from __future__ import annotations

import random

_FF_PAGE = b"\xff" * 256
_FF_BLOCK = b"\xff" * 0x10000


class Array:
    """The cells. `double_programmed` holds the numbers of 16-byte chunks that were changed while not blank.

    A program that changes a chunk already programmed cannot bring its ECC syndrome along, so the part switches ECC off
    for it until it is erased (Verilog model; hw-flash 7). That no syndrome ever fits by chance is a GUESS.
    """

    def __init__(self, content: memoryview, page: int = 256, chunk: int = 16) -> None:
        self.content = content
        self.size = len(content)
        self.page = page
        self.chunk = chunk
        self.double_programmed: set[int] = set()

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes from `address`, not beyond the end."""
        return bytes(self.content[address : address + length])

    def program(self, address: int, data: bytes) -> None:
        """Program within the page of `address`: wraps there, of more than a page the last 256 bytes count."""
        for start, piece in self.runs(address, data):
            end = start + len(piece)
            old = bytes(self.content[start:end])
            if old == _FF_PAGE[: len(old)] and not (start | end) % self.chunk:
                self.content[start:end] = piece
                continue
            first = start & -self.chunk
            last = -(-end // self.chunk) * self.chunk
            before = bytes(self.content[first:last])
            merged = int.from_bytes(old, "little") & int.from_bytes(piece, "little")
            self.content[start:end] = merged.to_bytes(len(old), "little")
            self._note_chunks(first, before, bytes(self.content[first:last]))

    def runs(self, address: int, data: bytes) -> list[tuple[int, bytes]]:
        """The one or two contiguous (address, bytes) that a page program of `data` comes down to."""
        base, offset = address % self.size & -self.page, address % self.page
        if len(data) > self.page:
            offset = (offset + len(data) - self.page) % self.page
            data = data[-self.page :]
        room = self.page - offset
        if len(data) <= room:
            return [(base + offset, data)]
        return [(base + offset, data[:room]), (base, data[room:])]

    def _note_chunks(self, first: int, before: bytes, after: bytes) -> None:
        """Mark the chunks from `first` that held something and hold something else now."""
        size = self.chunk
        blank = _FF_PAGE[:size]
        for at in range(0, len(before), size):
            old = before[at : at + size]
            if old != blank and old != after[at : at + size]:
                self.double_programmed.add((first + at) // size)

    def erase(self, start: int, size: int) -> None:
        """Set `size` bytes from `start` to FF."""
        end = start + size
        for at in range(start, end, len(_FF_BLOCK)):
            stop = min(at + len(_FF_BLOCK), end)
            self.content[at:stop] = _FF_BLOCK[: stop - at]
        if self.double_programmed:
            first, last = start // self.chunk, end // self.chunk
            self.double_programmed = {number for number in self.double_programmed if not first <= number < last}

    def spoil_page(self, address: int, source: random.Random) -> None:
        """A program cut short: in its page any bit may have fallen, none has risen (Verilog model: the whole page)."""
        start = address % self.size & -self.page
        end = start + self.page
        left = int.from_bytes(self.content[start:end], "little") & source.getrandbits(8 * self.page)
        self.content[start:end] = left.to_bytes(self.page, "little")

    def spoil_erase(self, start: int, size: int, source: random.Random) -> None:
        """An erase cut short: neither what was there nor FF."""
        for at in range(start, start + size, len(_FF_BLOCK)):
            length = min(len(_FF_BLOCK), start + size - at)
            self.content[at : at + length] = source.randbytes(length)
