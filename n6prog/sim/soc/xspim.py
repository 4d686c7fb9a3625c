"""XSPIM: which XSPI owns which port, and whether its pins lead anywhere (hw-soc 7.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from n6prog.sim.soc.block import Block

CR = 0x00
MUXEN, MODE, OVERRIDE = 1, 2, 1 << 4
_SELECT = {1: 1 << 5, 2: 1 << 6}  # CSSEL_OVR_O1, CSSEL_OVR_O2: the controller's frames go to NCS2
_WRITABLE = 0x00FF_0073

# (MUXEN, MODE): the port of XSPI1, 2 and 3. The last column is how HAL_XSPIM_Config places XSPI3 (SINGLE); without
# MUXEN both ports are taken
_PORTS = {(0, 0): (1, 2, 0), (0, 1): (2, 1, 0), (1, 0): (1, 1, 2), (1, 1): (2, 2, 1)}


class Xspim(Block):
    """The port matrix. A write while an XSPI is enabled is lost (HAL: change it only with all disabled).

    Two controllers that share a port (MUXEN) take turns at no cost; REQ2ACK_TIME is kept without effect (GUESS).
    """

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
        control = self.load(CR)
        return _PORTS[bool(control & MUXEN), bool(control & MODE)][number - 1]

    def overridden(self, number: int) -> int:
        """The chip select (1 or 2) that XSPIM forces upon XSPI `number`, 0 where CR.CSSEL decides."""
        control = self.load(CR)
        if not control & OVERRIDE or number not in _SELECT:
            return 0
        return 2 if control & _SELECT[number] else 1


@dataclass(frozen=True, slots=True)
class Route:
    """How far the lines of one XSPI reach: `sends`, `listens` with one line, `wide` with all eight.

    `forced` is the chip select that XSPIM prescribes, 0 for none.
    """

    sends: bool
    listens: bool
    wide: bool
    forced: int = 0

    def reaches(self, lines: int) -> bool:
        """Whether a frame on that many lines arrives at the NOR."""
        return self.sends if lines <= 1 else self.wide

    def hears(self, lines: int) -> bool:
        """Whether what the NOR drives comes back."""
        return self.listens if lines <= 1 else self.wide

    def chip_select(self, second: bool) -> int:
        """Which chip select falls, 1 or 2; `second` is CR.CSSEL."""
        return self.forced or 1 + second


NOWHERE = Route(sends=False, listens=False, wide=False)
