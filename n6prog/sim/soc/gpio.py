"""GPIO ports (hw-soc 6)."""

from __future__ import annotations

from collections.abc import Callable

from n6prog.sim.soc.block import Block
from n6prog.sim.soc.bus import BusHang

MODER, PUPDR, IDR, ODR, BSRR, AFRL, AFRH, BRR = 0x00, 0x0C, 0x10, 0x14, 0x18, 0x20, 0x24, 0x28
_ALTERNATE = 2
# SECCFGR, PRIVCFGR, RCFGLOCKR answer without the port's clock: two published applications, made by CubeMX, set them
# before they enable it, and run. That the other registers hang as other blocks do is a guess.
_ATTRIBUTES = frozenset({0x30, 0x34, 0x38})


class Gpio(Block):
    """One port. Pins start analog; `changed` is called when a pin may have changed its function."""

    def __init__(self, letter: str, base: int, changed: Callable[[], None]) -> None:
        super().__init__(f"GPIO{letter}", base)
        self.letter = letter
        self._changed = changed
        self.reset()

    def reset(self) -> None:
        """All pins analog, as SVD gives for port N."""
        self.words = {MODER: 0xFFFF_FFFF, 0x30: 0xFFFF, 0x34: 0xFFFF, 0x3FC: 0xA3C5_DD01}
        self._changed()

    def load(self, offset: int) -> int:
        """Read; IDR shows what the port drives itself, and pull-ups of inputs that nobody drives."""
        if offset == IDR:
            moder, pulls = self.words.get(MODER, 0), self.words.get(PUPDR, 0)
            outputs = sum(1 << pin for pin in range(16) if moder >> 2 * pin & 3 == 1)
            pulled = sum(1 << pin for pin in range(16) if moder >> 2 * pin & 3 == 0 and pulls >> 2 * pin & 3 == 1)
            return self.words.get(ODR, 0) & outputs | pulled
        if offset in (BSRR, BRR):
            return 0
        return super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write."""
        if offset == BSRR:
            self.words[ODR] = (self.words.get(ODR, 0) & ~(value >> 16) | value) & 0xFFFF
        elif offset == BRR:
            self.words[ODR] = self.words.get(ODR, 0) & ~value & 0xFFFF
        elif offset != IDR:
            super().store(offset, value)
            if offset in (MODER, AFRL, AFRH):
                self._changed()

    def read_unclocked(self, address: int, size: int) -> int:
        """A read while the port has no clock. Raises BusHang, but for the attributes (see `_ATTRIBUTES`)."""
        if address & 0x3FC not in _ATTRIBUTES:
            raise BusHang(address)
        return self.read(address, size)

    def write_unclocked(self, address: int, size: int, value: int) -> None:
        """A write while the port has no clock. Raises BusHang, but for the attributes."""
        if address & 0x3FC not in _ATTRIBUTES:
            raise BusHang(address)
        self.write(address, size, value)

    def has_function(self, pin: int, function: int) -> bool:
        """Whether `pin` is switched to alternate function `function`."""
        if self.words.get(MODER, 0) >> 2 * pin & 3 != _ALTERNATE:
            return False
        return self.words.get(AFRL if pin < 8 else AFRH, 0) >> 4 * (pin & 7) & 0xF == function
