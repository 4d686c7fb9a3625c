"""What a check gives: a verdict, the values that show it, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from n6prog.findings import Finding, Severity

Value = str | int | float | None
Evidence = Mapping[str, Value]


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    `name`: what was looked at. `says`: what was found, one line; of one that was not made, why. `evidence`: the values
    read, in reading order. `advice`: what to do, "" where there is nothing to. `findings`: what it means, in the words
    of the table.
    """

    name: str
    verdict: Verdict
    says: str
    evidence: Evidence = field(default_factory=dict)
    advice: str = ""
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The check as plain data."""
        return {
            "name": self.name,
            "verdict": str(self.verdict),
            "says": self.says,
            "evidence": dict(self.evidence),
            "advice": self.advice,
            "findings": [found.as_dict() for found in self.findings],
        }


def judged(name: str, says: str, evidence: Evidence, findings: tuple[Finding, ...] = ()) -> Check:
    """A check whose verdict is that of its worst finding; notes leave it ok. Its advice is the findings' cures."""
    severities = {found.severity for found in findings}
    verdict = Verdict.OK
    if Severity.ERROR in severities:
        verdict = Verdict.FAIL
    elif Severity.WARNING in severities:
        verdict = Verdict.WARN
    advice = " ".join(dict.fromkeys(found.cure for found in findings if found.cure))
    return Check(name, verdict, says, evidence, advice, findings)


def not_checked(name: str, why: str, advice: str = "", evidence: Evidence | None = None) -> Check:
    """A check that could not be made, and why."""
    return Check(name, Verdict.NOT_CHECKED, why, evidence or {}, advice)
