"""Running a function of the loader on the core: registers in, resume, wait, result or a decoded fault out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from n6prog.errors import FlashFailure
from n6prog.link.evidence import crash_evidence, fault_name, where_it_is
from n6prog.link.waits import Clock, pauses
from n6prog.targets import chip

# DCRSR register selectors, Armv8-M.
_SP, _LR, _PC, _XPSR, _MSPLIM_S = 13, 14, 15, 16, 28
_WRITE = 1 << 16
_DCRSR, _DCRDR = 0xE000_EDF4, 0xE000_EDF8
_DBGKEY = 0xA05F << 16
_C_DEBUGEN, _C_HALT = 1, 2
_S_REGRDY, _S_HALT, _S_LOCKUP, _S_RESET = 1 << 16, 1 << 17, 1 << 19, 1 << 25
_THUMB = 1 << 24


class CoreCaller:
    """Calls functions on a halted, sanitised core. Raises FlashFailure and pyOCD's errors."""

    def __init__(self, core: Any, clock: Clock) -> None:
        self._core = core
        self._clock = clock
        self._stack: int | None = None  # where SP stands after the last call returned

    def forget(self) -> None:
        """Take the core's registers for unknown: it was halted, reset or cleaned up since the last call."""
        self._stack = None

    def call(
        self, entry: int, args: Sequence[int], *, stack: int, timeout: float, expect: float = 0.0, name: str = ""
    ) -> int:
        """Call `entry` (bit 0 is ignored) with up to four words, the stack pointer at `stack`; gives r0.

        `timeout` and `expect` in seconds of probe time. Raises FlashFailure E-LOADER-FAULT, E-LOADER-TIMEOUT or
        E-CHIP-RESET.
        """
        if len(args) > 4:
            raise ValueError("at most four arguments go in registers")
        name = name or f"{entry & ~1:#010x}"
        registers = [(number, value & 0xFFFF_FFFF) for number, value in enumerate(args)]
        registers += [(_LR, chip.LOADER_BASE | 1), (_PC, entry & ~1)]  # back to the loader's first word, a BKPT
        if self._stack != stack:
            registers += [(_MSPLIM_S, 0), (_SP, stack), (_XPSR, _THUMB)]
        self._stack = None
        self._write_registers(registers)
        self._core.resume()
        self._wait(name, timeout, expect)
        if self._read_register(_PC) != chip.LOADER_BASE:
            raise self._crash(name)
        self._stack = stack
        return self._read_register(0)

    def _wait(self, name: str, timeout: float, expect: float) -> None:
        end = self._clock.now() + timeout
        for pause in pauses(expect):
            self._clock.sleep(min(pause, max(end - self._clock.now(), 0.0)))
            status = self._core.read32(chip.DHCSR)
            if status & _S_HALT:
                return
            if status & _S_LOCKUP:
                self._halt()
                raise self._crash(name)
            if status & _S_RESET:
                raise FlashFailure.of("E-CHIP-RESET", name, DHCSR=f"{status:#010x}")
            if self._clock.now() >= end:
                break
        self._halt()
        evidence = where_it_is(self._core)
        raise FlashFailure.of("E-LOADER-TIMEOUT", name, timeout=timeout, **evidence)

    def _crash(self, name: str) -> FlashFailure:
        evidence = crash_evidence(self._core)
        error = FlashFailure.of("E-LOADER-FAULT", name, fault=fault_name(evidence), **evidence)
        assert isinstance(error, FlashFailure)
        return error

    def _halt(self) -> None:
        self._core.write32(chip.DHCSR, _DBGKEY | _C_DEBUGEN | _C_HALT)
        self._core.wait_halted()

    def _write_registers(self, registers: Sequence[tuple[int, int]]) -> None:
        """No look at S_REGRDY after each: a transfer takes some core cycles, a probe command many microseconds."""
        for number, value in registers:
            self._core.write32(_DCRDR, value)
            self._core.write32(_DCRSR, _WRITE | number)
        if not self._core.read32(chip.DHCSR) & _S_REGRDY:
            from pyocd.core.exceptions import CoreRegisterAccessError

            raise CoreRegisterAccessError("the core does not take register writes")

    def _read_register(self, number: int) -> int:
        self._core.write32(_DCRSR, number)
        return int(self._core.read32(_DCRDR))
