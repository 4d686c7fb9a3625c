"""Terminals, pipes and their ends."""

from __future__ import annotations

import io
from typing import Any

import pytest

from n6prog.cli.console import Console
from n6prog.config import Settings
from n6prog.events import EventType
from n6prog.findings import finding


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class ClosedPipe(io.StringIO):
    """A pipe whose reader went away after `lines` lines."""

    def __init__(self, lines: int) -> None:
        super().__init__()
        self.left = lines

    def write(self, text: str) -> int:
        if self.left == 0:
            raise BrokenPipeError
        self.left -= 1
        return super().write(text)


@pytest.mark.parametrize(
    ("environ", "options", "stream", "bars"),
    [
        ({}, {}, Terminal, True),
        ({}, {}, io.StringIO, False),
        ({"TERM": "dumb"}, {}, Terminal, False),
        ({}, {"no_progress": True}, Terminal, False),
        ({}, {"quiet": True}, Terminal, False),
    ],
)
def test_bars_only_on_a_terminal(environ: Any, options: Any, stream: Any, bars: bool) -> None:
    assert Console(Settings(**options), environ, io.StringIO(), stream()).bar.enabled is bars


@pytest.mark.parametrize(
    ("environ", "stream", "coloured"),
    [({}, Terminal, True), ({"NO_COLOR": "1"}, Terminal, False), ({}, io.StringIO, False)],
)
def test_colour_only_on_a_terminal_that_wants_it(environ: Any, stream: Any, coloured: bool) -> None:
    err = stream()
    Console(Settings(), environ, io.StringIO(), err).finding(finding("E-USAGE", reason="no", cure="yes"))
    assert ("\x1b[1;31m" in err.getvalue()) is coloured


def test_a_reader_that_goes_away_does_not_stop_the_work() -> None:
    out, err = ClosedPipe(1), io.StringIO()
    console = Console(Settings(json=True), {}, out, err)
    for _ in range(3):
        console.emit(EventType.PROGRESS, phase="write", done=1, total=2)
    console.say("still here")
    console.end(0, None, (), 0.0)
    assert out.getvalue().count("progress") == 1
    assert "still here" in err.getvalue()


def test_a_command_without_a_flow_ends_as_well() -> None:
    out = io.StringIO()
    console = Console(Settings(json=True), {}, out, io.StringIO())
    console.extra["answer"] = 42
    console.end(0, None, (), 0.25)
    assert '"type":"end"' in out.getvalue()
    assert '"answer":42' in out.getvalue()
    assert '"seconds":0.25' in out.getvalue()


def test_a_failure_after_the_flow_corrects_its_end() -> None:
    out = io.StringIO()
    console = Console(Settings(json=True), {}, out, io.StringIO())
    console.emit(EventType.END, ok=True, exit_code=0, code=None)
    console.end(1, "E-INTERNAL", (), 0.0)
    assert '"ok":false,"exit_code":1,"code":"E-INTERNAL"' in out.getvalue()
    assert out.getvalue().count('"end"') == 1
