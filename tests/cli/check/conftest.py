"""`n6prog check` in this process, its findings as data; no probe is ever opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("check opened a probe")

    monkeypatch.setattr("n6prog.api.connect", refuse)


@dataclass
class Judged:
    code: int
    findings: list[dict[str, Any]]
    boards: list[dict[str, Any]]

    def one(self, code: str) -> dict[str, Any]:
        """The one finding of this code."""
        (found,) = [item for item in self.findings if item["code"] == code]
        return found

    @property
    def codes(self) -> list[str]:
        """Errors and warnings in the order they were found."""
        return [item["code"] for item in self.findings if item["severity"] != "note"]


@pytest.fixture
def check(n6: Any, tmp_path: Path) -> Any:
    """`check({"app.elf": bytes}, "app.elf@0x7...", "--board", ...)`; names of the files when no words are given."""

    def judge(files: dict[str, bytes], *words: str) -> Judged:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        named = words if words and not words[0].startswith("--") else (*files, *words)
        done = n6("check", *named, "--json")
        return Judged(done.code, done.end["findings"], done.end["boards"])

    return judge
