"""Which tests may notice a change, and in which order they are asked."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path

from mutation.session import ROOT


@cache
def imported_by(path: str) -> frozenset[str]:
    """The files of the repository that `path` needs, itself included: its imports, theirs, and conftests above it."""
    found: set[str] = set()
    waiting = {path, *(str(folder / "conftest.py") for folder in Path(path).parents if path.startswith("tests"))}
    while waiting:
        file = waiting.pop()
        if file in found or not (ROOT / file).is_file():
            continue
        found.add(file)
        waiting |= _imports(file)
    return frozenset(found)


@cache
def _imports(file: str) -> frozenset[str]:
    """What a file itself imports, at its head or anywhere; some of it may not exist."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.update(_files(node.module))
            for name in node.names:
                found.update(_files(f"{node.module}.{name.name}"))
        elif isinstance(node, ast.Import):
            for name in node.names:
                found.update(_files(name.name))
    return frozenset(found)


def _files(module: str) -> list[str]:
    path = module.replace(".", "/")
    return [f"{path}.py", f"{path}/__init__.py"]


class Order:
    """Tests that have killed in this place come first, then those that have killed elsewhere.

    After them one case of every test function, then the second cases, and so on. A place is a function of a module.
    """

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._kills: Counter[str] = Counter()
        self._kills_in: Counter[tuple[str, str]] = Counter()
        self._file_kills: Counter[tuple[str, str]] = Counter()
        cases: Counter[str] = Counter()
        self._case: dict[str, int] = {}
        for test in seconds:
            function = test.partition("[")[0]
            self._case[test] = cases[function]
            cases[function] += 1

    def killed(self, test: str, module: str, function: str) -> None:
        """Remember."""
        self._kills[test] += 1
        self._kills_in[test, f"{module} {function}"] += 1
        self._file_kills[file_of(test), module] += 1

    def sorted(self, tests: list[str], module: str, function: str) -> list[str]:
        """The tests, the most promising ones first."""
        kills, inside, place = self._kills, self._kills_in, f"{module} {function}"
        return sorted(
            tests, key=lambda test: (-inside[test, place], -kills[test], self._case[test], self._seconds[test])
        )

    def best_file(self, tests: list[str], module: str) -> str:
        """The test file with the most kills in this module so far."""
        return max(sorted({file_of(test) for test in tests}), key=lambda file: self._file_kills[file, module])


def file_of(test: str) -> str:
    """The file of a node id."""
    return test.partition("::")[0]
