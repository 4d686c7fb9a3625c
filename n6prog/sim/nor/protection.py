"""Where programs and erases are refused: BP, or with SCUR.WPSEL the SPB and DPB bits (hw-flash 3)."""

from __future__ import annotations

from n6prog.sim.nor.parts import NorFacts
from n6prog.sim.nor.registers import TB, Registers

LOCK_DOWN, PASSWORD_MODE = 0x40, 0x04  # lock register, both active low


class Protection:
    """BP of `registers`, and the lock bits of one part.

    The first and the last block have a lock bit for each sector, every other block has one. `spb` and `dpb` hold them
    in order of address, bit 0 for the first sector; a 1 locks. SPB, lock register and password are non-volatile.
    """

    def __init__(self, part: NorFacts, registers: Registers) -> None:
        self._part = part
        self.registers = registers
        self._ends = part.block // part.sector
        self._blocks = part.size // part.block
        self.every = (1 << self._blocks - 2 + 2 * self._ends) - 1
        self.spb = 0
        self.dpb = self.every
        self.lock = 0xFF
        self.password = b"\xff" * 8

    def reset(self) -> None:
        """After power-up or a reset all DPB lock; in password mode the SPB are locked down again."""
        self.dpb = self.every
        if self.password_mode:
            self.lock &= ~LOCK_DOWN

    def unit(self, address: int) -> int:
        """The number of the lock bit that covers `address`."""
        part = self._part
        block, sector = divmod(address % part.size, part.block)
        sector //= part.sector
        if block == 0:
            return sector
        unit = self._ends + block - 1
        return unit + sector if block == self._blocks - 1 else unit

    def _locked(self, start: int, size: int) -> int:
        """The lock bits that are set in `size` bytes from `start`."""
        first, last = self.unit(start), self.unit(start + size - 1)
        return (self.spb | self.dpb) >> first & (1 << last - first + 1) - 1

    def refuses(self, start: int, size: int) -> bool:
        """Whether a program or erase of `size` bytes from `start` is refused."""
        registers = self.registers
        if registers.individual:
            return bool(self._locked(start, size))
        if not registers.bp:
            return False
        # 2^(n-1) blocks, from the top, or from the bottom with TB (Verilog model)
        covered = min(1 << registers.bp - 1, self._blocks) * self._part.block
        if registers.cr & TB:
            return start < covered
        return start + size > self._part.size - covered

    def chip_erase(self) -> list[tuple[int, int]]:
        """What a chip erase erases, as (start, size); nothing where it is refused.

        Any BP refuses it. With WPSEL it leaves out locked blocks, and the first or last one with any sector locked.
        """
        part = self._part
        if not self.registers.individual:
            return [] if self.registers.bp else [(0, part.size)]
        blocks = range(0, part.size, part.block)
        return [(start, part.block) for start in blocks if not self._locked(start, part.block)]

    @property
    def locked_down(self) -> bool:
        """Whether the SPB cannot be changed."""
        return not self.lock & LOCK_DOWN

    @property
    def password_mode(self) -> bool:
        """Whether only the password lifts the lock-down; it cannot be read then."""
        return not self.lock & PASSWORD_MODE

    def unlock(self) -> None:
        """The right password came."""
        self.lock |= LOCK_DOWN

    def write_dpb(self, address: int, locked: bool) -> None:
        """One DPB."""
        bit = 1 << self.unit(address)
        self.dpb = self.dpb | bit if locked else self.dpb & ~bit
