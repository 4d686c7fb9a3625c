"""The private peripheral bus at 0xE000_0000: system control space, debug registers, DWT, FPB, NVIC storage, SysTick.

Register layouts: Armv8-M ARM, chapter D1.2. What a register has no effect for here is stored and read back.
"""

from __future__ import annotations

from typing import Protocol

from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.clock import Timeline
from n6prog.sim.core import idregs
from n6prog.sim.core.mpu import Mpu

SCS = 0xE000_E000
SYST_CSR, SYST_RVR, SYST_CVR = SCS + 0x10, SCS + 0x14, SCS + 0x18
ICSR, VTOR, AIRCR, SCR, CCR = SCS + 0xD04, SCS + 0xD08, SCS + 0xD0C, SCS + 0xD10, SCS + 0xD14
SHCSR, CFSR, HFSR, DFSR, MMFAR, BFAR = (SCS + offset for offset in (0xD24, 0xD28, 0xD2C, 0xD30, 0xD34, 0xD38))
CCSIDR, CSSELR = SCS + 0xD80, SCS + 0xD84
MPU_FIRST, MPU_LAST = SCS + 0xD90, SCS + 0xDC4
DHCSR, DCRSR, DCRDR, DEMCR, DSCSR = (SCS + offset for offset in (0xDF0, 0xDF4, 0xDF8, 0xDFC, 0xE08))
DWT_CTRL, CYCCNT = 0xE000_1000, 0xE000_1004
FP_CTRL, FP_COMP = 0xE000_2000, 0xE000_2008
BREAKPOINTS = 8
WATCHPOINTS = 4

C_DEBUGEN, C_HALT, C_STEP = 1, 2, 4
DFSR_HALTED, DFSR_BKPT, DFSR_VCATCH = 1, 2, 8
VC_CORERESET, VC_HARDERR, TRCENA = 1, 1 << 10, 1 << 24

_WRITE_ONE_CLEARS = {CFSR, HFSR, DFSR}
# Set and clear pairs of the NVIC share one state: enable, pending.
_NVIC_SET = {SCS + 0x100 + 4 * index: SCS + 0x100 + 4 * index for index in range(16)} | {
    SCS + 0x200 + 4 * index: SCS + 0x200 + 4 * index for index in range(16)
}
_NVIC_CLEAR = {address + 0x80: address for address in _NVIC_SET}
# What only power-on resets (D1.2: "Cold reset"): the debugger's own set-up.
_SURVIVES = {DEMCR, DWT_CTRL, FP_CTRL} | {FP_COMP + 4 * index for index in range(BREAKPOINTS)}


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

    def breakpoints_changed(self) -> None:
        """FPB was written."""
        ...

    def mpu_written(self) -> None:
        """An MPU register was written."""
        ...

    def request_reset(self) -> None:
        """AIRCR.SYSRESETREQ was written."""
        ...


