"""What a block with an interrupt line shows the core.

The core asks; nothing is pushed. A block that changes its line through a register write calls `Soc.irq_changed`.
NVIC numbers: CMSIS header `IRQn_Type` (hw-soc 1.3).
"""

from __future__ import annotations

from typing import Protocol

NEVER = 1 << 62

XSPI_IRQS = {1: 170, 2: 171, 3: 172}  # CMSIS header XSPI1_IRQn .. XSPI3_IRQn


class IrqSource(Protocol):
    """One interrupt line. `irq` is the NVIC number; times are picoseconds of virtual time."""

    irq: int

    def irq_level(self, now: int) -> bool:
        """Whether the line is high at `now`."""

    def next_irq(self, now: int) -> int:
        """The earliest time after `now` at which the line may rise by itself; NEVER if it will not."""
