"""From a probe's name to a link: the lock, the ways to connect one after another, the clock."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from n6prog.errors import N6ProgError, ProbeBusy, ProbeNotFound, TargetUnreachable
from n6prog.findings import Finding, finding
from n6prog.link import leftover, memory
from n6prog.link.clock import (
    FALLBACK_HZ,
    START_HZ,
    auto_steps,
    format_clock,
    granted_clock,
    is_reliable,
    reference_sample,
    set_clock,
)
from n6prog.link.failures import Attempt, explained, when_connecting
from n6prog.link.find import choose, describe, is_simulated
from n6prog.link.firmware import firmware_trouble
from n6prog.link.holder import in_use
from n6prog.link.link import Link
from n6prog.link.lock import ProbeHeld, ProbeLock
from n6prog.link.session import close_quietly, connect_mode, make_session, same_directory
from n6prog.link.waits import WallClock, clock_of
from n6prog.targets import chip
from n6prog.targets.schema import BoardProfile

Tell = Callable[[str], None]

_RETRY = 0.25
_NEVER_BETTER = ("E-PROBE-AMBIGUOUS", "E-SIM-EXTRA")
_HALT, _UNDER_RESET = "halt", "under-reset"

# What a lower clock, and what a reset through NRST, may mend. The reset starts the boot ROM again: it samples the BOOT
# pins, opens AP1, and ends whatever firmware did to the core, the debug pins and XSPI2.
_MENDED_BY_CLOCK = ("E-NOANSWER", "E-SWD-CLOCK")
_MENDED_BY_RESET = ("E-NOANSWER", "E-AP1-CLOSED", "E-NO-HALT", "E-CONNECT", "E-AP1-DEAD")
# What a reset did not end, only power does.
_WANT_POWER = ("E-NO-HALT", "E-CONNECT")
_POWER_CYCLE = "A reset did not help, only a power cycle can: unplug the board, plug it in again with BOOT1 = 1."
# The failure to tell when several ways failed: the one that saw most of the chip.
_TELLING = ("E-NOANSWER", "E-SWD-CLOCK", "E-CONNECT", "E-NO-HALT", "E-AP1-DEAD", "E-AP1-CLOSED", "E-WRONG-CHIP")


def silent(text: str) -> None:
    """A `Tell` that says nothing."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to connect: pyOCD's connect mode and the SWD clock to begin with, in hertz."""

    mode: str
    hertz: int

    def __str__(self) -> str:
        return f"--connect {self.mode} at {format_clock(self.hertz)}"


@dataclass(slots=True)
class Ways:
    """The ways to connect, one after another.

    `mode`: as asked for; only "auto" goes on to a reset. `swd_clock`: as asked for, None for auto: only then a lower
    one is tried.
    """

    mode: str
    swd_clock: int | None
    failed: list[tuple[Way, TargetUnreachable]] = field(default_factory=list)

    def first(self) -> Way:
        """The least invasive one that lets us work."""
        return Way(connect_mode(self.mode), self.swd_clock or START_HZ)

    def after(self, way: Way, error: TargetUnreachable, *, powered: bool) -> Way | None:
        """What may mend this failure of this way; None where nothing does."""
        self.failed.append((way, error))
        if not powered:
            return None
        if error.code in _MENDED_BY_CLOCK and self.swd_clock is None and way.hertz > FALLBACK_HZ:
            return replace(way, hertz=FALLBACK_HZ)
        if error.code in _MENDED_BY_RESET and self.mode.lower() == "auto" and way.mode != _UNDER_RESET:
            return Way(_UNDER_RESET, self.swd_clock or START_HZ)
        return None

    def error(self) -> TargetUnreachable:
        """The failure to tell, with all that was tried."""
        _, error = max(self.failed, key=lambda item: _TELLING.index(item[1].code) if item[1].code in _TELLING else 99)
        if len(self.failed) == 1:
            return error
        found = error.findings[0]
        tried = "; ".join(f"{way}: {each.code}" for way, each in self.failed)
        if error.code in _WANT_POWER and any(way.mode == _UNDER_RESET for way, _ in self.failed):
            found = replace(found, cure=_POWER_CYCLE)
        return TargetUnreachable([replace(found, evidence={**found.evidence, "tried": tried}), *error.findings[1:]])

    def findings(self, way: Way, probe: str) -> tuple[Finding, ...]:
        """What is to be said of a way that worked after others failed: a reset nobody asked for, a low clock."""
        if not self.failed:
            return ()
        before, error = self.failed[0]
        first = error.findings[0]
        said = []
        if way.mode != before.mode:
            said.append(finding("W-RESET-TO-CONNECT", probe, reason=first.text, failure=first.code))
        if way.hertz < before.hertz:
            said.append(finding("W-SWD-CLOCK", probe, granted=format_clock(way.hertz), reason=first.text))
        return tuple(said)


