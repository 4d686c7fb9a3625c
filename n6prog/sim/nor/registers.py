"""The NOR's registers: SR, CR, CR2, SCUR, FBR (hw-flash 3)."""

from __future__ import annotations

from dataclasses import dataclass, field

WIP, WEL = 0x01, 0x02
BP_SHIFT, BP_MASK = 2, 0x3C
ODS_MASK, TB, PBE = 0x07, 0x08, 0x10
FACTORY_LOCK, LDSO, PSB, ESB, P_FAIL, E_FAIL, WPSEL = 0x01, 0x02, 0x04, 0x08, 0x20, 0x40, 0x80

CR2_MODE = 0x0000_0000
CR2_DQS = 0x0000_0200
CR2_DUMMY = 0x0000_0300
CR2_PREAMBLE = 0x0000_0500
CR2_DEFAULT = 0x4000_0000  # one-time, active low
CR2_CRC = 0x8000_0000  # accepted while busy, without WEL
CR2_BANKS = 0xC000_0000  # + an address in the bank; read-while-write parts only
DQSPRC, DOS = 0x01, 0x02
# address: bits that can be written
CR2_WRITABLE = {CR2_DQS: 0x03, CR2_DUMMY: 0x07, 0x400: 0x03, CR2_PREAMBLE: 0x71}

MODES = ("1S", "8S", "8D")  # by the two mode bits of CR2 0


@dataclass(slots=True)
class Registers:
    """SR without WIP and WEL, CR, CR2 by address (what was not written reads 0), SCUR, FBR and CR2 0x4000_0000.

    BP, TB, LDSO, the factory lock, WPSEL, FBR and `cr2_default` are non-volatile.
    """

    bp: int = 0
    cr: int = 0x07
    scur: int = 0
    cr2: dict[int, int] = field(default_factory=dict)
    fbr: int = 0xFFFF_FFFF
    cr2_default: int = 0xFF

    def reset(self) -> None:
        """What any reset puts back: CR2, drive strength, preamble, the suspend and fail bits."""
        self.cr = (self.cr & TB) | ODS_MASK
        self.scur &= FACTORY_LOCK | LDSO | WPSEL
        self.cr2.clear()

    @property
    def reset_mode(self) -> str:
        """The bus mode after a reset: the inverse of CR2 0x4000_0000 [1:0]."""
        return MODES[~self.cr2_default & 3]

    @property
    def boots(self) -> bool:
        """Whether the first CS# low after a reset is a fast-boot read."""
        return not self.fbr & 1

    @property
    def individual(self) -> bool:
        """Whether sectors are locked one by one (SCUR.WPSEL) and BP counts for nothing."""
        return bool(self.scur & WPSEL)
