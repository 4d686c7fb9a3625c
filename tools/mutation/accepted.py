"""The lists beside this tool: survivors that are accepted, and mutants made by hand."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from mutation.operators import Mutant


class ListError(Exception):
    """A list is wrong: a field is missing, or it speaks of code that is not there any more."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that may live. `equivalent`: it changes nothing that anybody could see, so it does not count at all."""

    module: str
    function: str
    line: str
    change: str
    reason: str
    equivalent: bool = False

    def is_(self, mutant: Mutant) -> bool:
        """Whether this entry speaks of that mutant ("*" as change: of every one of the line)."""
        return (self.module, self.function, self.line) == (mutant.module, mutant.function, mutant.line) and (
            self.change in ("*", mutant.change)
        )


@dataclass(frozen=True, slots=True)
class HandMade:
    """A mistake somebody could make, as a replacement of text that stands exactly once in its module."""

    name: str
    module: str
    old: str
    new: str

    def apply(self, source: str) -> str:
        """The module with the mistake. Raises ListError when the text is not there exactly once."""
        count = source.count(self.old)
        if count != 1 or self.old == self.new:
            raise ListError(f"{self.name}: its old text stands {count} times in {self.module}; it must stand once")
        return source.replace(self.old, self.new)

    def lines(self, source: str) -> range:
        """The lines that are replaced."""
        first = source[: source.index(self.old)].count("\n") + 1
        return range(first, first + self.old.count("\n") + 1)


def survivors(path: Path) -> list[Survivor]:
    """The accepted survivors. Raises ListError on an entry without a reason."""
    if not path.exists():
        return []
    try:
        entries = [Survivor(**entry) for entry in tomllib.loads(path.read_text()).get("survivor", [])]
    except (TypeError, tomllib.TOMLDecodeError) as error:
        raise ListError(f"{path.name}: {error}") from None
    for entry in entries:
        if not entry.reason.strip():
            raise ListError(f"{path.name}: {entry.module} {entry.function}: {entry.line!r} has no reason")
    return entries


def hand_made(path: Path) -> list[HandMade]:
    """The mutants made by hand, names unique."""
    try:
        entries = [HandMade(**entry) for entry in tomllib.loads(path.read_text())["mutant"]]
    except (TypeError, KeyError, tomllib.TOMLDecodeError) as error:
        raise ListError(f"{path.name}: {error}") from None
    names = [entry.name for entry in entries]
    if len(set(names)) != len(names):
        raise ListError(f"{path.name}: a name stands twice")
    return entries
