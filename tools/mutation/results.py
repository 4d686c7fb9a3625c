"""What was found so far, kept in a file so that an interrupted run can go on.

A line a mutant, JSON, written as the verdict falls; of two lines on one mutant the later counts. A kill stands as long
as the module, the file of the test that killed and all that they import are what they were; any other verdict as long
as all the tests that reach the module are. Beside the imports a key covers the data files of the project, its
configuration, this tool, Python and the libraries that run the tests. A verdict with another key is not used.
"""

from __future__ import annotations

import hashlib
import json
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

from mutation.choose import file_of, imported_by
from mutation.judge import Verdict
from mutation.operators import Mutant
from mutation.session import ROOT

_DATA = ("n6prog", "targets", "tests")  # folders whose files that are not Python count for every test


class Results:
    """The file at `path`. `tests` as given to pytest; `resume` whether what stands there is used."""

    def __init__(self, path: Path, tests: list[str], *, resume: bool) -> None:
        self._files = test_files(tests)
        for file in self._files:  # now, not when the first verdict falls: somebody may edit meanwhile
            digest((file,))
        self._known: dict[tuple[str, str], dict[str, str]] = {}
        lines = path.read_text().splitlines() if path.exists() else []
        kept = {(entry["id"], entry["module"]): entry for line in lines if (entry := _entry(line))}
        if resume:
            self._known = kept
        path.parent.mkdir(parents=True, exist_ok=True)
        if len(lines) > 2 * len(kept):
            new = path.with_suffix(".new")
            new.write_text("".join(json.dumps(entry) + "\n" for entry in kept.values()))
            new.replace(path)
        self._out: TextIO = path.open("a")
        if lines and _entry(lines[-1]) is None:
            self._out.write("\n")  # the run before was cut off in a line

    def close(self) -> None:
        """No more."""
        self._out.close()

    def known(self, mutant: Mutant) -> Verdict | None:
        """The verdict on this mutant, when it still stands."""
        entry = self._known.get((mutant.id, mutant.module))
        if entry is None or entry["key"] != self._key(mutant, entry["killer"]):
            return None
        return Verdict(entry["outcome"], entry["killer"])

    def keep(self, mutant: Mutant, verdict: Verdict) -> None:
        """Write it down at once."""
        key = self._key(mutant, verdict.killer)
        entry = {"id": mutant.id, "module": mutant.module, "outcome": verdict.outcome, "killer": verdict.killer}
        self._out.write(json.dumps({**entry, "key": key}) + "\n")
        self._out.flush()

    def _key(self, mutant: Mutant, killer: str) -> str:
        if killer:
            return digest((mutant.module, file_of(killer)))
        return digest((mutant.module, *(file for file in self._files if mutant.module in imported_by(file))))


def _entry(line: str) -> dict[str, str] | None:
    """One line of the file; None when the run that wrote it was cut off in it."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    fields = {"id", "module", "outcome", "killer", "key"}
    return entry if isinstance(entry, dict) and fields == entry.keys() else None


def test_files(tests: list[str]) -> tuple[str, ...]:
    """The test files that pytest finds for these arguments, relative to the repository."""
    found: set[str] = set()
    for test in tests:
        path = ROOT / file_of(test)
        paths = [path] if path.is_file() else path.rglob("test_*.py")
        found.update(str(file.resolve().relative_to(ROOT)) for file in paths)
    return tuple(sorted(found))


@cache
def digest(files: tuple[str, ...]) -> str:
    """A digest of these files, of all they import, and of what counts for every test."""
    needed: set[str] = set(files)
    for file in files:
        needed |= imported_by(file)
    packages = {str(folder / "__init__.py") for file in needed for folder in Path(file).parents}
    needed |= {package for package in packages if (ROOT / package).is_file()}
    text = "\n".join([_surroundings(), *(f"{file} {_digest_of(file)}" for file in sorted(needed))])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _surroundings() -> str:
    files = [ROOT / "pyproject.toml", *sorted((ROOT / "tools" / "mutation").glob("*.py"))]
    for folder in _DATA:
        files += sorted(
            file
            for file in (ROOT / folder).rglob("*")
            if file.is_file() and file.suffix not in (".py", ".pyc") and "__pycache__" not in file.parts
        )
    names = [str(file.relative_to(ROOT)) for file in files]
    versions = [sys.version, version("pytest"), version("hypothesis")]
    return "\n".join([*versions, *(f"{name} {_digest_of(name)}" for name in names)])


@cache
def _digest_of(file: str) -> str:
    return hashlib.sha256((ROOT / file).read_bytes()).hexdigest()
