"""PWR, SYSCFG and RAMCFG: supply rails, boot pins, and the memories that can be shut down (hw-soc 3, 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from n6prog.sim.soc.block import Block
from n6prog.sim.tripwire import Tripwire

VOSCR, SVMCR1, SVMCR2, SVMCR3 = 0x20, 0x34, 0x38, 0x3C
_VALID = {"vddio2": 1 << 8, "vddio3": 1 << 9}  # SVMCR3: the pads of that rail are connected
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
        self._rail_missing: frozenset[str] = frozenset()

    @property
    def rail_missing(self) -> frozenset[str]:
        """A fault of the board: rails ("vddio2", "vddio3") that are never there, so never ready, their pads dead."""
        return self._rail_missing

    @rail_missing.setter
    def rail_missing(self, rails: frozenset[str]) -> None:
        self._rail_missing = rails
        self._changed()

    def load(self, offset: int) -> int:
        """Read; a rail reports ready while its monitor is on (GUESS)."""
        value = super().load(offset)
        if offset == VOSCR:
            return value & 1 | (value & 1) << 16 | 0x0002_0002
        for enable, ready in _MONITORS.get(offset, {}).items():
            if value >> enable & 1:
                value |= 1 << ready
        if offset == SVMCR3:
            for rail in self._rail_missing:
                value &= ~(_VALID[rail] << 8)  # RDY stands 8 bits above SV
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

    def rail_valid(self, rail: str) -> bool:
        """Whether the pads of "vddio2" or "vddio3" are connected at all."""
        return rail not in self._rail_missing and bool(self.words.get(SVMCR3, 0) & _VALID[rail])

    def reset(self) -> None:
        """A system reset."""
        super().reset()
        self._changed()


CM55TCMCR, INITSVTORCR, INITNSVTORCR, BOOTSR = 0x08, 0x10, 0x14, 0x100
_COMPENSATION = {0x48: 0x44, 0x50: 0x4C, 0x58: 0x54, 0x60: 0x5C, 0x68: 0x64}  # CCSR: CCCR
# registers of a compensation cell: the rail that must be valid for an access to work (ES0620 2.2.20)
_NEEDS_RAIL = {
    0x44: "vddio2", 0x48: "vddio2", 0x4C: "vddio3", 0x50: "vddio3", 0x54: "vddio2", 0x58: "vddio2", 0x5C: "vddio3",
    0x60: "vddio3",
}  # fmt: skip


class Syscfg(Block):
    """System configuration: boot pins as latched (`boot0`, `boot1`), initial vector tables, compensation cells."""

    RESET: Mapping[int, int] = {CM55TCMCR: 0x87, INITSVTORCR: 0x1800_0000, INITNSVTORCR: 0x0800_0000}

    def __init__(self, base: int, rail_valid: Callable[[str], bool]) -> None:
        super().__init__("SYSCFG", base, 0x1000)
        self._rail_valid = rail_valid
        self.boot0 = 0
        self.boot1 = 1

    def load(self, offset: int) -> int:
        """Read; a cell whose rail is not valid reads 0."""
        if self._cut_off(offset):
            return 0
        if offset == BOOTSR:
            return self.boot0 | self.boot1 << 1
        if offset in _COMPENSATION:
            control = self.words.get(_COMPENSATION[offset], 0)
            ready = control >> 8 & 1
            codes = control & 0xFF if control >> 9 & 1 else 0x87 * ready
            return ready << 8 | codes
        return super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write; to a cell whose rail is not valid it is lost."""
        if offset != BOOTSR and offset not in _COMPENSATION and not self._cut_off(offset):
            super().store(offset, value)

    def _cut_off(self, offset: int) -> bool:
        """Whether this register is out of reach because of its rail."""
        rail = _NEEDS_RAIL.get(offset)
        return rail is not None and not self._rail_valid(rail)

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