class Ppb:
    """The registers. `clock` is the core's own; CYCCNT and SysTick count its cycles."""

    def __init__(self, owner: DebugState, clock: Timeline, mpu: Mpu, cpu_hz: int) -> None:
        self._owner = owner
        self._clock = clock
        self._mpu = mpu
        self._mhz = cpu_hz // 1_000_000
        self._fixed = idregs.core_words()
        self.words: dict[int, int] = {}
        self.idle = 0  # picoseconds that the core clock moved while the core was halted: not counted as cycles
        self._cyccnt = 0  # offset while counting, value while stopped
        self._systick = 0  # cycle at which SysTick was last reloaded
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
            SCS + 0xF34: 0xC000_0000,  # FPCCR
            DSCSR: 1 << 16,  # CDS: the core is Secure
            0xE001_E010: 0x3F,  # ITCMCR: 64 KiB, enabled
            0xE001_E014: 0x47,  # DTCMCR: 128 KiB
        } | kept
        self.dhcsr_control = 0 if power else self.dhcsr_control & C_DEBUGEN
        self._mpu.write(0x04, 0)
        self._owner.mpu_written()
        self._owner.breakpoints_changed()

    def read(self, address: int, size: int) -> int:
        """A read of 1, 2 or 4 bytes."""
        word = self._read_word(address & ~3)
        return word >> (8 * (address & 3)) & ((1 << (8 * size)) - 1)

    def write(self, address: int, size: int, value: int) -> None:
        """A write of 1, 2 or 4 bytes."""
        aligned = address & ~3
        if size < 4:
            shift = 8 * (address & 3)
            mask = ((1 << (8 * size)) - 1) << shift
            old = 0 if aligned in _WRITE_ONE_CLEARS else self._read_word(aligned)
            value = (old & ~mask) | (value << shift & mask)
        self._write_word(aligned, value & 0xFFFF_FFFF)

    def _read_word(self, address: int) -> int:
        if address in self._fixed:
            return self._fixed[address]
        if address == DHCSR:
            return self.dhcsr_control | self._owner.debug_status()
        if MPU_FIRST < address <= MPU_LAST:
            return self._mpu.read(address - MPU_FIRST)
        if address == CYCCNT:
            return self._cycle_count()
        if address in (SYST_CSR, SYST_CVR):
            return self._read_systick(address)
        if address == CCSIDR:
            return idregs.ICACHE_CCSIDR if self.words.get(CSSELR, 0) & 1 else idregs.DCACHE_CCSIDR
        return self.words.get(_NVIC_CLEAR.get(address, address), 0)

    def _write_word(self, address: int, value: int) -> None:
        if address in self._fixed:
            return
        if address == DHCSR:
            if value >> 16 == 0xA05F:
                self._owner.debug_control(value & 0xFFFF)
        elif address == DCRSR:
            self._owner.transfer_register(value & 0x7F, write=bool(value & 1 << 16))
        elif address == AIRCR:
            self._write_aircr(value)
        elif MPU_FIRST < address <= MPU_LAST:
            self._mpu.write(address - MPU_FIRST, value)
            self._owner.mpu_written()
        elif address in _WRITE_ONE_CLEARS:
            self.words[address] = self.words.get(address, 0) & ~value
        elif address in _NVIC_SET:
            self.words[address] = self.words.get(address, 0) | value
        elif address in _NVIC_CLEAR:
            self.words[_NVIC_CLEAR[address]] = self.words.get(_NVIC_CLEAR[address], 0) & ~value
        elif address in (CYCCNT, DWT_CTRL, DEMCR):
            self._write_counter(address, value)
        elif address in (SYST_CSR, SYST_RVR, SYST_CVR):
            self._write_systick(address, value)
        elif FP_CTRL <= address < FP_COMP + 4 * BREAKPOINTS:
            self._write_fpb(address, value)
        elif address == DSCSR:
            self.words[DSCSR] = (value & 3) | 1 << 16
        else:
            self.words[address] = value

    def _write_aircr(self, value: int) -> None:
        if value >> 16 != 0x05FA:
            return
        self.words[AIRCR] = 0xFA05_0000 | (value & 0x6700)
        if value & 4:
            self._owner.request_reset()

    def _write_fpb(self, address: int, value: int) -> None:
        if address == FP_CTRL:
            if not value & 2:  # KEY
                return
            self.words[FP_CTRL] = (self.words[FP_CTRL] & ~1) | (value & 1)
        elif address != FP_CTRL + 4:
            self.words[address] = value
        self._owner.breakpoints_changed()

    def breakpoints(self) -> set[int]:
        """Addresses that enabled FPB comparators match (FPBv2: bit 0 enables, bits 31:1 are the address)."""
        if not self.words.get(FP_CTRL, 0) & 1:
            return set()
        values = (self.words.get(FP_COMP + 4 * index, 0) for index in range(BREAKPOINTS))
        return {value & ~1 for value in values if value & 1}

    def _cycles(self) -> int:
        return (self._clock.now - self.idle) * self._mhz // 1_000_000

    def _counting(self) -> bool:
        return bool(self.words.get(DWT_CTRL, 0) & 1 and self.words.get(DEMCR, 0) & TRCENA)

    def _cycle_count(self) -> int:
        return (self._cycles() - self._cyccnt if self._counting() else self._cyccnt) & 0xFFFF_FFFF

    def _write_counter(self, address: int, value: int) -> None:
        count = value if address == CYCCNT else self._cycle_count()
        if address == DWT_CTRL:
            self.words[DWT_CTRL] = (self.words[DWT_CTRL] & 0xF000_0000) | (value & 0x0FFF_FFFF)
        elif address == DEMCR:
            self.words[DEMCR] = value
        self._cyccnt = self._cycles() - count if self._counting() else count

    def _read_systick(self, address: int) -> int:
        control, reload = self.words.get(SYST_CSR, 0), self.words.get(SYST_RVR, 0)
        if not control & 1 or not reload:
            return control if address == SYST_CSR else self.words.get(SYST_CVR, 0)
        elapsed = self._cycles() - self._systick
        if address == SYST_CVR:
            return reload - elapsed % (reload + 1)
        if elapsed <= reload:
            return control
        self._systick += elapsed // (reload + 1) * (reload + 1)
        return control | 1 << 16  # COUNTFLAG, cleared by reading

    def _write_systick(self, address: int, value: int) -> None:
        self.words[address] = value & (0x7 if address == SYST_CSR else 0xFF_FFFF)
        if address != SYST_RVR:
            self._systick = self._cycles()
        if address == SYST_CVR:
            self.words[SYST_CVR] = 0

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {
            "words": {str(address): value for address, value in self.words.items()},
            "idle": self.idle,
            "cyccnt": self._cyccnt,
            "systick": self._systick,
            "dhcsr": self.dhcsr_control,
            "mpu": self._mpu.snapshot(),
        }

    def restore(self, state: dict[str, object]) -> None:
        """Take back what `snapshot` gave."""
        words, mpu = state["words"], state["mpu"]
        assert isinstance(words, dict)
        assert isinstance(mpu, dict)
        self.words = {int(address): value for address, value in words.items()}
        self._mpu.restore(mpu)
        self.idle, self._cyccnt = int(str(state["idle"])), int(str(state["cyccnt"]))
        self._systick, self.dhcsr_control = int(str(state["systick"])), int(str(state["dhcsr"]))
        self._owner.mpu_written()
        self._owner.breakpoints_changed()
