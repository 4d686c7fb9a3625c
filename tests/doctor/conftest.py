"""The command line in this process, on a simulated board kept in a folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.cli import main
from n6prog.link import Link, open_link
from n6prog.sim import SimBoard
from n6prog.targets.schema import load_board

BOARD = "nucleo-n657x0-q"


@dataclass
class Outcome:
    """What one command gave: exit code, the data of `end`, and everything that was printed for people."""

    code: int
    end: dict[str, Any]
    text: str

    @property
    def findings(self) -> dict[str, dict[str, Any]]:
        """The findings by code."""
        return {found["code"]: found for found in self.end["findings"]}

    @property
    def checks(self) -> dict[str, dict[str, Any]]:
        """The doctor's checks by name."""
        return {check["name"]: check for check in self.end["checks"]}


@dataclass
class Case:
    """A simulated board in a folder, and the command line on it."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    probe_board: str = BOARD

    @property
    def probe(self) -> str:
        return f"sim:{self.probe_board},state={self.folder}"

    def run(self, *words: str | Path, faults: str = "", options: str = "") -> Outcome:
        probe = self.probe + (f",fault={faults}" if faults else "") + options
        code = main([*map(str, words), "--probe", probe, "--json"])
        captured = self.capsys.readouterr()
        assert "Traceback" not in captured.err
        events = [json.loads(line) for line in captured.out.splitlines()]
        assert events[-1]["type"] == "end"
        return Outcome(code, events[-1]["data"], captured.err)

    def doctor(self, *words: str, faults: str = "", options: str = "") -> Outcome:
        return self.run("doctor", *words, faults=faults, options=options)

    def flash(self, *words: str | Path, faults: str = "", options: str = "") -> Outcome:
        return self.run("flash", *(words or (self.file,)), faults=faults, options=options)

    @property
    def file(self) -> str:
        """8 KiB of raw bytes for 0x71000000."""
        path = self.folder.parent / "weights.raw"
        if not path.exists():
            path.write_bytes(bytes(range(1, 256)) * 33)
        return f"{path}@0x71000000"

    def link(self, connect: str = "halt") -> Link:
        """A debugger of our own on the board."""
        return open_link(self.probe, board=load_board(BOARD), connect=connect)

    def board(self, **options: Any) -> SimBoard:
        """The board itself, to be looked at or brought into a state."""
        return SimBoard(BOARD, state=self.folder, **{"boot1": None, **options})


@pytest.fixture
def case(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))  # no CMSIS-Packs but the test's own
    monkeypatch.chdir(tmp_path)
    return Case(tmp_path / "board", capsys)
