"""Gathering the findings of one file without letting a broken file give a million of them."""

from __future__ import annotations

from collections import Counter

from n6prog.findings import Finding, finding

LIMIT = 20
"""Findings of one code that are told one by one; the rest are counted."""


class Collector:
    """The findings of one file, at most `LIMIT` of each code, with a closing note for the rest."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self._findings: list[Finding] = []
        self._counts: Counter[str] = Counter()

    def add(self, code: str, **evidence: str | int | float | None) -> None:
        """Adds the finding of this code about the file; beyond `LIMIT` it is only counted."""
        self._counts[code] += 1
        if self._counts[code] <= LIMIT:
            self._findings.append(finding(code, self.subject, **evidence))

    @property
    def has_errors(self) -> bool:
        """Whether anything found so far refuses the file."""
        return any(found.is_error for found in self._findings)

    def extend(self, findings: tuple[Finding, ...]) -> None:
        """Adds findings made elsewhere."""
        self._findings.extend(findings)

    def result(self) -> tuple[Finding, ...]:
        """All findings in the order they were met, then one note for each code that had too many."""
        more = [
            finding("N-MORE", self.subject, count=count - LIMIT, what=code)
            for code, count in self._counts.items()
            if count > LIMIT
        ]
        return (*self._findings, *more)
