"""The table of findings, gathered from one file a topic, and the way to fill a row in."""

from __future__ import annotations

from n6prog.findings.codes_doctor import DOCTOR
from n6prog.findings.codes_files import FILES
from n6prog.findings.codes_flash import FLASH
from n6prog.findings.codes_placement import PLACEMENT
from n6prog.findings.codes_target import TARGET
from n6prog.findings.codes_usage import USAGE
from n6prog.findings.entry import Entry
from n6prog.findings.model import ExitCode, Finding

TABLE: dict[str, Entry] = {**USAGE, **FILES, **PLACEMENT, **TARGET, **FLASH, **DOCTOR}

__all__ = ["TABLE", "Entry", "ExitCode", "finding"]


def finding(code: str, subject: str = "", **evidence: str | int | float | None) -> Finding:
    """The finding of this code, its texts filled in. Raises KeyError for an unknown code or a missing value."""
    entry = TABLE[code]
    values = {"subject": subject, **evidence}
    return Finding(
        code=code,
        severity=entry.severity,
        subject=subject,
        evidence=evidence,
        text=entry.text.format(**values),
        cure=entry.cure.format(**values),
        not_this=entry.not_this.format(**values),
        exit_code=entry.exit_code,
    )
