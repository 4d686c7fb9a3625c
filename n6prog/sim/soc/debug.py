"""DBGMCU (hw-soc 1.4): the same block from the core's side and through AP0."""

from __future__ import annotations

from collections.abc import Mapping

from n6prog.sim.soc.block import Block

IDCODE, CR, SR = 0x00, 0x04, 0xFC
AP1_ENABLE = 1 << 17
_READ_ONLY = frozenset({IDCODE, SR})


class Dbgmcu(Block):
    """Debug control. `ap1_enabled` is what the boot ROM sets when it opens the CPU's access port."""

    RESET: Mapping[int, int] = {IDCODE: 0x1000_6486, CR: 0x8000_0000, SR: 0x0001_0003}

    def __init__(self, base: int) -> None:
        super().__init__("DBGMCU", base, 0x1000)
        self.device: int | None = None  # another DEV_ID than an STM32N6's

    def load(self, offset: int) -> int:
        """Read."""
        value = super().load(offset)
        return value if offset != IDCODE or self.device is None else value & ~0xFFF | self.device

    @property
    def ap1_enabled(self) -> bool:
        """DBGMCU_SR.AP1_ENABLE."""
        return bool(self.words[SR] & AP1_ENABLE)

    @ap1_enabled.setter
    def ap1_enabled(self, value: bool) -> None:
        self.words[SR] = self.words[SR] & ~AP1_ENABLE | (AP1_ENABLE if value else 0)

    def store(self, offset: int, value: int) -> None:
        """Write."""
        if offset not in _READ_ONLY:
            super().store(offset, value)

    def reset(self) -> None:
        """A system reset closes AP1; the debugger's freeze bits stay, as they belong to the debug domain (GUESS)."""
        self.words[SR] = self.RESET[SR]

    def power_reset(self) -> None:
        """Power came on."""
        self.words = dict(self.RESET)
