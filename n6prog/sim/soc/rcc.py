"""RCC: clock enables and resets with their set and clear twins, ready flags, and the frequencies that follow from them.

Offsets, fields and resets: hw-soc 4 (SVD register dump, CMSIS header, HAL macros).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from n6prog.sim.soc.block import Block

HSI_HZ = 64_000_000
MSI_HZ = 4_000_000
HSE_HZ = 48_000_000

CR, SR, STOPCR, CFGR1, CFGR2, CKPROTR, HSICFGR = 0x000, 0x004, 0x008, 0x020, 0x024, 0x028, 0x048
HWRSR, RSR = 0x030, 0x034
CCIPR6, CCIPR7, DIVENR = 0x158, 0x15C, 0x240
MEMENR = 0x24C
AHB2ENR, AHB3ENR, AHB4ENR, AHB5ENR = 0x254, 0x258, 0x25C, 0x260
APB2ENR, APB4ENR1, APB4ENR2 = 0x26C, 0x274, 0x278
_ENABLE_TO_RESET = 0x40  # xxxRSTR stands 0x40 below xxxENR
LSE_HZ = 32_768
# UART: register and bit of its clock select (CCIPR13, CCIPR14), bit of its bus divider in CFGR2 (CMSIS header)
_UARTS = {"USART1": (0x174, 0, 4), "LPUART1": (0x178, 8, 12)}

# oscillators, resets, enables, and the protection registers (the latter two by their names in the CMSIS header)
_TWINS = frozenset((CR, STOPCR, *range(0x204, 0x2C0, 4), *range(0x780, 0x7D0, 4)))
_SET, _CLEAR = 0x800, 0x1000
_READ_ONLY = frozenset({SR, CKPROTR})
_RMVF = 1 << 16
SOFT_RESET, PIN_RESET, POWER_RESET = 1 << 24, 1 << 22, 0x00E0_0000
_CAUSES = {"system": SOFT_RESET | PIN_RESET, "pin": PIN_RESET, "power": POWER_RESET}
_CPU, _SYS = 16, 24  # CFGR1: where CPUSW and SYSSW stand; their status is 4 bits above
_SWITCHED = {_CPU: (1,), _SYS: (2, 6, 11)}  # the dividers that choice 3 takes
_PER_CK = (19, 5, 10, 15, 20)  # CCIPR7.PERSEL 3 to 7: the divider taken (the order of HAL's names; SINGLE)


class Rcc(Block):
    """The reset and clock controller. `changed` is called after every write that can open or close a gate."""

    RESET: Mapping[int, int] = {
        CR: 0x0000_0008,
        CFGR2: 0x0010_0000,  # HPRE /2: seen live, the SVD's reset column says 0
        HWRSR: POWER_RESET,
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
        self.cause = "power"
        self._source = {_CPU: 0, _SYS: 0}  # the switches as they stand

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
            return value & ~0x3030_0000 | self._source[_CPU] << _CPU + 4 | self._source[_SYS] << _SYS + 4
        return value

    def store(self, offset: int, value: int) -> None:
        """Write; offsets from 0x800 set bits, from 0x1000 clear them, where the register has twins."""
        real, twin = offset & 0x7FF, offset & 0x1800
        if real in _READ_ONLY or (twin and real not in _TWINS):
            return
        old = self.words.get(real, 0)
        if real in (HWRSR, RSR):
            if value & _RMVF:
                self.words[real] = 0
            return
        if twin == _SET:
            value |= old
        elif twin == _CLEAR:
            value = old & ~value
        self.words[real] = value
        self._follow_switches()
        self._changed()

    def _follow_switches(self) -> None:
        """A switch moves once the clock it is told to take runs (ES0620 2.2.24); till then its status stays behind."""
        for switch, dividers in _SWITCHED.items():
            wanted = self.words.get(CFGR1, 0) >> switch & 3
            if all(self._ic_hz(number) for number in dividers) if wanted == 3 else self._source_hz(wanted):
                self._source[switch] = wanted

    def _ready(self) -> int:
        """Oscillators are ready at once, a PLL when its source runs and its output divider is on."""
        ready = self.words.get(CR, 0) & 0x1F
        for pll in range(4):
            if self._pll_on(pll) and self._pll_hz(pll):
                ready |= 1 << 8 + pll
        return ready

    def _pll_on(self, pll: int) -> bool:
        return bool(self.words.get(CR, 0) >> 8 + pll & 1)

    # ---- gates ---------------------------------------------------------------------------------------------------

    def enabled(self, register: int, bit: int) -> bool:
        """Whether the clock behind this enable bit runs."""
        return bool(self.words.get(register, 0) >> bit & 1)

    def held(self, register: int, bit: int) -> bool:
        """Whether the block behind this enable bit is held in reset."""
        return bool(self.words.get(register - _ENABLE_TO_RESET, 0) >> bit & 1)

    # ---- frequencies, in hertz; 0 where a clock stands still -------------------------------------------------------

    def _source_hz(self, select: int) -> int:
        """HSI, MSI or HSE (0, 1, 2)."""
        on = self.words.get(CR, 0)
        if select == 0:
            return HSI_HZ >> (self.words.get(HSICFGR, 0) >> 7 & 3) if on & 8 else 0
        if select == 1:
            return MSI_HZ if on & 4 else 0
        return HSE_HZ if select == 2 and on & 16 else 0

    def _pll_hz(self, pll: int) -> int:
        """The output of PLL `pll` + 1; its fraction (CFGR2) is not counted."""
        first, third = (self.words.get(0x080 + 0x10 * pll + offset, 0) for offset in (0, 8))
        source = self._source_hz(first >> 28 & 7)
        if first >> 27 & 1:
            return source  # bypass
        divm, divn = first >> 20 & 0x3F, first >> 8 & 0xFFF
        out = (third >> 24 & 7) * (third >> 27 & 7)
        if not (third >> 30 & 1 and divm and out and self._pll_on(pll)):
            return 0
        return source * divn // (divm * out)

    def _ic_hz(self, number: int) -> int:
        if not self.words.get(DIVENR, 0) >> number - 1 & 1:
            return 0
        config = self.words.get(0x0C4 + 4 * (number - 1), 0)
        return self._pll_hz(config >> 28 & 3) // ((config >> 16 & 0xFF) + 1)

    def cpu_hz(self) -> int:
        """The core's clock: HSI, MSI, HSE or ic1 (CFGR1.CPUSWS)."""
        source = self._source[_CPU]
        return self._ic_hz(1) if source == 3 else self._source_hz(source)

    def hclk5_hz(self) -> int:
        """The AHB5 clock: SYSCLK through HPRE."""
        source = self._source[_SYS]
        sys_hz = self._ic_hz(2) if source == 3 else self._source_hz(source)
        return sys_hz >> (self.words.get(CFGR2, 0) >> 20 & 7)

    def xspi_hz(self, number: int) -> int:
        """The kernel clock of XSPI1, 2 or 3 (CCIPR6): hclk5, per_ck, ic3, ic4."""
        select = self.words.get(CCIPR6, 0) >> 4 * (number - 1) & 3
        if select == 0:
            return self.hclk5_hz()
        if select == 1:
            return self._per_hz()
        return self._ic_hz(1 + select)

    def _per_hz(self) -> int:
        """per_ck by CCIPR7.PERSEL. MISCENR.PEREN is not asked for (GUESS)."""
        select = self.words.get(CCIPR7, 0) & 7
        return self._source_hz(select) if select < 3 else self._ic_hz(_PER_CK[select - 3])

    def uart_hz(self, name: str) -> int:
        """The kernel clock of USART1 or LPUART1: pclk2 or pclk4, per_ck, ic9, ic14, LSE, MSI, HSI (by HAL)."""
        register, bit, divider = _UARTS[name]
        select = self.words.get(register, 0) >> bit & 7
        if select == 0:
            return self.hclk5_hz() >> (self.words.get(CFGR2, 0) >> divider & 7)
        if select in (2, 3):
            return self._ic_hz(9 if select == 2 else 14)
        if select == 4:
            return LSE_HZ if self.words.get(CR, 0) & 1 else 0
        return self._source_hz(1 if select == 5 else 0)  # per_ck is HSI by default

    # ---- resets ----------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Back to HSI; the flags of RSR and HWRSR add what it was (`cause`), and only power clears the others."""
        flags = self.words.get(RSR, 0), self.words.get(HWRSR, 0)
        super().reset()
        cause = _CAUSES[self.cause]
        self.words[RSR], self.words[HWRSR] = flags[0] | cause, flags[1] | cause
        self._source = {_CPU: 0, _SYS: 0}
        self._changed()

    def power_reset(self) -> None:
        """Power came on."""
        self.words[RSR] = self.words[HWRSR] = 0
        self.cause = "power"
        self.reset()

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {**super().snapshot(), "source": [self._source[_CPU], self._source[_SYS]]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `snapshot` gave."""
        super().restore(state)
        self._source = dict(zip((_CPU, _SYS), state["source"], strict=True))
