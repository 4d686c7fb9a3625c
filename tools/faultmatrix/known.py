"""Violations that are known: tools/endurance_known.toml. They are counted and shown, and do not fail a run."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .cases import KINDS
from .workers import Done

RULES = ("loss", "untold")  # what may be known for a while; a corruption never


class ListError(Exception):
    """The list is not as it should be."""


@dataclass(frozen=True)
class Known:
    """Violations of one rule by one kind of fault, and why they are still there."""

    kind: str
    rule: str
    reason: str


def known(path: Path) -> tuple[Known, ...]:
    """The list. Raises ListError."""
    entries = []
    for item in tomllib.loads(path.read_text(encoding="utf-8")).get("known", ()):
        entry = Known(**item)
        if entry.kind not in KINDS or entry.rule not in RULES or not entry.reason:
            raise ListError(f"{entry}: kinds are {', '.join(KINDS)}; rules {', '.join(RULES)}; a reason is needed")
        entries.append(entry)
    return tuple(entries)


def is_new(item: Done, entries: Sequence[Known]) -> bool:
    """Whether a case violates anything that is not on the list."""
    listed = {(entry.kind, entry.rule) for entry in entries}
    return any((item.case.kind, violation.rule) not in listed for violation in item.verdict.violations)


def stale(done: Sequence[Done], entries: Sequence[Known]) -> list[Known]:
    """Entries that no case of a whole matrix needs any more."""
    seen = {(item.case.kind, violation.rule) for item in done for violation in item.verdict.violations}
    return [entry for entry in entries if (entry.kind, entry.rule) not in seen]
