"""The link to one board: a probe, an SWD connection, a chip that answers."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from n6prog.errors import N6ProgError
from n6prog.findings import Finding
from n6prog.link import memory
from n6prog.link.call import CoreCaller
from n6prog.link.chipinfo import read_chip_info
from n6prog.link.failures import Attempt, explained, tripwire
from n6prog.link.find import describe
from n6prog.link.lock import ProbeLock
from n6prog.link.session import same_directory
from n6prog.link.types import ChipInfo, ProbeInfo
from n6prog.link.waits import clock_of
from n6prog.targets import chip


class Link:
    """A connection to a board. Made by `open_link`; a context manager.

    Addresses are those the core sees. All methods raise N6ProgError with findings. `swd_clock_hz` is the clock the
    probe granted; `findings` are warnings from connecting.
    """

    def __init__(
        self,
        session: Any,
        attempt: Attempt,
        clock_hz: int,
        findings: tuple[Finding, ...] = (),
        lock: ProbeLock | None = None,
    ) -> None:
        self.session = session
        self.target = session.target
        self.swd_clock_hz = clock_hz
        self.findings = findings
        self._attempt = attempt
        self._lock = lock
        self._core = self.target.cores[0]
        self._ap = self._core.ap
        self._clock = clock_of(session.probe)
        self._caller = CoreCaller(self._core, self._clock)
        self._saved: tuple[list[int | str], list[int], int] | None = None
        self._prepared = False
        self._foreign = False  # our code has had the core since the last reset
        self._run_on = bool(self.target.was_running)  # whether the core is to run when the link is closed
        self._closed = False

    # --- time ---

    @property
    def is_simulated(self) -> bool:
        """Whether the probe is the simulated board's."""
        return hasattr(self.session.probe, "virtual_clock")

    def now(self) -> float:
        """The time by the probe's clock, in seconds; only differences mean anything."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Let time pass: virtual on the simulator."""
        self._clock.sleep(seconds)

    def virtual_seconds(self) -> float | None:
        """The simulated board's time in seconds since power came on, or None on a real one."""
        return self._clock.now() if self.is_simulated else None

    # --- memory ---

    def read(self, address: int, size: int, progress: Callable[[int], None] | None = None) -> bytes:
        """`size` bytes from `address`; `progress` is told how many are there."""
        with explained(self._attempt, "read", address, size):
            return memory.read(self._ap, address, size, self.swd_clock_hz, progress)

    def write(self, address: int, data: memory.Buffer) -> None:
        """Write bytes at `address`."""
        with explained(self._attempt, "write", address, len(data)):
            memory.write(self._ap, address, data, self.swd_clock_hz)

    def read32(self, address: int) -> int:
        """The word at `address`."""
        with explained(self._attempt, "read", address, 4):
            return int(self._ap.read32(address))

    def write32(self, address: int, value: int) -> None:
        """Write a word."""
        with explained(self._attempt, "write", address, 4):
            self._ap.write32(address, value)

    # --- the core ---

    def halt(self) -> None:
        """Halt the core."""
        with explained(self._attempt, "halt"):
            self._core.halt()
            self._core.wait_halted()
        self._run_on = False

    def resume(self) -> None:
        """Let the core run."""
        with explained(self._attempt, "resume"):
            self._core.resume()
        self._run_on = True

    def reset(self, kind: str = "system", *, halt: bool = False) -> None:
        """Reset by "system" (SYSRESETREQ), "pin" (NRST) or "core" (registers only, the boot ROM does not run).

        Returns when the boot ROM has opened AP1 again; raises TargetUnreachable E-AP1-CLOSED when it does not, which
        is what flash boot looks like.
        """
        from pyocd.core.target import Target

        kinds = {
            "system": Target.ResetType.SYSTEM,
            "pin": Target.ResetType.HARDWARE,
            "core": Target.ResetType.EMULATED,
        }
        self._saved = None
        self._prepared = self._foreign = False
        self._run_on = not halt
        with explained(self._attempt, "reset"):
            if halt:
                self._core.reset_and_halt(kinds[kind])
            else:
                self._core.reset(kinds[kind])

    def prepare(self) -> None:
        """Halt the core and clear what would make foreign code fault; faults from now on halt the core at once."""
        with explained(self._attempt, "prepare"):
            self._core.halt()
            self._core.wait_halted()
            if not self._foreign:
                names: list[int | str] = [*range(17), "msplim_s", "psplim_s", "cfbp"]
                self._saved = (names, self._core.read_core_registers_raw(names), self._core.read32(chip.MPU_CTRL))
            self._core.sanitise(mask_interrupts=True)
            demcr = self._core.read32(chip.DEMCR)
            self._core.write32(chip.DEMCR, demcr | chip.DEMCR_TRCENA | chip.DEMCR_VC_FAULTS)
            self._caller.forget()
            self._prepared = self._foreign = True

    def call(self, entry: int, *args: int, stack: int, timeout: float, expect: float = 0.0, name: str = "") -> int:
        """Call a function of the loader on the prepared core; gives r0 as an unsigned word.

        `stack` is the initial stack pointer; `timeout` and `expect` (how long it should take: the first poll comes
        then) in seconds. Raises FlashFailure E-LOADER-FAULT, E-LOADER-TIMEOUT, E-CHIP-RESET, registers as evidence.
        """
        if not self._prepared:
            self.prepare()
        with explained(self._attempt, f"call {name}".strip()):
            try:
                return self._caller.call(entry, args, stack=stack, timeout=timeout, expect=expect, name=name)
            except N6ProgError:
                # A crash leaves the core in a handler: clean up again before the next call, and never let it run on.
                self._prepared = False
                self._saved = None
                raise

    # --- who is there ---

    def probe_info(self) -> ProbeInfo:
        """The probe: id, name, firmware, target voltage."""
        with explained(self._attempt, "ask the probe"):
            return describe(self.session.probe)

    def chip_info(self) -> ChipInfo:
        """The chip: identity, cut, boot mode. Reads only what answers in every state."""
        with explained(self._attempt, "identify the chip"):
            return read_chip_info(self.target, self._ap.read32)

    # --- the end ---

    def check_tripwire(self) -> None:
        """Raise FlashFailure E-SIM-TRIPWIRE for what the simulated board caught and nobody was told yet.

        pyOCD drops some probe errors, those of closing among them, so the probe is asked.
        """
        caught = getattr(self.session.probe, "violations", ())
        fresh = [text for text in caught if text not in self._attempt.tripped]
        if fresh:
            raise tripwire(fresh, self._attempt)

    def close(self) -> None:
        """Let the probe go.

        The core is left as it was found, or as the last `halt`, `resume` or `reset` said. After `prepare` it runs on
        only where the boot ROM had it: the RAM of firmware was overwritten. Raises FlashFailure E-SIM-TRIPWIRE.
        """
        if self._closed:
            return
        self._closed = True
        from pyocd.core import exceptions

        resume = self._run_on
        try:
            if self._foreign and resume:
                resume = self._give_back()
        except (exceptions.Error, OSError):  # OSError: pyOCD's CMSIS-DAP driver lets libusb's through
            resume = False
        self.session.options.set("resume_on_disconnect", resume)
        try:
            with explained(self._attempt, "close"), same_directory():
                self.session.close()
        finally:
            if self._lock is not None:
                self._lock.release()
        self.check_tripwire()

    def _give_back(self) -> bool:
        """Registers as they were when the boot ROM owned the core. Tells whether the core may run on."""
        self._core.write32(chip.DEMCR, chip.DEMCR_TRCENA)
        if self._saved is None:
            return False
        names, values, mpu = self._saved
        pc = values[15]
        if not chip.BOOT_ROM <= pc < chip.BOOT_ROM + chip.BOOT_ROM_SIZE:
            return False
        self._core.write_core_registers_raw(names, values)
        self._core.write32(chip.MPU_CTRL, mpu)
        return True

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except N6ProgError:
            if error is None:
                raise
