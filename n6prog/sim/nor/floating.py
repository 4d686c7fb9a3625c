"""What a controller samples from lines that nobody drives."""

from __future__ import annotations

import random

STYLES = ("last", "ff", "00")


class FloatingBus:
    """Undriven lines: the last driven byte mixed with seeded noise, or plain ones or zeros.

    The chip's behaviour is not known, so a program must not depend on it. The noise is a function of the seed and of
    how often it was asked for: the same run reads the same bytes.
    """

    def __init__(self, seed: int, style: str = "last") -> None:
        if style not in STYLES:
            raise ValueError(f"float={style}: one of {', '.join(STYLES)}")
        self.seed = seed
        self.style = style
        self.last = 0xFF
        self.count = 0

    def fill(self, length: int) -> bytes:
        """`length` sampled bytes."""
        if length <= 0:
            return b""
        if self.style != "last":
            return (b"\xff" if self.style == "ff" else b"\0") * length
        source = self._source()
        bits = 8 * length
        # a quarter of the bits have drifted away from the last driven level
        noise = source.getrandbits(bits) & source.getrandbits(bits)
        return (int.from_bytes(bytes((self.last,)) * length, "big") ^ noise).to_bytes(length, "big")

    def noise(self, length: int) -> bytes:
        """`length` bytes of something that is driven and undefined."""
        return self._source().randbytes(length)

    def scramble(self, data: bytes) -> bytes:
        """`data` as sampled off time: a quarter of the bits are wrong, the first one always."""
        if not data:
            return data
        bits = 8 * len(data)
        source = self._source()
        wrong = source.getrandbits(bits) & source.getrandbits(bits) | 1 << bits - 1
        return (int.from_bytes(data, "big") ^ wrong).to_bytes(len(data), "big")

    def _source(self) -> random.Random:
        self.count += 1
        return random.Random(f"{self.seed}:{self.count}")  # noqa: S311  (noise, not a secret)

    def snapshot(self) -> dict[str, int]:
        """The state, JSON-able."""
        return {"last": self.last, "count": self.count}

    def restore(self, state: dict[str, int]) -> None:
        """Take back what `snapshot` gave."""
        self.last = state["last"]
        self.count = state["count"]