def open_link(
    probe: str | None = None,
    *,
    board: BoardProfile,
    swd_clock: int | None = None,
    connect: str = "auto",
    wait: float = 0.0,
    reason: str = "n6prog",
    tell: Tell = silent,
    rejoin: bool = False,
) -> Link:
    """Find the probe, connect, and make sure that the link carries data unharmed.

    `probe`: None for the only one, a part of its id, or "sim[:...]". `swd_clock` in hertz, None for auto: 1 MHz, then
    up to 8 MHz (3.3 MHz with probe firmware that is known to hang) while reads of the boot ROM stay equal. `connect`:
    "auto" halts the core, and resets the board where that does not work; "halt", "attach", "under-reset" do only that.
    `wait`: seconds to wait for a probe that is not there, is busy, or whose board does not answer. `reason`: what the
    probe is taken for, told to others who want it. `tell` hears each thing that is tried after a failure. `rejoin`:
    come back to a core that runs our service, and leave it alone; else one that another program left behind is asked to
    end before the core is halted: what is in its RAM only must get back into the flash.

    Raises ProbeNotFound, ProbeBusy, TargetUnreachable, UsageError.
    """
    connect_mode(connect)  # a word that is none is told before anything else
    wall = WallClock()
    end = wall.now() + wait
    told = ""
    while True:
        try:
            return _open(probe, board, Ways("attach" if rejoin else connect, swd_clock), reason, tell, rejoin=rejoin)
        except (ProbeNotFound, ProbeBusy, TargetUnreachable) as exc:
            if wall.now() + _RETRY > end or exc.code in _NEVER_BETTER:
                raise
            if exc.findings[0].text != told:
                told = exc.findings[0].text
                tell(f"{told}; waiting, {wait:g} s at most")
            wall.sleep(_RETRY)


def borrowed_link(session: Any, board: BoardProfile) -> Link:
    """A link over a pyOCD session that somebody else has open, and closes."""
    asked = session.options.get("frequency") or START_HZ
    return Link(session, Attempt(session.probe, board=board), granted_clock(session.probe, asked))


def _open(wanted: str | None, board: BoardProfile, ways: Ways, reason: str, tell: Tell, *, rejoin: bool) -> Link:
    probe = choose(wanted)
    attempt = Attempt(probe, board=board)
    with contextlib.ExitStack() as stack:
        lock = None if is_simulated(wanted) else _lock(attempt, reason)
        if lock is not None:
            stack.callback(lock.release)
        way: Way | None = ways.first()
        while way is not None:
            if is_simulated(wanted):
                attempt.probe.purpose = reason  # its own lock tells it
            try:
                session, clock, findings = _try(attempt, board, way, ways.swd_clock, rejoin=rejoin)
            except TargetUnreachable as exc:
                if exc.code not in _TELLING:
                    raise
                following = ways.after(way, exc, powered=attempt.powered)
                if following is not None:
                    tell(f"{way}: {exc.findings[0].text}. Trying {following}")
                    attempt.probe = choose(wanted)
                way = following
                continue
            stack.pop_all()
            return Link(session, attempt, clock, (*ways.findings(way, attempt.name), *findings), lock)
    raise ways.error() from ways.failed[-1][1]


