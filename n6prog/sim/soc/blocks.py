"""The blocks that only have to be there: what they are, where they live, and the clock that gates them.

Bases: CMSIS header as in hw-soc 3; EXTI, RNG, HASH and CACHEAXI also as Phoenix-RTOS and NuttX have them.
"""

from __future__ import annotations

from typing import NamedTuple

from n6prog.sim.soc.block import Block
from n6prog.sim.soc.rcc import AHB3ENR, AHB5ENR, APB4ENR2
from n6prog.sim.soc.stubs import Exti, Hash, Rifsc, Rng, Watchdog


class Row(NamedTuple):
    """One block. `gate`: RCC enable register and bit, None for a block whose clock never stops (or is not known)."""

    name: str
    base: int
    size: int = 0x400
    kind: type[Block] = Block
    gate: tuple[int, int] | None = None


_RISAF = (AHB3ENR, 14)
_RISAFS = [(number, 0x4402_5000 + 0x1000 * number) for number in (*range(1, 10), *range(11, 16))]
_RISAFS += [(21, 0x4403_5000), (22, 0x4403_6000), (23, 0x4403_7000)]

PLAIN = (
    Row("RNG", 0x4402_0000, kind=Rng, gate=(AHB3ENR, 0)),
    Row("HASH", 0x4402_0400, kind=Hash, gate=(AHB3ENR, 1)),
    Row("RIFSC", 0x4402_4000, 0x1000, Rifsc, (AHB3ENR, 9)),
    Row("IAC", 0x4402_5000, 0x1000, gate=(AHB3ENR, 10)),
    *(Row(f"RISAF{number}", base, 0x1000, gate=_RISAF) for number, base in _RISAFS),
    Row("MCE1", 0x4802_B800, gate=(AHB5ENR, 14)),
    Row("CACHEAXI", 0x480D_FC00, gate=(AHB5ENR, 30)),
    Row("DTS", 0x4600_A000, gate=(APB4ENR2, 2)),
    Row("RTC", 0x4600_4000),
    Row("IWDG", 0x4600_4800, kind=Watchdog),
    Row("WWDG", 0x4000_2C00, kind=Watchdog),
    Row("EXTI", 0x4602_5000, kind=Exti),
)
