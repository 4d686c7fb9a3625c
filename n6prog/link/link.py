"""The link to one board: a probe, an SWD connection, a chip that answers."""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from n6prog.errors import N6ProgError, TargetUnreachable
from n6prog.findings import Finding, finding
from n6prog.link import memory, wire
from n6prog.link.call import CoreCaller
from n6prog.link.chipinfo import read_chip_info
from n6prog.link.clock import SAMPLE, count_errors, format_clock, set_clock, slower_than
from n6prog.link.failures import Attempt, core_port_closed, explained, tripwire
from n6prog.link.find import describe
from n6prog.link.lock import ProbeLock
from n6prog.link.session import close_quietly, same_directory
from n6prog.link.types import ChipInfo, ProbeInfo
from n6prog.link.waits import clock_of
from n6prog.targets import chip
from n6prog.targets.core_registers import TO_GO_ON

_LOADER_RAM = range(chip.LOADER_BASE, 0x3420_0000)  # AXISRAM1 from the loader's image on, and AXISRAM2
_TRIES = 6  # for one read or write
_MENDED_MOST = 2000  # for one link: then it is none any more
_STEP_DOWN_AFTER = 4


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
        self.target = attempt.target = session.target
        self.swd_clock_hz = clock_hz
        self.findings = findings
        self._attempt = attempt
        self._lock = lock
        self._core = self.target.cores[0]
        self._ap = self._core.ap
        self._clock = clock_of(session.probe)
        self._caller = CoreCaller(self._core, self._clock)
        self._saved: tuple[list[int], int] | None = None
        self._chip: ChipInfo | None = None
        self._prepared = False
        self._foreign = False  # our code has had the core since the last reset
        self._run_on = bool(self.target.was_running)  # whether the core is to run when the link is closed
        self._closed = False
        self._mended = 0  # transfers that failed and were done again

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
            return memory.read(self._ap, address, size, self.swd_clock_hz, progress, self._mender(address))

    def write(self, address: int, data: memory.Buffer) -> None:
        """Write bytes at `address`."""
        with explained(self._attempt, "write", address, len(data)):
            memory.write(self._ap, address, data, self.swd_clock_hz, self._mender(address))

    def read32(self, address: int) -> int:
        """The word at `address`."""
        with explained(self._attempt, "read", address, 4):
            return int(self._ap.read32(address))

    def write32(self, address: int, value: int) -> None:
        """Write a word."""
        with explained(self._attempt, "write", address, 4):
            self._ap.write32(address, value)

    def read_ap0(self, address: int) -> int:
        """A word through AP0, where the debug unit's own registers lie; it answers while AP1 is busy or closed."""
        with explained(self._attempt, "read through AP0", address, 4):
            return int(self.target.read_ap0(address))

    def port_ids(self) -> dict[str, int]:
        """Identities as connecting read them: DPIDR, and the IDR of every access port."""
        dp = self.target.dp.dpidr
        ports = {f"AP{address.nominal_address}_IDR": int(ap.idr) for address, ap in self.target.aps.items()}
        return {"DPIDR": int(dp.idr) if dp else 0, **ports}

    def quality(self, hertz: int, reads: int) -> tuple[int, int]:
        """Read a piece of the boot ROM `reads` times at another SWD clock: (clock granted in hertz, reads that failed).

        The reference is read at the clock the link runs at, which it has again afterwards.
        """
        probe = self.session.probe
        reference = self.read(chip.BOOT_ROM, SAMPLE)
        with explained(self._attempt, "try another clock"):
            granted = set_clock(probe, hertz)
            try:
                return granted, count_errors(
                    lambda at, size: memory.read(self._ap, at, size, granted), reference, reads
                )
            finally:
                set_clock(probe, self.swd_clock_hz)

    # --- a wire that carries badly ---

    def _mender(self, address: int) -> memory.Mend | None:
        """Only the loader's memory answers always: elsewhere a fault is an answer."""
        tries = itertools.count(1)
        return (lambda error: self._mend(error, next(tries))) if address in _LOADER_RAM else None

    def _mend(self, error: Exception, tries: int) -> None:
        """Make the debug port work again after a transfer that failed; a link that often does gets slower."""
        if tries > _TRIES or self._mended > _MENDED_MOST or core_port_closed(self._attempt):
            raise error
        self._mended += 1
        wire.recover(self.target.dp, self.session.probe)
        if self._mended % _STEP_DOWN_AFTER == 0:
            self.step_down(str(error))

    def step_down(self, reason: str) -> None:
        """One SWD clock slower from now on, and a warning that says so once. Nothing where there is no slower one."""
        slower = slower_than(self.swd_clock_hz)
        if slower is None:
            return
        with explained(self._attempt, "set the SWD clock"):
            self.swd_clock_hz = set_clock(self.session.probe, slower)
        said = [found for found in self.findings if found.code != "W-SWD-CLOCK"]
        granted = format_clock(self.swd_clock_hz)
        self.findings = (*said, finding("W-SWD-CLOCK", self._attempt.name, granted=granted, reason=reason))

    # --- the core ---

    @property
    def was_running(self) -> bool:
        """Whether connecting found the core running."""
        return bool(self.target.was_running)

    def core_register(self, name: str) -> int:
        """A register of the halted core, by pyOCD's name for it ("pc", "msplim_s")."""
        with explained(self._attempt, f"read {name}"):
            return int(self._core.read_core_register_raw(name))

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
        self._saved = self._chip = None  # the boot pins may have changed
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
            if not self._core.is_halted():
                self._core.halt()
                self._core.wait_halted()
            if not self._foreign:
                self._saved = (self._core.fast_registers.read_all(TO_GO_ON), self._core.read32(chip.MPU_CTRL))
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
        with explained(self._attempt, f"call {name}".strip()), self._not_to_run_on():
            return self._caller.call(entry, args, stack=stack, timeout=timeout, expect=expect, name=name)

    def start(self, entry: int, *args: int, stack: int, name: str = "") -> None:
        """Let the prepared core run a function of the loader, and come back at once; then ask `returned`.

        Memory may be read and written while it runs. Arguments as for `call`. Raises TargetUnreachable.
        """
        if not self._prepared:
            self.prepare()
        with explained(self._attempt, f"start {name}".strip()):
            self._caller.start(entry, args, stack=stack)

    def returned(self, name: str = "") -> int | None:
        """What the function that was started gave back, as an unsigned word; None while it runs.

        Raises FlashFailure E-LOADER-FAULT, E-CHIP-RESET, with registers as evidence.
        """
        with explained(self._attempt, f"look after {name}".strip()), self._not_to_run_on():
            return self._caller.result(name) if self._caller.returned(name) else None

    def give_up(self, name: str, waited: float) -> N6ProgError:
        """Halt a function that does not come to an end; the FlashFailure E-LOADER-TIMEOUT for it. `waited`: seconds."""
        with explained(self._attempt, "halt"):
            self._prepared = False
            self._saved = None
            return self._caller.stuck(name, waited)

    @contextlib.contextmanager
    def _not_to_run_on(self) -> Iterator[None]:
        """A crash leaves the core in a handler: clean up again before the next call, and never let it run on."""
        try:
            yield
        except N6ProgError:
            self._prepared = False
            self._saved = None
            raise

    # --- who is there ---

    def probe_info(self) -> ProbeInfo:
        """The probe: id, name, firmware, target voltage."""
        with explained(self._attempt, "ask the probe"):
            return describe(self.session.probe)

    def chip_info(self) -> ChipInfo:
        """The chip: identity, cut, boot mode, read once until it is reset. Reads only what answers in every state."""
        if self._chip is None:
            with explained(self._attempt, "identify the chip"):
                self._chip = self._read_chip_info()
        return self._chip

    def _read_chip_info(self) -> ChipInfo:
        """All of it again where a transfer is lost on the way; a fault is an answer."""
        from pyocd.core.exceptions import TransferError, TransferFaultError

        for tries in itertools.count(1):
            try:
                return read_chip_info(self.target, self._ap.read_memory_block32)
            except TransferFaultError:
                raise
            except TransferError as error:
                self._mend(error, tries)
        raise AssertionError("_mend raises in the end")

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
        only where the boot ROM had it: the RAM of firmware was overwritten. A link that is lost by now is noted in the
        log only: what was done over it was told before. Raises FlashFailure E-SIM-TRIPWIRE, UsageError E-SIM-STATE.
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
        except TargetUnreachable as error:
            logging.getLogger("n6prog").warning("the link was lost when it was let go: %s", error)
        finally:
            close_quietly(None, self.session.probe)  # pyOCD leaves it open where libusb's own errors came through
            self._release()
        self.check_tripwire()

    def drop(self) -> None:
        """Let go of a probe that does not work any more, without a word to the chip. Never raises."""
        self._closed = True
        close_quietly(None, self.session.probe)
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def inherit(self, findings: tuple[Finding, ...], reason: str) -> None:
        """Take over what a lost link had to say; `reason`: why it was lost, and this one is slower."""
        granted = format_clock(self.swd_clock_hz)
        kept = [found for found in (*findings, *self.findings) if found.code != "W-SWD-CLOCK"]
        self.findings = (*kept, finding("W-SWD-CLOCK", self._attempt.name, granted=granted, reason=reason))
        self._prepared = self._foreign = True  # our code has the core

    def _give_back(self) -> bool:
        """Registers as they were when the boot ROM owned the core. Tells whether the core may run on."""
        self._core.write32(chip.DEMCR, chip.DEMCR_TRCENA)
        if self._saved is None:
            return False
        values, mpu = self._saved
        pc = values[15]
        if not chip.BOOT_ROM <= pc < chip.BOOT_ROM + chip.BOOT_ROM_SIZE:
            return False
        self._core.fast_registers.write_all(list(zip(TO_GO_ON, values, strict=True)))
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
