"""Running a function of the loader on the core: registers in, resume, wait, result or a decoded fault out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from n6prog.errors import FlashFailure
from n6prog.link.evidence import crash_evidence, fault_name, where_it_is
from n6prog.link.waits import Clock, pauses
from n6prog.targets import chip, core_registers

_DBGKEY = 0xA05F << 16
_C_DEBUGEN, _C_HALT = 1, 2
_S_HALT, _S_LOCKUP, _S_RESET = 1 << 17, 1 << 19, 1 << 25
_THUMB = 1 << 24


class CoreCaller:
    """Calls functions on a halted, sanitised core. Raises FlashFailure and pyOCD's errors."""

    def __init__(self, core: Any, clock: Clock) -> None:
        self._core = core
        self._clock = clock
        self._stack: int | None = None  # where SP stands after the last call returned
        self._wanted: int | None = None  # and where it will stand when the one that runs returns

    def forget(self) -> None:
        """Take the core's registers for unknown: it was halted, reset or cleaned up since the last call."""
        self._stack = self._wanted = None

    def call(
        self, entry: int, args: Sequence[int], *, stack: int, timeout: float, expect: float = 0.0, name: str = ""
    ) -> int:
        """Call `entry` (bit 0 is ignored) with up to four words, the stack pointer at `stack`; gives r0.

        `timeout` and `expect` in seconds of probe time. Raises FlashFailure E-LOADER-FAULT, E-LOADER-TIMEOUT or
        E-CHIP-RESET.
        """
        name = name or f"{entry & ~1:#010x}"
        self.start(entry, args, stack=stack)
        end = self._clock.now() + timeout
        for pause in pauses(expect):
            self._clock.sleep(min(pause, max(end - self._clock.now(), 0.0)))
            if self.returned(name):
                return self.result(name)
            if self._clock.now() >= end:
                break
        raise self.stuck(name, timeout)

    def start(self, entry: int, args: Sequence[int], *, stack: int) -> None:
        """Let the core run `entry`; it comes back to a breakpoint. Arguments as for `call`."""
        if len(args) > 4:
            raise ValueError("at most four arguments go in registers")
        wanted = [(number, value & 0xFFFF_FFFF) for number, value in enumerate(args)]
        # back to the loader's first word, a BKPT
        wanted += [(core_registers.LR, chip.LOADER_BASE | 1), (core_registers.PC, entry & ~1)]
        if self._stack != stack:
            wanted += [(core_registers.MSPLIM_S, 0), (core_registers.SP, stack), (core_registers.XPSR, _THUMB)]
        self._stack, self._wanted = None, stack
        self._core.fast_registers.write_all(wanted)
        self._core.resume()

    def returned(self, name: str) -> bool:
        """Whether what was started is at its end: the core is halted. Raises E-LOADER-FAULT, E-CHIP-RESET."""
        status = self._core.read32(chip.DHCSR)
        if status & _S_HALT:
            return True
        if status & _S_LOCKUP:
            self._halt()
            raise self._crash(name)
        if status & _S_RESET:
            raise FlashFailure.of("E-CHIP-RESET", name, DHCSR=f"{status:#010x}")
        return False

    def result(self, name: str) -> int:
        """r0 of what has returned. Raises E-LOADER-FAULT where the core halted anywhere else."""
        if self._core.fast_registers.read(core_registers.PC) != chip.LOADER_BASE:
            raise self._crash(name)
        self._stack = self._wanted
        return int(self._core.fast_registers.read(0))

    def stuck(self, name: str, timeout: float) -> FlashFailure:
        """Halt the core, which does not come to an end within `timeout` seconds, and say where it is."""
        self._halt()
        evidence = where_it_is(self._core)
        error = FlashFailure.of("E-LOADER-TIMEOUT", name, timeout=timeout, **evidence)
        assert isinstance(error, FlashFailure)
        return error

    def _crash(self, name: str) -> FlashFailure:
        evidence = crash_evidence(self._core)
        error = FlashFailure.of("E-LOADER-FAULT", name, fault=fault_name(evidence), **evidence)
        assert isinstance(error, FlashFailure)
        return error

    def _halt(self) -> None:
        self._core.write32(chip.DHCSR, _DBGKEY | _C_DEBUGEN | _C_HALT)
        self._core.wait_halted()
