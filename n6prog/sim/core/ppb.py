"""The private peripheral bus at 0xE000_0000: system control space, debug registers, DWT, FPB.

NVIC and SysTick are in files of their own. Register layouts: Armv8-M ARM, chapter D1.2; 0xE001_E000: Cortex-M55 TRM.
What a register has no effect for here is stored and read back (ITM, PMU, trace, SAU); cache maintenance does nothing.
"""

from __future__ import annotations

from typing import Protocol

from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.core import idregs
from n6prog.sim.core.cpu_clock import CpuClock
from n6prog.sim.core.mpu import Mpu
from n6prog.sim.core.nvic import DEBUGMON, SYSTICK, Nvic, serves
from n6prog.sim.core.nvic import ICSR as ICSR_OFFSET
from n6prog.sim.core.systick import SysTick

SCS = 0xE000_E000
ICSR, VTOR, AIRCR, SCR, CCR = SCS + 0xD04, SCS + 0xD08, SCS + 0xD0C, SCS + 0xD10, SCS + 0xD14
SHCSR, CFSR, HFSR, DFSR, MMFAR, BFAR = (SCS + offset for offset in (0xD24, 0xD28, 0xD2C, 0xD30, 0xD34, 0xD38))
CCSIDR, CSSELR, CPACR = SCS + 0xD80, SCS + 0xD84, SCS + 0xD88
FPCCR = SCS + 0xF34
CACHE_FIRST, CACHE_LAST = SCS + 0xF50, SCS + 0xF78  # ICIALLU to BPIALL: write-only
MPU_FIRST, MPU_LAST = SCS + 0xD90, SCS + 0xDC4
DHCSR, DCRSR, DCRDR, DEMCR, DSCSR = (SCS + offset for offset in (0xDF0, 0xDF4, 0xDF8, 0xDFC, 0xE08))
DWT_CTRL, CYCCNT = 0xE000_1000, 0xE000_1004
FP_CTRL, FP_COMP = 0xE000_2000, 0xE000_2008
DWT_COMP, DWT_FUNCTION, DWT_LAST = 0xE000_1020, 0xE000_1028, 0xE000_105C
BREAKPOINTS = 8
WATCHPOINTS = 4

C_DEBUGEN, C_HALT, C_STEP, C_MASKINTS = 1, 2, 4, 8
DFSR_HALTED, DFSR_BKPT, DFSR_DWTTRAP, DFSR_VCATCH = 1, 2, 4, 8
MON_EN, MON_PEND, TRCENA = 1 << 16, 1 << 17, 1 << 24
MATCHED = 1 << 24  # DWT_FUNCTION, cleared by reading it
SLEEPONEXIT, SEVONPEND = 1 << 1, 1 << 4  # SCR
UNALIGN_TRP, DIV_0_TRP = 1 << 3, 1 << 4  # CCR
ASPEN = 1 << 31  # FPCCR

_FUNCTION_ID = 0x0A << 27  # GUESS: each comparator matches instruction and data addresses, none counts cycles
_STOP_AT_INSTRUCTION = 0x12  # ACTION debug event, MATCH instruction address
_WRITE_ONE_CLEARS = {CFSR, HFSR, DFSR}
# The TCM control registers: only the enable bit is written, the size is what SYSCFG gave (SYSCFG_CM55TCMCR at reset).
_TCM_CONTROL = {0xE001_E010, 0xE001_E014}
# What only power-on resets (D1.2: "Cold reset"): the debugger's own set-up.
_SURVIVES = (
    {DEMCR, DWT_CTRL, FP_CTRL}
    | {FP_COMP + 4 * index for index in range(BREAKPOINTS)}
    | set(range(DWT_COMP, DWT_LAST, 4))
)


