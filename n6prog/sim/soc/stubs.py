"""Blocks of which programs want no more than that they answer."""

from __future__ import annotations

import random
from collections.abc import Mapping

from n6prog.sim.soc.block import Block


class Rifsc(Block):
    """Resource isolation: open, as after reset."""

    RESET: Mapping[int, int] = {0xC00: 0x0000_0710}  # RIMC_CR: DAPCID 7


class Watchdog(Block):
    """IWDG or WWDG: takes its key writes and never bites."""

    RESET: Mapping[int, int] = {0x08: 0x0000_0FFF}


class Exti(Block):
    """Event controller: no line ever fires; RPRx and FPRx take their write-one-to-clear and stay 0."""

    _PENDING = frozenset({0x0C, 0x10, 0x2C, 0x30, 0x4C, 0x50})

    def store(self, offset: int, value: int) -> None:
        """Write."""
        if offset not in self._PENDING:
            super().store(offset, value)


class Rng(Block):
    """Random numbers, the same in every run: ready at once while RNGEN is set, never an error."""

    CR, SR, DR = 0x00, 0x04, 0x08
    RNGEN = 1 << 2

    def __init__(self, name: str, base: int, size: int = 0x400) -> None:
        super().__init__(name, base, size)
        self._drawn = 0

    def load(self, offset: int) -> int:
        """Read; each read of DR is a new number."""
        enabled = bool(self.words.get(self.CR, 0) & self.RNGEN)
        if offset == self.SR:
            return int(enabled)
        if offset == self.DR and enabled:
            self._drawn += 1
            return random.Random(self._drawn).getrandbits(32)  # noqa: S311  (must repeat)
        return super().load(offset)

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {**super().snapshot(), "drawn": self._drawn}

    def restore(self, state: Mapping[str, object]) -> None:
        """Take back what `snapshot` gave."""
        super().restore(state)
        drawn = state["drawn"]
        self._drawn = drawn if isinstance(drawn, int) else 0


class Hash(Block):
    """The hash processor is always done (SR.DINIS, DCIS); its digest is not computed and reads 0."""

    RESET: Mapping[int, int] = {0x24: 0x0000_0003}
