"""Core registers of a halted core, in as few probe commands as it takes.

A probe command costs more than everything a core does in it, and DHCSR, DCRSR and DCRDR lie side by side: one block
read after each selection brings the value and whether it is there (S_REGRDY), and one block write starts a transfer and
puts the next value in place. The core needs a few of its cycles for a transfer, a word on the wire takes 46 SWD clocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from n6prog.targets import chip

# DCRSR register selectors (Arm ARM for Armv8-M, D1.2.31).
SP, LR, PC, XPSR, CFBP = 13, 14, 15, 16, 20
MSPLIM_S, PSPLIM_S, MSPLIM_NS, PSPLIM_NS = 28, 29, 30, 31
TO_GO_ON = (*range(17), MSPLIM_S, PSPLIM_S, CFBP)
"""What it takes to go on later: r0 to r12, SP, LR, PC, xPSR, the stack limits, CONTROL to PRIMASK."""

_WRITE = 1 << 16
_DCRSR = chip.DHCSR + 4
_DCRDR = chip.DHCSR + 8
_S_REGRDY = 1 << 16
_LOOKS = 10


class CoreRegisters:
    """Reads and writes registers by their DCRSR selector; the core must be halted.

    `failure(what)` makes the exception for a core that does not take them. Other errors are those of pyOCD.
    """

    def __init__(self, core: Any, failure: Callable[[str], Exception]) -> None:
        self._core = core
        self._failure = failure

    def read(self, number: int) -> int:
        """One register."""
        self._core.write32(_DCRSR, number)
        for _ in range(_LOOKS):
            dhcsr, _selector, value = self._core.read_memory_block32(chip.DHCSR, 3)
            if dhcsr & _S_REGRDY:
                return int(value)
        raise self._failure("the core does not answer register reads")

    def read_all(self, numbers: Sequence[int]) -> list[int]:
        """Several registers, in order."""
        return [self.read(number) for number in numbers]

    def write_all(self, registers: Sequence[tuple[int, int]]) -> None:
        """Set registers, (selector, value), in order."""
        if not registers:
            return
        self._core.write32(_DCRDR, registers[0][1])
        for (number, _), (_, following) in pairwise(registers):
            self._core.write_memory_block32(_DCRSR, [_WRITE | number, following])
        self._core.write32(_DCRSR, _WRITE | registers[-1][0])
        if not self._core.read32(chip.DHCSR) & _S_REGRDY:
            raise self._failure("the core does not take register writes")
