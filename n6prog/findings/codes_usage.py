"""Findings about the command line, configuration and n6prog itself."""

from __future__ import annotations

from n6prog.findings.entry import Entry, error, warning
from n6prog.findings.model import ExitCode

USAGE: dict[str, Entry] = {
    "E-USAGE": error(ExitCode.USAGE, "{reason}", "{cure}"),
    "E-NO-FILE": error(
        ExitCode.USAGE, "cannot read {subject}: {reason}", "Check the path; nothing was opened or written."
    ),
    "E-NO-WRITE": error(
        ExitCode.USAGE, "cannot write {subject}: {reason}", "Name another file, or make room for this one."
    ),
    "E-CONFIG": error(
        ExitCode.USAGE, "{subject}: {reason}", "Correct the file; n6prog config shows every setting with its origin."
    ),
    "W-ONE-BOARD": warning(
        "this fits the {fits} and not the {refused}",
        "If yours is the {fits}, all is well; --board {name} says so and ends this.",
    ),
    "W-VARIABLE": warning("{subject} is set and is not a setting", "{hint}"),
    "E-OUTPUT": error(
        ExitCode.INTERNAL,
        "the output could not be written: {reason}",
        "Make room where it goes. The command itself ran to its end.",
    ),
    "E-INTERNAL": error(
        ExitCode.INTERNAL,
        "internal fault: {reason}",
        "This is a defect of n6prog. Run again with --log FILE and report it with that file.",
    ),
    "E-INTERRUPTED": error(ExitCode.INTERRUPTED, "interrupted", "A second run of the same command finishes the job."),
}