class DebugState(Protocol):
    """What the registers need from the core that owns them."""

    def debug_status(self) -> int:
        """Bits 16 to 31 of DHCSR, and clears the sticky ones."""
        ...

    def debug_control(self, value: int) -> None:
        """DHCSR was written with the key."""
        ...

    def transfer_register(self, selector: int, *, write: bool) -> None:
        """DCRSR was written."""
        ...

    def follow_soon(self) -> None:
        """Something was written that the core follows before its next instruction block."""
        ...

    def code_rules_changed(self) -> None:
        """What was written decides which instructions trap."""
        ...

    def clear_exceptions(self) -> None:
        """AIRCR.VECTCLRACTIVE was written."""
        ...

    def request_reset(self) -> None:
        """AIRCR.SYSRESETREQ was written."""
        ...


class Ppb:
    """The registers. CYCCNT and SysTick count the cycles of `cpu`."""

    def __init__(self, owner: DebugState, cpu: CpuClock, mpu: Mpu) -> None:
        self._owner = owner
        self._mpu = mpu
        self.cpu = cpu
        self._fixed = idregs.core_words()
        self.words: dict[int, int] = {}
        self._cyccnt = 0  # offset while counting, value while stopped
        self.nvic = Nvic()
        self.systick = SysTick(cpu.cycles, lambda: self.nvic.pend(SYSTICK))
        self.watch_changed = True
        self.dhcsr_control = 0
        self.reset(power=True)

    def reset(self, *, power: bool) -> None:
        """Back to reset values; without `power` the debug set-up stays."""
        kept = {} if power else {address: self.words[address] for address in _SURVIVES if address in self.words}
        self.words = {
            AIRCR: 0xFA05_0000,
            CCR: bootrom.CCR,
            VTOR: bootrom.BASE,
            DWT_CTRL: WATCHPOINTS << 28,
            FP_CTRL: 0x1000_0000 | BREAKPOINTS << 4,
            FPCCR: 0xC000_0000,
            DSCSR: 1 << 16,  # CDS: the core is Secure
            0xE001_E010: 0x3F,  # ITCMCR: 64 KiB, enabled
            0xE001_E014: 0x47,  # DTCMCR: 128 KiB
        } | kept
        self.dhcsr_control = 0 if power else self.dhcsr_control & C_DEBUGEN
        self.nvic.reset()
        self.systick.reset()
        self._mpu.write(0x04, 0)
        self._everything_changed()

    def _everything_changed(self) -> None:
        self.watch_changed = True
        self._owner.follow_soon()
        self._owner.code_rules_changed()

    def read(self, address: int, size: int) -> int:
        """A read of 1, 2 or 4 bytes."""
        word = self._read_word(address & ~3)
        return word >> (8 * (address & 3)) & ((1 << (8 * size)) - 1)

    def write(self, address: int, size: int, value: int) -> None:
        """A write of 1, 2 or 4 bytes."""
        aligned = address & ~3
        if self.nvic.is_priority(address - SCS):
            self.nvic.write_priorities(address - SCS, (value & ((1 << 8 * size) - 1)).to_bytes(size, "little"))
            self._owner.follow_soon()
            return
        if size < 4:
            shift = 8 * (address & 3)
            mask = ((1 << (8 * size)) - 1) << shift
            old = 0 if aligned in _WRITE_ONE_CLEARS or serves(aligned - SCS) else self._read_word(aligned)
            value = (old & ~mask) | (value << shift & mask)
        self._write_word(aligned, value & 0xFFFF_FFFF)

    def _read_word(self, address: int) -> int:
        if address in self._fixed:
            return self._fixed[address]
        offset = address - SCS
        if serves(offset):
            return self._read_nvic(offset)
        if 0x10 <= offset < 0x20:
            return self.systick.read(offset)
        if address == DHCSR:
            return self.dhcsr_control | self._owner.debug_status()
        if MPU_FIRST < address <= MPU_LAST:
            return self._mpu.read(address - MPU_FIRST)
        if address == CYCCNT:
            return self._cycle_count()
        if DWT_COMP <= address < DWT_LAST:
            return self._read_comparator(address)
        if address == CCSIDR:
            return idregs.ICACHE_CCSIDR if self.words.get(CSSELR, 0) & 1 else idregs.DCACHE_CCSIDR
        return self.words.get(address, 0)

    def _write_word(self, address: int, value: int) -> None:
        if address in self._fixed or CACHE_FIRST <= address <= CACHE_LAST:
            return
        offset = address - SCS
        if serves(offset):
            self.nvic.write(offset, value)
            self._owner.follow_soon()
        elif 0x10 <= offset < 0x20:
            self.systick.write(offset, value)
            self._owner.follow_soon()
        elif SCS <= address < SCS + 0x1000:
            self._write_control(address, value)
        elif address in (CYCCNT, DWT_CTRL):
            self._write_counter(address, value)
        elif DWT_COMP <= address < DWT_LAST:
            self._write_comparator(address, value)
        elif FP_CTRL <= address < FP_COMP + 4 * BREAKPOINTS:
            self._write_fpb(address, value)
        elif address in _TCM_CONTROL:
            self.words[address] = (self.words.get(address, 0) & ~1) | (value & 1)
        else:
            self.words[address] = value

    def _write_control(self, address: int, value: int) -> None:
        """The system control block and the debug registers in it."""
        if address == DHCSR:
            if value >> 16 == 0xA05F:
                self._owner.debug_control(value & 0xFFFF)
        elif address == DCRSR:
            self._owner.transfer_register(value & 0x7F, write=bool(value & 1 << 16))
        elif address == AIRCR:
            self._write_aircr(value)
        elif MPU_FIRST < address <= MPU_LAST:
            self._mpu.write(address - MPU_FIRST, value)
            self._owner.follow_soon()
        elif address in _WRITE_ONE_CLEARS:
            self.words[address] = self.words.get(address, 0) & ~value
        elif address == DEMCR:
            self._write_demcr(value)
        elif address == DSCSR:
            self.words[DSCSR] = (value & 3) | 1 << 16
        elif address == VTOR:
            self.words[VTOR] = value & ~0x7F
        else:
            changed = self.words.get(address, 0) ^ value
            self.words[address] = value
            if (address == CPACR and changed) or (address == CCR and changed & (UNALIGN_TRP | DIV_0_TRP)):
                self._owner.code_rules_changed()

    def _write_demcr(self, value: int) -> None:
        self._write_counter(DEMCR, value & ~MON_PEND)
        self.watch_changed = True
        self.nvic.enabled = self.nvic.enabled & ~(1 << DEBUGMON) | bool(value & MON_EN) << DEBUGMON
        self.nvic.pending = self.nvic.pending & ~(1 << DEBUGMON) | bool(value & MON_PEND) << DEBUGMON
        self._owner.follow_soon()

    def _read_nvic(self, offset: int) -> int:
        self.systick.poll()
        self.nvic.sample(self.cpu.now)
        value = self.nvic.read(offset)
        if offset == ICSR_OFFSET and not self.dhcsr_control & C_HALT:
            value &= ~(1 << 23)  # ISRPREEMPT
        return value

    def _read_comparator(self, address: int) -> int:
        value = self.words.get(address, 0)
        if address & 0xF != 8:
            return value
        self.words[address] = value & ~MATCHED
        return value | _FUNCTION_ID

    def _write_comparator(self, address: int, value: int) -> None:
        self.words[address] = value & 0x0000_0C3F if address & 0xF == 8 else value
        self.watch_changed = True
        self._owner.follow_soon()

    @property
    def tracing(self) -> bool:
        """Whether the DWT is on (DEMCR.TRCENA)."""
        return bool(self.words.get(DEMCR, 0) & TRCENA)

    def floating_allowed(self, *, privileged: bool) -> bool:
        """Whether CPACR lets code use the FPU and MVE (fields CP10 and CP11, of which CP10 counts)."""
        access = self.words.get(CPACR, 0) >> 20 & 3
        return access == 3 or (access == 1 and privileged)

    def saves_float(self) -> bool:
        """Whether exception entry stacks floating-point registers that were used (FPCCR.ASPEN)."""
        return bool(self.words.get(FPCCR, 0) & ASPEN)

    def set_bits(self, address: int, bits: int) -> None:
        """Set bits of a status register that software clears."""
        self.words[address] = self.words.get(address, 0) | bits

    def _write_aircr(self, value: int) -> None:
        if value >> 16 != 0x05FA:
            return
        self.words[AIRCR] = 0xFA05_0000 | (value & 0x6700)
        self.nvic.group = value >> 8 & 7
        if value & 2:
            self._owner.clear_exceptions()
        if value & 4:
            self._owner.request_reset()

    def _write_fpb(self, address: int, value: int) -> None:
        if address == FP_CTRL:
            if not value & 2:  # KEY
                return
            self.words[FP_CTRL] = (self.words[FP_CTRL] & ~1) | (value & 1)
        elif address != FP_CTRL + 4:
            self.words[address] = value
        self._owner.follow_soon()

    def breakpoints(self) -> set[int]:
        """Addresses that enabled FPB comparators match (FPBv2: bit 0 enables, bits 31:1 are the address).

        DWT comparators that match an instruction address with a debug event count among them.
        """
        found: set[int] = set()
        if self.words.get(FP_CTRL, 0) & 1:
            values = (self.words.get(FP_COMP + 4 * index, 0) for index in range(BREAKPOINTS))
            found = {value & ~1 for value in values if value & 1}
        if self.tracing:
            for index in range(WATCHPOINTS):
                if self.words.get(DWT_FUNCTION + 16 * index, 0) & 0x3F == _STOP_AT_INSTRUCTION:
                    found.add(self.words.get(DWT_COMP + 16 * index, 0) & ~1)
        return found

    def _counting(self) -> bool:
        return bool(self.words.get(DWT_CTRL, 0) & 1 and self.words.get(DEMCR, 0) & TRCENA)

    def _cycle_count(self) -> int:
        return (self.cpu.cycles() - self._cyccnt if self._counting() else self._cyccnt) & 0xFFFF_FFFF

    def _write_counter(self, address: int, value: int) -> None:
        count = value if address == CYCCNT else self._cycle_count()
        if address == DWT_CTRL:
            self.words[DWT_CTRL] = (self.words[DWT_CTRL] & 0xF000_0000) | (value & 0x0FFF_FFFF)
        elif address == DEMCR:
            self.words[DEMCR] = value
        self._cyccnt = self.cpu.cycles() - count if self._counting() else count

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {
            "words": {str(address): value for address, value in self.words.items()},
            "cpu": self.cpu.snapshot(),
            "cyccnt": self._cyccnt,
            "nvic": self.nvic.snapshot(),
            "systick": self.systick.snapshot(),
            "dhcsr": self.dhcsr_control,
            "mpu": self._mpu.snapshot(),
        }

    def restore(self, state: dict[str, object]) -> None:
        """Take back what `snapshot` gave."""
        words, mpu, nvic, systick, cpu = (state[name] for name in ("words", "mpu", "nvic", "systick", "cpu"))
        assert isinstance(words, dict)
        assert isinstance(mpu, dict)
        assert isinstance(nvic, dict)
        assert isinstance(systick, dict)
        assert isinstance(cpu, dict)
        self.words = {int(address): value for address, value in words.items()}
        self._mpu.restore(mpu)
        self._cyccnt = int(str(state["cyccnt"]))
        self.dhcsr_control = int(str(state["dhcsr"]))
        self.nvic.restore(nvic)
        self.systick.restore(systick)
        self.cpu.restore(cpu)
        self._everything_changed()
