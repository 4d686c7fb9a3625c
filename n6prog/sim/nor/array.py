"""The memory array: AND-only programming in pages, erase to FF, and the 16-byte ECC chunks."""

from __future__ import annotations

import random

_FF_PAGE = b"\xff" * 256
_FF_BLOCK = b"\xff" * 0x10000


class Array:
    """The cells. `double_programmed` holds the numbers of 16-byte chunks that were programmed while not blank.

    A second program of a chunk cannot bring its ECC syndrome along, so the part switches ECC off for it until it is
    erased (Verilog model; hw-flash 7).
    """

    def __init__(self, content: memoryview, page: int = 256, chunk: int = 16) -> None:
        self.content = content
        self.size = len(content)
        self.page = page
        self.chunk = chunk
        self.double_programmed: set[int] = set()

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes from `address`; past the end it goes on at 0."""
        address %= self.size
        end = address + length
        if end <= self.size:
            return bytes(self.content[address:end])
        out = bytearray()
        while length > 0:
            part = self.content[address : min(address + length, self.size)]
            out += part
            length -= len(part)
            address = 0
        return bytes(out)

    def program(self, address: int, data: bytes) -> None:
        """Program within the page of `address`: wraps there, of more than a page the last 256 bytes count."""
        for start, piece in self.runs(address, data):
            end = start + len(piece)
            old = bytes(self.content[start:end])
            if old == _FF_PAGE[: len(old)] and not (start | end) % self.chunk:
                self.content[start:end] = piece
                continue
            self._note_chunks(start, end)
            merged = int.from_bytes(old, "little") & int.from_bytes(piece, "little")
            self.content[start:end] = merged.to_bytes(len(old), "little")

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

    def _note_chunks(self, start: int, end: int) -> None:
        """Mark the chunks in start..end that hold something already."""
        size = self.chunk
        for number in range(start // size, -(-end // size)):
            if self.content[number * size : (number + 1) * size] != _FF_PAGE[:size]:
                self.double_programmed.add(number)

    def erase(self, start: int, size: int) -> None:
        """Set `size` bytes from `start` to FF."""
        end = start + size
        for at in range(start, end, len(_FF_BLOCK)):
            stop = min(at + len(_FF_BLOCK), end)
            self.content[at:stop] = _FF_BLOCK[: stop - at]
        if self.double_programmed:
            first, last = start // self.chunk, end // self.chunk
            self.double_programmed = {number for number in self.double_programmed if not first <= number < last}

    def spoil_program(self, address: int, data: bytes, source: random.Random) -> None:
        """A program cut short: every bit is old or already programmed, nobody knows which."""
        for start, piece in self.runs(address, data):
            noise = source.randbytes(len(piece))
            self.program(start, bytes(new | extra for new, extra in zip(piece, noise, strict=True)))

    def spoil_erase(self, start: int, size: int, source: random.Random) -> None:
        """An erase cut short: neither what was there nor FF."""
        for at in range(start, start + size, len(_FF_BLOCK)):
            length = min(len(_FF_BLOCK), start + size - at)
            self.content[at : at + length] = source.randbytes(length)
