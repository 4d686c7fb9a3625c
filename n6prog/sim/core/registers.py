"""The core's registers by the numbers of DCRSR (Armv8-M ARM D1.2.31)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from unicorn import arm_const as arm

from n6prog.sim.core.engine import Engine
from n6prog.sim.core.raw import Raw

XPSR, MSP, PSP, CFBP = 16, 17, 18, 20
MSP_S, PSP_S, MSPLIM_S, PSPLIM_S = 26, 27, 28, 29
FPSCR, SPECIAL_S, SPECIAL_NS, VPR = 33, 34, 35, 36
NON_SECURE = (24, 25, 30, 31, SPECIAL_NS)  # kept, without effect: development boot runs Secure

_GENERAL = (*(getattr(arm, f"UC_ARM_REG_R{index}") for index in range(13)), arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR)
_SINGLES = tuple(getattr(arm, f"UC_ARM_REG_S{index}") for index in range(32))
_FRAMED = (*_SINGLES[:16], arm.UC_ARM_REG_FPSCR)
_LIMITS = {MSPLIM_S: 0x0A, PSPLIM_S: 0x0B}
ALL = (*range(19), CFBP, *range(24, 32), FPSCR, *range(64, 96))
NAMES = {f"r{index}": index for index in range(13)} | {
    "sp": 13,
    "lr": 14,
    "pc": 15,
    "xpsr": XPSR,
    "msp": MSP,
    "psp": PSP,
    "msplim": MSPLIM_S,
    "psplim": PSPLIM_S,
}


class Registers:
    """Reads and writes core registers; the emulator must be stopped."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.raw = Raw(engine.uc)
        self._other = dict.fromkeys((*NON_SECURE, VPR), 0)
        self._limits: dict[int, int] = {}  # what is known of the stack limits: to ask the emulator is slow

    @contextmanager
    def _privileged(self) -> Iterator[None]:
        """Unicorn hides banked registers from unprivileged code, and from us with it: look from handler mode."""
        uc = self.raw
        if not uc.read(arm.UC_ARM_REG_CONTROL) & 1:
            yield
            return
        xpsr = uc.read(arm.UC_ARM_REG_XPSR)
        uc.write(arm.UC_ARM_REG_XPSR, xpsr | 3)
        try:
            yield
        finally:
            uc.write(arm.UC_ARM_REG_XPSR, xpsr)

    def read(self, number: int) -> int:
        """The register of that DCRSR number; unknown ones read 0."""
        uc = self.raw
        if number < 15:
            return uc.read(_GENERAL[number])
        if number == 15:
            return self._engine.pc
        if number == XPSR:
            return uc.read(arm.UC_ARM_REG_XPSR)
        if number == FPSCR:
            return uc.read(arm.UC_ARM_REG_FPSCR)
        if 64 <= number < 96:
            return uc.read(_SINGLES[number - 64])
        with self._privileged():
            if number in (MSP, MSP_S):
                return uc.read(arm.UC_ARM_REG_MSP)
            if number in (PSP, PSP_S):
                return uc.read(arm.UC_ARM_REG_PSP)
            if number in _LIMITS:
                return self._limit(_LIMITS[number])
            if number in (CFBP, SPECIAL_S):
                return self._special()
        return self._other.get(number, 0)

    def write(self, number: int, value: int) -> None:
        """Set the register of that DCRSR number; unknown ones are ignored."""
        uc = self.raw
        if number < 15:
            uc.write(_GENERAL[number], value & ~3 if number == 13 else value)
        elif number == 15:
            self._engine.pc = value
        elif number == XPSR:
            uc.write(arm.UC_ARM_REG_XPSR, value)
        elif number == FPSCR:
            uc.write(arm.UC_ARM_REG_FPSCR, value)
        elif 64 <= number < 96:
            uc.write(_SINGLES[number - 64], value)
        elif number in (MSP, MSP_S, PSP, PSP_S):
            with self._privileged():
                main = number in (MSP, MSP_S)
                uc.write(arm.UC_ARM_REG_MSP if main else arm.UC_ARM_REG_PSP, value & ~3)
        elif number in _LIMITS:
            with self._privileged():
                self._set_limit(_LIMITS[number], value)
        elif number in (CFBP, SPECIAL_S):
            self._set_special(value)
        elif number in self._other:
            self._other[number] = value

    def read_float(self) -> list[int]:
        """S0 to S15 and FPSCR: what an exception frame holds."""
        return [self.raw.read(register) for register in _FRAMED]

    def write_float(self, values: Sequence[int]) -> None:
        """Set what `read_float` gives."""
        for register, value in zip(_FRAMED, values, strict=True):
            self.raw.write(register, value)

    def forget_limits(self) -> None:
        """Code is about to set a stack limit itself."""
        self._limits.clear()

    def _limit(self, special: int) -> int:
        if special in self._limits:
            return self._limits[special]
        uc = self.raw
        kept = uc.read(arm.UC_ARM_REG_R0)
        self._engine.run_stub(struct.pack("<HH", 0xF3EF, 0x8000 | special))  # MRS r0, xxxLIM
        value = uc.read(arm.UC_ARM_REG_R0)
        uc.write(arm.UC_ARM_REG_R0, kept)
        self._limits[special] = value
        return value

    def _set_limit(self, special: int, value: int) -> None:
        self._limits[special] = value & ~7
        uc = self.raw
        kept = uc.read(arm.UC_ARM_REG_R0)
        uc.write(arm.UC_ARM_REG_R0, value & ~7)
        self._engine.run_stub(struct.pack("<HH", 0xF380, 0x8800 | special))  # MSR xxxLIM, r0
        uc.write(arm.UC_ARM_REG_R0, kept)

    def _special(self) -> int:
        """CONTROL, FAULTMASK, BASEPRI, PRIMASK packed as DCRSR number 20 has them."""
        uc = self.raw
        parts = (arm.UC_ARM_REG_PRIMASK, arm.UC_ARM_REG_BASEPRI, arm.UC_ARM_REG_FAULTMASK, arm.UC_ARM_REG_CONTROL)
        return sum((uc.read(part) & 0xFF) << (8 * index) for index, part in enumerate(parts))

    def _set_special(self, value: int) -> None:
        uc = self.raw
        xpsr = uc.read(arm.UC_ARM_REG_XPSR)
        uc.write(arm.UC_ARM_REG_XPSR, xpsr | 3)
        uc.write(arm.UC_ARM_REG_PRIMASK, value & 1)
        uc.write(arm.UC_ARM_REG_BASEPRI, value >> 8 & 0xFF)
        uc.write(arm.UC_ARM_REG_FAULTMASK, value >> 16 & 1)
        uc.write(arm.UC_ARM_REG_CONTROL, value >> 24 & 0xF)
        uc.write(arm.UC_ARM_REG_XPSR, xpsr)

    def snapshot(self) -> dict[str, int]:
        """All of them, JSON-able."""
        return {str(number): self.read(number) for number in ALL} | {
            str(number): value for number, value in self._other.items()
        }

    def restore(self, state: dict[str, int]) -> None:
        """Take back what `snapshot` gave; stack pointers last, as CONTROL chooses between them."""
        values = {int(number): value for number, value in state.items()}
        late = (XPSR, CFBP, MSP_S, PSP_S)
        for number, value in values.items():
            if number not in (*late, 13, MSP, PSP):
                self.write(number, value)
        for number in late:
            self.write(number, values[number])
