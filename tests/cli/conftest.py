"""The command line in this process, on a board that only keeps account of what it was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from n6prog.cli import main
from n6prog.errors import N6ProgError
from n6prog.events import Event, EventType
from n6prog.findings import ExitCode, Finding, finding
from n6prog.flows.board import BoardInfo
from n6prog.flows.report import ByteCounts, PieceReport, Report
from n6prog.targets.schema import Device, load_board, load_part

ABOUT = BoardInfo(
    board="nucleo-n657x0-q",
    title="NUCLEO-N657X0-Q",
    chip="STM32N657",
    cut="rev B",
    header="2.3",
    boot_mode="development boot",
    voltage=3.29,
    probe="ST-LINK V3",
    probe_id="003A0037",
    firmware="V3J17M10",
    swd_clock_hz=8_000_000,
    nor="MX25UM51245G",
    nor_size=64 << 20,
    jedec=b"\xc2\x80\x3a",
    sfdp_ok=True,
)
PIECES = (
    PieceReport("dir/app.elf .isr_vector", 0x70100400, 0x400, "ab" * 32, sectors=1, changed=1),
    PieceReport("dir/app.elf .text", 0x70101000, 45 * 1024, "cd" * 32, sectors=12, changed=1),
    PieceReport("weights.raw", 0x71000000, 4 << 20, "ef" * 32, sectors=1024, changed=0),
)
REPORT = Report(
    ok=True,
    exit_code=ExitCode.DONE,
    pieces=PIECES,
    bytes=ByteCounts(wanted=0x40B800, sent=8192, erased=8192, programmed=7936, skipped=4 << 20),
    seconds=0.52,
    virtual_seconds=None,
    swd_clock_hz=8_000_000,
    findings=(finding("I-DONE-DEV", "NUCLEO-N657X0-Q", start="Start: move JP2"),),
)


@dataclass
class FakeBoard:
    """Answers every flow with `report`, or raises `error` after telling it; `calls` are what was asked for."""

    report: Report = REPORT
    error: BaseException | None = None
    warnings: tuple[Finding, ...] = ()
    steps: tuple[tuple[str, int, int], ...] = (("write", 0, 8192), ("write", 8192, 8192))
    opened: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    closed: int = 0
    device: Device = field(
        default_factory=lambda: Device(load_board("nucleo-n657x0-q"), load_part("MX25UM51245G"), "2.3", measured=True)
    )
    during: Callable[[], None] = field(default=lambda: None)

    def connect(self, probe: str | None = None, **options: Any) -> FakeBoard:
        self.opened = {"probe": probe, **options}
        return self

    def __enter__(self) -> FakeBoard:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed += 1

    def _flow(self, name: str, *args: Any, **options: Any) -> Report:
        self.calls.append((name, args, options))
        emit = self.opened["on_event"]
        emit(Event(EventType.BEGIN, {"action": name}))
        emit(Event(EventType.PLAN, {**ABOUT.as_dict(), "sectors": 2}))
        for found in self.warnings:
            emit(Event(EventType.WARNING, found.as_dict()))
        for piece in self.report.pieces:
            emit(Event(EventType.REGION, piece.as_dict()))
        for phase, done, total in self.steps:
            emit(Event(EventType.PROGRESS, {"phase": phase, "done": done, "total": total}))
        self.during()
        if self.error is not None:
            if isinstance(self.error, N6ProgError):
                for found in self.error.findings:
                    emit(Event(EventType.ERROR, found.as_dict()))
                failed = replace(self.report, ok=False, exit_code=self.error.exit_code, code=self.error.code)
                emit(Event(EventType.END, failed.as_dict()))
            raise self.error
        emit(Event(EventType.END, self.report.as_dict()))
        return self.report

    def flash(self, *files: str, **options: Any) -> Report:
        return self._flow("flash", *files, **options)

    def verify(self, *files: str, **options: Any) -> Report:
        return self._flow("verify", *files, **options)

    def erase(self, ranges: Any, **options: Any) -> Report:
        return self._flow("erase", ranges, **options)

    def read_to(self, path: Path, address: int, size: int) -> Report:
        return self._flow("read_to", path, address, size)

    def info(self) -> BoardInfo:
        self._flow("info")
        return ABOUT


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBoard]:
    fake = FakeBoard()
    monkeypatch.setattr("n6prog.api.connect", fake.connect)
    return fake


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def end(self) -> dict[str, Any]:
        """The data of the one `end`, which is the last event."""
        types = [event["type"] for event in self.events]
        assert types.count("end") == 1
        assert types[-1] == "end"
        data: dict[str, Any] = self.events[-1]["data"]
        return data


Run = Callable[..., Outcome]


@pytest.fixture
def n6(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command line in an empty folder: `n6("flash", "app.elf")`. `app.elf` and `weights.raw` are there."""
    monkeypatch.chdir(tmp_path)
    for name in ("app.elf", "weights.raw"):
        (tmp_path / name).write_bytes(b"x")

    def run(*words: str | Path) -> Outcome:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Outcome(code, captured.out, captured.err)

    return run
