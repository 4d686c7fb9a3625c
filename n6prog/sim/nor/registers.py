"""The NOR's registers: SR, CR, CR2, SCUR, and which blocks the BP bits protect."""

from __future__ import annotations

from dataclasses import dataclass, field

WIP, WEL = 0x01, 0x02
BP_SHIFT, BP_MASK = 2, 0x3C
ODS_MASK, TB, PBE = 0x07, 0x08, 0x10
PSB, ESB, P_FAIL, E_FAIL, WPSEL = 0x04, 0x08, 0x20, 0x40, 0x80

CR2_MODE = 0x0000_0000
CR2_DUMMY = 0x0000_0300
CR2_DEFAULT = 0x4000_0000  # one-time, active low
CR2_CRC = 0x8000_0000  # accepted while busy, without WEL
# address: bits that can be written (hw-flash 3)
CR2_WRITABLE = {0x200: 0x03, CR2_DUMMY: 0x07, 0x400: 0x03, 0x500: 0x71}


@dataclass(slots=True)
class Registers:
    """SR without WIP and WEL, CR, CR2 by address (what is not there reads 0), SCUR."""

    bp: int = 0
    cr: int = 0x07
    scur: int = 0
    cr2: dict[int, int] = field(default_factory=dict)

    def reset(self) -> None:
        """What any reset puts back: CR2, drive strength, preamble, the suspend and fail bits. BP and TB stay."""
        self.cr = (self.cr & TB) | ODS_MASK
        self.scur &= ~(PSB | ESB | P_FAIL | E_FAIL)
        self.cr2.clear()

    def read_cr2(self, address: int) -> int:
        """One CR2 byte."""
        return self.cr2.get(address, 0xFF if address == CR2_DEFAULT else 0)

    def protected(self, start: int, size: int, total: int, block: int) -> bool:
        """Whether any byte of start..start+size lies in a block that BP protects.

        BP value n protects 2^(n-1) blocks from the top, or from the bottom with TB (Verilog model).
        """
        if not self.bp:
            return False
        covered = min((1 << (self.bp - 1)) * block, total)
        if self.cr & TB:
            return start < covered
        return start + size > total - covered
