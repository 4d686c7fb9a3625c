"""A peripheral block as a file of 32-bit registers."""

from __future__ import annotations

from collections.abc import Mapping


class Block:
    """Registers by offset. What was never written reads its reset value; bits are plain unless a block says otherwise.

    `base` is the non-secure address, `size` a power of two that divides it: both aliases give the same offset.
    """

    RESET: Mapping[int, int] = {}

    def __init__(self, name: str, base: int, size: int = 0x400) -> None:
        self.name = name
        self.base = base
        self.size = size
        self._mask = size - 1
        self.words: dict[int, int] = dict(self.RESET)

    def read(self, address: int, size: int) -> int:
        """`size` (1, 2 or 4) bytes at `address`."""
        offset = address & self._mask
        value = self.load(offset & ~3)
        if size == 4:
            return value
        return value >> 8 * (offset & 3) & ((1 << 8 * size) - 1)

    def write(self, address: int, size: int, value: int) -> None:
        """Write `size` (1, 2 or 4) bytes at `address`; a narrow write leaves the other bytes of the register."""
        offset = address & self._mask
        if size != 4:
            shift = 8 * (offset & 3)
            mask = ((1 << 8 * size) - 1) << shift
            value = self.load(offset & ~3) & ~mask | value << shift & mask
        self.store(offset & ~3, value & 0xFFFFFFFF)

    def load(self, offset: int) -> int:
        """The register at `offset`."""
        return self.words.get(offset, 0)

    def store(self, offset: int, value: int) -> None:
        """Write the register at `offset`."""
        self.words[offset] = value

    def reset(self) -> None:
        """What a system reset does."""
        self.words = dict(self.RESET)

    def power_reset(self) -> None:
        """What power coming on does."""
        self.reset()

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {"words": {f"{offset:#x}": value for offset, value in self.words.items()}}

    def restore(self, state: Mapping[str, object]) -> None:
        """Take back what `snapshot` gave. Raises TypeError on what it did not."""
        words = state["words"]
        if not isinstance(words, dict):
            raise TypeError(f"{self.name}: the register file is missing")
        self.words = {int(offset, 16): int(value) for offset, value in words.items()}
