"""The value type of everything that can be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

Evidence = Mapping[str, str | int | float | None]


class Severity(StrEnum):
    """How much a finding weighs: an error refuses, a warning and a note do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class ExitCode(IntEnum):
    """Exit codes of the command line (DESIGN 6), also carried by every exception."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    NO_PROBE = 3
    BUSY = 4
    UNREACHABLE = 5
    FLASH = 6
    MISMATCH = 7
    REFUSED = 8
    CONSOLE = 9
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth saying, with what shows it and what to do.

    `code` is stable (`E-REGION0`); `subject` names what it is about (a file, a section, a probe); `evidence`
    holds the values that were read, in reading order; `text` says what happened, `cure` what to do, `not_this` what it
    is not.
    """

    code: str
    severity: Severity
    subject: str
    evidence: Evidence
    text: str
    cure: str
    not_this: str = ""
    exit_code: ExitCode = field(default=ExitCode.REFUSED, compare=False)

    @property
    def is_error(self) -> bool:
        """Whether this finding refuses the work."""
        return self.severity is Severity.ERROR

    def as_dict(self) -> dict[str, object]:
        """The finding as plain data, for events and `--json`."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "subject": self.subject,
            "evidence": dict(self.evidence),
            "text": self.text,
            "cure": self.cure,
            "not_this": self.not_this,
        }
