"""PWR, SYSCFG and RAMCFG: supply rails, boot pins, and the memories that can be shut down (hw-soc 3, 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from n6prog.sim.soc.block import Block
from n6prog.sim.tripwire import Tripwire

VOSCR, SVMCR1, SVMCR2, SVMCR3 = 0x20, 0x34, 0x38, 0x3C
VDDIO3SV = 1 << 9
# register: {VRSEL bit: the rail whose pads it switches to the 1.8 V range}
_RANGES = {SVMCR1: {24: "vddio4"}, SVMCR2: {24: "vddio5"}, SVMCR3: {24: "vddio", 25: "vddio2", 26: "vddio3"}}
# register: {monitor enable bit: ready bit}
_MONITORS = {SVMCR1: {0: 16}, SVMCR2: {0: 16}, SVMCR3: {0: 16, 1: 17, 2: 18, 4: 20}}


class Pwr(Block):
    """Power control. A 1.8 V pad range on a rail that is not fed with 1.8 V is refused: it damages the part."""

    RESET: Mapping[int, int] = {0x00: 0x0000_0024, VOSCR: 0x0002_0002}

    def __init__(self, base: int, rails_1v8: frozenset[str], tripwire: Tripwire, changed: Callable[[], None]) -> None:
        super().__init__("PWR", base)
        self._rails_1v8 = rails_1v8
        self._tripwire = tripwire
        self._changed = changed

    def load(self, offset: int) -> int:
        """Read; a rail reports ready while its monitor is on (GUESS)."""
        value = super().load(offset)
        if offset == VOSCR:
            return value & 1 | (value & 1) << 16 | 0x0002_0002
        for enable, ready in _MONITORS.get(offset, {}).items():
            if value >> enable & 1:
                value |= 1 << ready
        return value

    def store(self, offset: int, value: int) -> None:
        """Write."""
        for bit, rail in _RANGES.get(offset, {}).items():
            if value >> bit & 1 and rail not in self._rails_1v8:
                self._tripwire.violation(
                    f"PWR: 1.8 V range chosen for {rail}, which this board does not feed with 1.8 V"
                )
                value &= ~(1 << bit)
        super().store(offset, value)
        if offset == SVMCR3:
            self._changed()

    @property
    def vddio3_valid(self) -> bool:
        """Whether the pads of port N are connected at all."""
        return bool(self.words.get(SVMCR3, 0) & VDDIO3SV)


CM55TCMCR, INITSVTORCR, INITNSVTORCR, BOOTSR = 0x08, 0x10, 0x14, 0x100
_COMPENSATION = {0x48: 0x44, 0x50: 0x4C, 0x58: 0x54, 0x60: 0x5C, 0x68: 0x64}  # CCSR: CCCR


class Syscfg(Block):
    """System configuration: boot pins as latched (`boot0`, `boot1`), initial vector tables, compensation cells."""

    RESET: Mapping[int, int] = {CM55TCMCR: 0x87, INITSVTORCR: 0x1800_0000, INITNSVTORCR: 0x0800_0000}

    def __init__(self, base: int) -> None:
        super().__init__("SYSCFG", base, 0x1000)
        self.boot0 = 0
        self.boot1 = 1

    def load(self, offset: int) -> int:
        """Read."""
        if offset == BOOTSR:
            return self.boot0 | self.boot1 << 1
        if offset in _COMPENSATION:
            control = self.words.get(_COMPENSATION[offset], 0)
            ready = control >> 8 & 1
            codes = control & 0xFF if control >> 9 & 1 else 0x87 * ready
            return ready << 8 | codes
        return super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write."""
        if offset != BOOTSR and offset not in _COMPENSATION:
            super().store(offset, value)

    def reset(self) -> None:
        """A system reset keeps where the core starts (hw-soc 1.9 cause 2)."""
        kept = {offset: self.words[offset] for offset in (INITSVTORCR, INITNSVTORCR) if offset in self.words}
        super().reset()
        self.words.update(kept)

    def power_reset(self) -> None:
        """Power came on."""
        Block.reset(self)

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {**super().snapshot(), "boot0": self.boot0, "boot1": self.boot1}

    def restore(self, state: Mapping[str, object]) -> None:
        """Take back what `snapshot` gave."""
        super().restore(state)
        self.boot0, self.boot1 = int(bool(state["boot0"])), int(bool(state["boot1"]))


SRAMSD = 1 << 20
_RAMCFG_BLOCKS = {"axisram3": 0x100, "axisram4": 0x180, "axisram5": 0x200, "axisram6": 0x280}


class Ramcfg(Block):
    """Memory control. AXISRAM3-6 start shut down: the SVD says otherwise, but tools find them unusable at first."""

    RESET: Mapping[int, int] = dict.fromkeys(_RAMCFG_BLOCKS.values(), SRAMSD)

    def __init__(self, base: int) -> None:
        super().__init__("RAMCFG", base, 0x1000)

    def powered(self, name: str) -> bool:
        """Whether the memory of that name is not shut down."""
        offset = _RAMCFG_BLOCKS.get(name)
        return offset is None or not self.words.get(offset, 0) & SRAMSD
