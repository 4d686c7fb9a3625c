"""XSPIM: which XSPI owns which port, and whether its pins lead anywhere (hw-soc 7.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from n6prog.sim.soc.block import Block

CR = 0x00
MUXEN, MODE = 1, 2
_WRITABLE = 0x00FF_0073


class Xspim(Block):
    """The port matrix. A write while an XSPI is enabled is lost (HAL: change it only with all disabled)."""

    def __init__(self, base: int, any_enabled: Callable[[], bool], changed: Callable[[], None]) -> None:
        super().__init__("XSPIM", base)
        self._any_enabled = any_enabled
        self._changed = changed

    def store(self, offset: int, value: int) -> None:
        """Write."""
        if offset == CR and not self._any_enabled():
            self.words[CR] = value & _WRITABLE
            self._changed()

    def reset(self) -> None:
        """A reset of the block."""
        super().reset()
        self._changed()

    def port_of(self, number: int) -> int:
        """The port XSPI `number` drives: 1 or 2, 0 for none."""
        control = self.words.get(CR, 0)
        if number not in (1, 2):
            return 0
        if control & MUXEN:
            return 2 if control & MODE else 1
        return number if not control & MODE else 3 - number


@dataclass(frozen=True, slots=True)
class Route:
    """How far the lines of one XSPI reach: `sends`, `listens` with one line, `wide` with all eight."""

    sends: bool
    listens: bool
    wide: bool

    def reaches(self, lines: int) -> bool:
        """Whether a frame on that many lines arrives at the NOR."""
        return self.sends if lines <= 1 else self.wide

    def hears(self, lines: int) -> bool:
        """Whether what the NOR drives comes back."""
        return self.listens if lines <= 1 else self.wide


NOWHERE = Route(sends=False, listens=False, wide=False)
