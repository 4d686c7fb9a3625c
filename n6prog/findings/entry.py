"""One row of the table of findings."""

from __future__ import annotations

from dataclasses import dataclass

from n6prog.findings.model import ExitCode, Severity


@dataclass(frozen=True, slots=True)
class Entry:
    """Texts of one code; `{name}` in them is filled from the evidence, `{subject}` from the subject.

    `text` says what happened, `cure` what to do, `not_this` what it is not; `source` names the failure it stands for.
    """

    severity: Severity
    exit_code: ExitCode
    text: str
    cure: str
    not_this: str = ""
    source: str = ""


def error(exit_code: ExitCode, text: str, cure: str, not_this: str = "", source: str = "") -> Entry:
    """A row that refuses the work."""
    return Entry(Severity.ERROR, exit_code, text, cure, not_this, source)


def warning(text: str, cure: str, not_this: str = "", source: str = "") -> Entry:
    """A row that is said and does not refuse."""
    return Entry(Severity.WARNING, ExitCode.DONE, text, cure, not_this, source)


def note(text: str, cure: str = "", source: str = "") -> Entry:
    """A row worth knowing."""
    return Entry(Severity.NOTE, ExitCode.DONE, text, cure, "", source)