def _lock(attempt: Attempt, reason: str) -> ProbeLock:
    try:
        return ProbeLock(attempt.probe.unique_id, reason)
    except ProbeHeld as held:
        raise in_use(attempt.name, held.holder) from held


def _try(
    attempt: Attempt, board: BoardProfile, way: Way, swd_clock: int | None, *, rejoin: bool
) -> tuple[Any, int, tuple[Finding, ...]]:
    """Connect one way: the open session, the clock to stay at, and what is to be said.

    The core is halted only once it is known that it runs no service of ours.
    """
    attempt.clocks.append(way.hertz)
    session = _connect(attempt.probe, board, replace(way, mode="attach") if way.mode == _HALT else way, attempt)
    with _closed_on_failure(session, attempt.probe), explained(attempt, "connect"):
        _check_identity(session.target, attempt)
        clock, findings = _settle_clock(session, swd_clock, attempt)
        core = session.target.cores[0]
        if not rejoin and leftover.end(core, clock_of(session.probe)):
            findings += (finding("W-LEFTOVER", attempt.name),)
        if way.mode == _HALT:
            core.halt()
        if way.mode != "attach":
            core.wait_halted()
    return session, clock, findings


def _connect(probe: Any, board: BoardProfile, way: Way, attempt: Attempt) -> Any:
    session = None
    try:
        # This asks an ST-LINK for its board already.
        session = make_session(probe, board, frequency=way.hertz, mode=way.mode)
        with same_directory():
            session.open()
    except Exception as exc:
        error = when_connecting(exc, attempt)
        close_quietly(session, probe)
        if error is None:
            raise
        raise error from exc
    return session


@contextlib.contextmanager
def _closed_on_failure(session: Any, probe: Any) -> Iterator[None]:
    try:
        yield
    except BaseException:
        close_quietly(session, probe)
        raise


def _check_identity(target: Any, attempt: Attempt) -> None:
    with explained(attempt, "identify the chip"):
        idcode = target.read_ap0(chip.AP0_DBGMCU_IDCODE)
    if idcode & 0xFFF != chip.DEV_ID:
        raise TargetUnreachable.of("E-WRONG-CHIP", attempt.name, reason=f"DEV_ID {idcode & 0xFFF:#05x}, not 0x486")


def _settle_clock(session: Any, wanted: int | None, attempt: Attempt) -> tuple[int, tuple[Finding, ...]]:
    """The SWD clock to stay at, granted and tried out, and what is to be said about it."""
    probe, ap = session.probe, session.target.cores[0].ap
    start = attempt.clocks[-1]
    current = granted_clock(probe, start)

    def read(address: int, size: int) -> bytes:
        return memory.read(ap, address, size, current)

    def refused(reason: str) -> N6ProgError:
        return TargetUnreachable.of("E-SWD-CLOCK", attempt.name, clock=format_clock(current), reason=reason)

    with explained(attempt, "read the boot ROM", chip.BOOT_ROM, 256):
        reference = reference_sample(read)
    trouble = "two reads of the boot ROM differ" if reference is None else is_reliable(read, reference)
    if reference is None or trouble:
        raise refused(trouble)
    if wanted is not None or start < START_HZ:
        return current, ()  # asked for, or the only one that answered
    firmware = describe(probe).firmware
    failed = ""
    for step in auto_steps(firmware):
        attempt.clocks.append(step)
        granted = set_clock(probe, step)
        trouble = is_reliable(read, reference)
        if not trouble:
            return granted, _about_firmware(firmware, granted, attempt)
        failed = f"{format_clock(granted)}: {trouble}"
    current = set_clock(probe, start)
    trouble = is_reliable(read, reference)
    if trouble:
        raise refused(trouble)
    return current, (finding("W-SWD-CLOCK", attempt.name, granted=format_clock(current), reason=failed),)


def _about_firmware(firmware: str, granted: int, attempt: Attempt) -> tuple[Finding, ...]:
    if not firmware_trouble(firmware):
        return ()
    return (finding("W-PROBE-HANGS", attempt.name, firmware=firmware, granted=format_clock(granted)),)
