"""RCC: clock enables and resets with their set and clear twins, ready flags, and the frequencies that follow from them.

Offsets, fields and resets: hw-soc 4 (SVD register dump, CMSIS header, HAL macros).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from n6prog.sim.soc.block import Block

HSI_HZ = 64_000_000
MSI_HZ = 4_000_000
HSE_HZ = 48_000_000

CR, SR, CFGR1, CFGR2, CKPROTR, HSICFGR = 0x000, 0x004, 0x020, 0x024, 0x028, 0x048
RSR = 0x034
CCIPR6 = 0x158
MEMENR = 0x24C
AHB2ENR, AHB3ENR, AHB4ENR, AHB5ENR = 0x254, 0x258, 0x25C, 0x260
APB2ENR, APB4ENR1, APB4ENR2 = 0x26C, 0x274, 0x278
_ENABLE_TO_RESET = 0x40  # xxxRSTR stands 0x40 below xxxENR

_TWINS = frozenset((CR, *range(0x204, 0x2C0, 4)))
_SET, _CLEAR = 0x800, 0x1000
_READ_ONLY = frozenset({SR, CKPROTR})
_RMVF = 1 << 16
SOFT_RESET, PIN_RESET, POWER_RESET = 1 << 24, 1 << 22, 0x00E0_0000


class Rcc(Block):
    """The reset and clock controller. `changed` is called after every write that can open or close a gate."""

    RESET: Mapping[int, int] = {
        CR: 0x0000_0008,
        CFGR2: 0x0010_0000,  # HPRE /2: seen live, the SVD's reset column says 0
        0x030: POWER_RESET,
        RSR: POWER_RESET,
        HSICFGR: 0x8C80_0000,  # seen live
        0x080: 0x0820_2500,
        0x084: 0x0080_0000,
        0x088: 0x4900_000D,
        **{0x090 + 0x10 * n: 0x0800_0000 for n in range(3)},
        **{0x098 + 0x10 * n: 0x4900_0005 for n in range(3)},
        0x0C4: 0x0002_0000,
        0x0C8: 0x0003_0000,
        0x0D8: 0x0003_0000,
        0x0EC: 0x0003_0000,
        0x124: 0x0002_0000,
        0x154: 0x0000_F0F0,
        0x244: 0x0000_0003,
        MEMENR: 0x0000_13FF,
        AHB2ENR: 0x0000_1000,
        AHB3ENR: 0x0000_4600,
        AHB4ENR: 0x0004_0000,
        APB4ENR2: 0x0000_0002,
        0x284: 0x0000_0003,
        0x44C: 0x0006_0000,
    }

    def __init__(self, base: int, changed: Callable[[], None]) -> None:
        super().__init__("RCC", base, 0x2000)
        self._changed = changed

    def load(self, offset: int) -> int:
        """Read; the twins read the register they act on."""
        real = offset & 0x7FF
        if real == SR:
            return self._ready()
        if real == CKPROTR:
            select = self.words.get(CCIPR6, 0)
            return (select >> 8 & 3) << 16 | (select >> 4 & 3) << 20 | (select & 3) << 24
        value = self.words.get(real, 0)
        if real == CFGR1:
            return value & ~0x3030_0000 | (value & 0x0303_0000) << 4
        return value

    def store(self, offset: int, value: int) -> None:
        """Write; offsets from 0x800 set bits, from 0x1000 clear them, where the register has twins."""
        real, twin = offset & 0x7FF, offset & 0x1800
        if real in _READ_ONLY or (twin and real not in _TWINS):
            return
        old = self.words.get(real, 0)
        if real in (0x030, RSR):
            if value & _RMVF:
                self.words[real] = 0
            return
        if twin == _SET:
            value |= old
        elif twin == _CLEAR:
            value = old & ~value
        self.words[real] = value
        if real in _TWINS or real in (CCIPR6, CFGR1, CFGR2):
            self._changed()

    def _ready(self) -> int:
        """Oscillators are ready at once, a PLL when its source runs and its output divider is on."""
        on = self.words.get(CR, 0)
        ready = on & 0x1F
        for pll in range(4):
            if on & 1 << 8 + pll and self._pll_hz(pll):
                ready |= 1 << 8 + pll
        return ready

    # ---- gates ---------------------------------------------------------------------------------------------------

    def enabled(self, register: int, bit: int) -> bool:
        """Whether the clock behind this enable bit runs."""
        return bool(self.words.get(register, 0) >> bit & 1)

    def held(self, register: int, bit: int) -> bool:
        """Whether the block behind this enable bit is held in reset."""
        return bool(self.words.get(register - _ENABLE_TO_RESET, 0) >> bit & 1)

    # ---- frequencies, in hertz; 0 where a clock stands still -------------------------------------------------------

    def _source_hz(self, select: int) -> int:
        on = self.words.get(CR, 0)
        hsi = HSI_HZ >> (self.words.get(HSICFGR, 0) >> 7 & 3)
        return ((hsi, on >> 3 & 1), (MSI_HZ, on >> 2 & 1), (HSE_HZ, on >> 4 & 1), (0, 0))[select][0] * (
            (on >> 3 & 1, on >> 2 & 1, on >> 4 & 1, 0)[select]
        )

    def _pll_hz(self, pll: int) -> int:
        first, third = (self.words.get(0x080 + 0x10 * pll + offset, 0) for offset in (0, 8))
        source = self._source_hz(min(first >> 28 & 7, 3))
        if first >> 27 & 1:
            return source  # bypass
        divm, divn = first >> 20 & 0x3F, first >> 8 & 0xFFF
        out = (third >> 24 & 7) * (third >> 27 & 7)
        if not (third >> 30 & 1 and divm and out):
            return 0
        return source * divn // (divm * out)

    def _ic_hz(self, number: int) -> int:
        if not self.words.get(0x240, 0) >> number - 1 & 1:
            return 0
        config = self.words.get(0x0C4 + 4 * (number - 1), 0)
        return self._pll_hz(config >> 28 & 3) // ((config >> 16 & 0xFF) + 1)

    def hclk5_hz(self) -> int:
        """The AHB5 clock: SYSCLK through HPRE."""
        config = self.words.get(CFGR1, 0)
        select = config >> 24 & 3
        sys_hz = self._ic_hz(2) if select == 3 else self._source_hz(select)
        return sys_hz >> (self.words.get(CFGR2, 0) >> 20 & 7)

    def xspi_hz(self, number: int) -> int:
        """The kernel clock of XSPI1, 2 or 3 (CCIPR6): hclk5, per_ck (HSI), ic3, ic4."""
        select = self.words.get(CCIPR6, 0) >> 4 * (number - 1) & 3
        if select == 0:
            return self.hclk5_hz()
        if select == 1:
            return self._source_hz(0)
        return self._ic_hz(1 + select)

    # ---- resets ----------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """A system reset: back to HSI; the reset flags say what it was."""
        flags = self.words.get(RSR, 0)
        super().reset()
        self.words[RSR] = self.words[0x030] = flags | SOFT_RESET | PIN_RESET
        self._changed()

    def power_reset(self) -> None:
        """Power came on."""
        Block.reset(self)
        self._changed()
