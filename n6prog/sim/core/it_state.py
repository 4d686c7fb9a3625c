"""ITSTATE around hooks of data accesses, which Unicorn 2.1.4 leaves wrong.

Before it calls a hook of a data access, that of the TLB among them, it winds PC and ITSTATE back to the instruction.
When the access then goes on, ITSTATE stays as it is, and the next block to be looked up begins inside an IT block that
is over: its first instructions may be left out. So whoever lets such an access go on says so.
"""

from __future__ import annotations

from unicorn import arm_const as arm

from n6prog.sim.core.raw import Raw

_IT_BITS = 0x0600_FC00  # of XPSR
_NOWHERE = 1  # an address the PC never has


class ItState:
    """Takes ITSTATE away from instructions that go on, and gives it back to the one that does not end."""

    def __init__(self, registers: Raw) -> None:
        self._registers = registers
        self.clear()

    def clear(self) -> None:
        """No instruction is under way."""
        self.went_on_at = _NOWHERE  # the newest instruction inside an IT block that went on: its address
        self._taken = 0

    def goes_on(self) -> None:
        """The access of the current instruction goes on. While code runs ITSTATE is zero: it is in the translation."""
        xpsr = self._registers.read(arm.UC_ARM_REG_XPSR)
        if xpsr & _IT_BITS:
            self.went_on_at = self._registers.read(arm.UC_ARM_REG_PC) & ~1
            self._taken = xpsr & _IT_BITS
            self._registers.write(arm.UC_ARM_REG_XPSR, xpsr & ~_IT_BITS)

    def not_over(self, pc: int) -> None:
        """The instruction at `pc` will not end: what was taken, for an earlier hook of the same access, is back."""
        if self.went_on_at == pc:
            xpsr = self._registers.read(arm.UC_ARM_REG_XPSR)
            self._registers.write(arm.UC_ARM_REG_XPSR, xpsr & ~_IT_BITS | self._taken)
