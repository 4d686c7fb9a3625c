"""`n6prog doctor`: what is wrong between this computer and the flash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from n6prog.cli.command import Call, Command
from n6prog.errors import error_for
from n6prog.events import EventType
from n6prog.findings import Severity

if TYPE_CHECKING:
    from n6prog.doctor import Check

_NAME, _VERDICT = 12, 11


def run(call: Call) -> None:
    """Examine the board. Raises what the first error of a check says; warnings leave exit code 0."""
    from n6prog.api import board_for
    from n6prog.doctor import examine
    from n6prog.flows.source import profile

    settings, console = call.settings, call.console
    console.emit(EventType.BEGIN, action="doctor", board=settings.board, connect=settings.connect)
    if settings.dry_run:
        console.say("dry run: no probe was opened")
        return
    found = examine(
        settings.probe,
        board=profile(board_for(settings.probe, settings.board)),
        swd_clock=settings.swd_clock,
        connect=settings.connect,
        wait=settings.wait,
        on_check=lambda check: _tell(call, check),
    )
    console.extra["checks"] = [check.as_dict() for check in found.checks]
    console.extra["swd_clock_hz"] = found.swd_clock_hz
    console.extra["virtual_seconds"] = found.virtual_seconds
    console.extra["findings"] = [item.as_dict() for item in found.findings]
    errors = [item for item in found.findings if item.is_error]
    console.say()
    for item in found.findings:
        if item.severity is Severity.WARNING or (item.severity is Severity.NOTE and settings.verbose):
            console.fault(item)
    if errors:
        raise error_for(errors)
    if all(item.severity is Severity.NOTE for item in found.findings):
        console.say("nothing is wrong; -v tells what is worth knowing" if found.findings else "nothing is wrong")


def _tell(call: Call, check: Check) -> None:
    """One line a check, as soon as it is made; what to do about one that was not made stands below it."""
    for line in lines(check):
        call.console.say(line)


def lines(check: Check) -> list[str]:
    """A check as text."""
    shown = [f"{check.verdict:<{_VERDICT}}  {check.name:<{_NAME}}  {check.says}"]
    if check.advice and not check.findings:
        shown.append(f"{'':<{_VERDICT}}  {'':<{_NAME}}  {check.advice}")
    return shown


COMMAND = Command(
    name="doctor",
    usage="doctor",
    summary="what is wrong between this computer and the flash; changes nothing",
    group="Explain",
    run=run,
    details="Exit code 0: nothing is broken (warnings may be told). Without --connect halt a running program is not "
    "disturbed, and what would disturb it is not checked.",
)
