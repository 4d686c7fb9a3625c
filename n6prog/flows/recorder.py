"""The frame of every flow: its event stream, from `begin` to an `end` that always comes, and its Report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from n6prog.errors import N6ProgError
from n6prog.events import Event, EventType, OnEvent
from n6prog.findings import ExitCode, Finding, Severity, finding
from n6prog.flows.diff import Diff
from n6prog.flows.interrupt import Interrupt
from n6prog.flows.report import ByteCounts, PieceReport, Report
from n6prog.nor.geometry import SECTOR

if TYPE_CHECKING:
    from n6prog.flows.connection import Connection


def _at_stake(addresses: Sequence[int]) -> Finding:
    places = ", ".join(f"{address:#010x}" for address in addresses)
    return finding("W-AT-STAKE", address=addresses[0], places=places, size=SECTOR)


class Recorder:
    """Gathers what a flow does and tells it as events. One Recorder serves one run of one flow."""

    def __init__(self, action: str, connection: Connection, on_event: OnEvent, **begin: object) -> None:
        self._action = action
        self._connection = connection
        connection.purpose = action
        connection.tell = self._connecting
        self._on_event = on_event
        self._begin = begin
        self._started = time.monotonic()
        self._virtual_from = connection.virtual_mark
        self._virtual_done: float | None = None
        self._interrupt = Interrupt(lambda: connection.is_simulated)
        self.bytes = ByteCounts()
        self.pieces: tuple[PieceReport, ...] = ()
        self.findings: list[Finding] = []
        self.dry_run = False
        self.estimated_seconds: float | None = None
        self.doubt: tuple[int, int] | None = None  # the first range not known to be good: address, size
        self.at_stake: list[int] = []  # addresses of sectors in work that also hold bytes nobody asked for
        self.diff: Diff | None = None

    def emit(self, kind: EventType, **data: object) -> None:
        """Send one event."""
        self._on_event(Event(kind, data))

    def _connecting(self, text: str) -> None:
        """What is tried because connecting did not work at once."""
        self.emit(EventType.PROGRESS, phase="connect", done=0, total=0, text=text)

    def say(self, findings: Sequence[Finding]) -> None:
        """Keep warnings and notes for the report; warnings become events. What was said before is not repeated."""
        for found in findings:
            if found in self.findings:
                continue
            self.findings.append(found)
            if found.severity is Severity.WARNING:
                self.emit(EventType.WARNING, **found.as_dict())

    def progress(self, phase: str, total: int) -> Callable[[int], None]:
        """A counter for one phase (survey, read, write, erase, verify); call it with the bytes done since last time."""
        done = 0
        self.emit(EventType.PROGRESS, phase=phase, done=0, total=total)

        def step(count: int) -> None:
            nonlocal done
            self._interrupt.check()
            done += count
            self.emit(EventType.PROGRESS, phase=phase, done=done, total=total)

        return step

    def stop_virtual_clock(self) -> None:
        """Fix `virtual_seconds`: what comes now (reset, closing) is not the flow's work."""
        self._virtual_done = self._virtual_seconds()

    def run(self, body: Callable[[], None]) -> Report:
        """Run the flow's body between `begin` and `end`. Gives the Report; lets every exception through after `end`."""
        self.emit(EventType.BEGIN, action=self._action, **self._begin)
        try:
            with self._interrupt:
                body()
                self._interrupt.check()
            self._connection.check_tripwire()
        except N6ProgError as error:
            if self._interrupt.seen:  # what it broke is no finding
                self._interrupted()
                raise KeyboardInterrupt from error
            self.stop_virtual_clock()
            from n6prog.doctor.explain import explained_error

            known = explained_error(error)
            self._connection.settle(known)
            self._failed(known.exit_code, known.code, known.findings)
            if known is not error:
                raise known from error
            raise
        except KeyboardInterrupt:
            self._interrupted()
            raise
        except Exception as error:
            found = finding("E-INTERNAL", reason=f"{type(error).__name__}: {error}")
            self._failed(ExitCode.INTERNAL, found.code, (found,))
            raise
        self.say(self._connection.findings)
        report = self._report(ExitCode.DONE, None)
        self.emit(EventType.END, **report.as_dict())
        return report

    def _interrupted(self) -> None:
        """Halt the core, let the probe go, tell it."""
        found = finding("E-INTERRUPTED")
        self.stop_virtual_clock()
        try:
            if self._connection.abort():
                self.at_stake.clear()  # what was begun is finished
        finally:
            self._failed(ExitCode.INTERRUPTED, found.code, (found,))

    def _failed(self, exit_code: ExitCode, code: str, findings: Sequence[Finding]) -> None:
        """Tell the findings of an exception, then `end`."""
        self.say(self._connection.findings)
        for found in findings:
            if found.is_error:
                self.findings.append(found)
                self.emit(EventType.ERROR, **found.as_dict())
        self.say([found for found in findings if not found.is_error])
        if self.at_stake:
            self.say([_at_stake(self.at_stake)])
        if self.doubt is not None:
            self.say([finding("W-DOUBT", start=self.doubt[0], size=self.doubt[1])])
        self.emit(EventType.END, **self._report(exit_code, code).as_dict())

    def _virtual_seconds(self) -> float | None:
        now = self._connection.virtual_mark
        if now is None:
            return None
        return now - (self._virtual_from or 0.0)

    def _report(self, exit_code: ExitCode, code: str | None) -> Report:
        virtual = self._virtual_done if self._virtual_done is not None else self._virtual_seconds()
        return Report(
            ok=exit_code is ExitCode.DONE,
            exit_code=exit_code,
            pieces=self.pieces,
            bytes=self.bytes,
            seconds=time.monotonic() - self._started,
            virtual_seconds=virtual,
            swd_clock_hz=self._connection.swd_clock_hz,
            findings=tuple(self.findings),
            code=code,
            dry_run=self.dry_run,
            estimated_seconds=self.estimated_seconds,
            doubt=None if exit_code is ExitCode.DONE else self.doubt,
            diff=self.diff,
        )
