"""`n6prog doctor`: what is wrong between this computer and the flash."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from n6prog.cli import text
from n6prog.cli.arguments import writable
from n6prog.cli.command import Call, Command
from n6prog.errors import error_for
from n6prog.events import EventType
from n6prog.findings import Severity

if TYPE_CHECKING:
    from n6prog.doctor import Check, Examination

_NAME, _VERDICT = 12, 11


def run(call: Call) -> None:
    """Examine the board. Raises what the first error of a check says; warnings leave exit code 0."""
    settings, console = call.settings, call.console
    path = writable(settings.report) if settings.report else None
    console.emit(EventType.BEGIN, action="doctor", board=settings.board, connect=settings.connect)
    if settings.dry_run:
        console.say("dry run: no probe was opened")
        return
    told: list[str] = []
    with _kept_log(wanted=path is not None) as log:
        found = _examine(call, told)
    console.extra["checks"] = [check.as_dict() for check in found.checks]
    console.extra["swd_clock_hz"] = found.swd_clock_hz
    console.extra["virtual_seconds"] = found.virtual_seconds
    console.extra["findings"] = [item.as_dict() for item in found.findings]
    if path is not None:
        from n6prog.doctor import write_report

        told += [line for item in found.findings for line in text.finding_lines(item)]
        kept = {name: value for name, value in asdict(settings).items() if name not in ("origins", "file")}
        write_report(path, found, told, log.getvalue(), kept)
        console.say(f"all of it is in {path}")
    _conclude(call, found)


def _examine(call: Call, told: list[str]) -> Examination:
    from n6prog.api import board_for
    from n6prog.doctor import examine
    from n6prog.flows.source import profile

    settings = call.settings

    def tell(check: Check) -> None:
        for line in lines(check):
            told.append(line)
            call.console.say(line)

    return examine(
        settings.probe,
        board=profile(board_for(settings.probe, settings.board)),
        swd_clock=settings.swd_clock,
        connect=settings.connect,
        wait=settings.wait,
        on_check=tell,
    )


def _conclude(call: Call, found: Examination) -> None:
    """The findings in full: warnings, with `-v` notes too, and at last the errors, which end the command."""
    console = call.console
    shown = (Severity.WARNING, Severity.NOTE) if call.settings.verbose else (Severity.WARNING,)
    for item in found.findings:
        if item.severity in shown:
            console.fault(item)
    errors = [item for item in found.findings if item.is_error]
    if errors:
        raise error_for(errors)
    if all(item.severity is Severity.NOTE for item in found.findings):
        console.say("nothing is wrong; -v tells what is worth knowing" if found.findings else "nothing is wrong")


def lines(check: Check) -> list[str]:
    """A check as text; below one that was not made stands what to do about that."""
    shown = [f"{check.verdict:<{_VERDICT}}  {check.name:<{_NAME}}  {check.says}"]
    if check.advice and not check.findings:
        shown.append(f"{'':<{_VERDICT}}  {'':<{_NAME}}  {check.advice}")
    return shown


@contextlib.contextmanager
def _kept_log(*, wanted: bool) -> Iterator[io.StringIO]:
    """Everything that is logged meanwhile, as text; nothing where it is not wanted."""
    kept = io.StringIO()
    root = logging.getLogger()
    before = root.level
    handler = logging.StreamHandler(kept)
    handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S"))
    if wanted:
        root.setLevel(logging.DEBUG)
        root.addHandler(handler)
    try:
        yield kept
    finally:
        root.setLevel(before)
        root.removeHandler(handler)


COMMAND = Command(
    name="doctor",
    usage="doctor",
    summary="what is wrong between this computer and the flash; changes nothing",
    group="Explain",
    run=run,
    settings=("report",),
    details="Exit code 0: nothing is broken (warnings may be told). Without --connect halt a running program is not "
    "disturbed, and what would disturb it is not checked.",
)
