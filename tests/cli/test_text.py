"""Numbers, findings, rows and bars as people read them."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from n6prog.cli import text
from n6prog.cli.bar import Bar
from n6prog.cli.story import rows, settled
from n6prog.findings import Finding, Severity, finding
from n6prog.flows.report import PieceReport


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (47411, "46.3 KiB"),
        (65536, "64 KiB"),
        (4 << 20, "4.00 MiB"),
        (64 << 20, "64 MiB"),
        (287744, "281 KiB"),
    ],
)
def test_sizes(count: int, shown: str) -> None:
    assert text.size(count) == shown


def test_clocks_and_times() -> None:
    assert [text.clock(value) for value in (8_000_000, 3_300_000, 950_000)] == ["8 MHz", "3.3 MHz", "950 kHz"]
    assert [text.seconds(value) for value in (0.518, 12.34, 125.0)] == ["0.52 s", "12.3 s", "2 min 05 s"]


AP1 = Finding(
    code="E-AP1-CLOSED",
    severity=Severity.ERROR,
    subject="chip",
    evidence={"DPIDR": 0x6BA02477, "AP0": "ok", "tries": 12, "none": None, "volts": 3.29, "address": 0x400},
    text="the CPU port is closed after 12 tries",
    cure="BOOT1 to 1.",
    not_this="no broken chip",
)


def test_an_error_says_what_happened_what_shows_it_what_to_do_and_what_it_is_not() -> None:
    assert text.finding_lines(AP1) == [
        "error E-AP1-CLOSED: the CPU port is closed after 12 tries",
        "  evidence  DPIDR 0x6ba02477 · AP0 ok · tries 12 · volts 3.29 · address 0x00000400",
        "  cure      BOOT1 to 1.",
        "  not this  no broken chip",
    ]


def test_evidence_that_the_text_shows_is_not_repeated() -> None:
    line = text.finding_lines(AP1, again=False)[1]
    assert "tries" not in line
    assert "DPIDR" in line


def test_a_terminal_gets_wrapped_and_coloured_lines() -> None:
    lines = text.finding_lines(AP1, width=40, colour=True)
    assert lines[0].startswith("\x1b[1;31merror E-AP1-CLOSED\x1b[0m: ")
    plain = [line.replace("\x1b[1;31m", "").replace("\x1b[0m", "") for line in lines]
    assert all(len(line) <= 40 for line in plain)
    assert all(line.startswith(("error", "  ")) for line in plain)


@given(st.text(max_size=300), st.integers(60, 200))
def test_any_text_survives_wrapping(words: str, width: int) -> None:
    found = finding("E-USAGE", "x", reason=words, cure="y")
    lines = text.finding_lines(found, width=width)
    assert all(line.isprintable() for line in lines)
    assert "".join(text.safe(words).split()) in "".join("".join(lines).split())


def test_a_name_from_a_file_cannot_steer_the_terminal() -> None:
    (line, *_) = text.finding_lines(finding("E-USAGE", reason="section \x1b[2J\n.text", cure="no"))
    assert line == r"error E-USAGE: section \x1b[2J\n.text"


def piece(name: str, start: int, length: int, changed: int) -> PieceReport:
    sectors = (start + length - 1) // 4096 - start // 4096 + 1
    return PieceReport(name, start, length, "", sectors, changed)


def test_sections_of_one_file_in_adjacent_sectors_are_one_row() -> None:
    (row,) = rows(
        [piece("a.elf .isr .text and 2 more", 0x70100400, 0x400, 0), piece("a.elf .data", 0x70101000, 0x10, 1)]
    )
    assert row.cells(compared=True) == (
        "0x70100400",
        " 1.02 KiB",
        "a.elf .isr .text .data +2",
        "1 of 2 sectors differs",
    )


def test_a_shared_sector_is_not_counted_twice() -> None:
    (row,) = rows([piece("a.elf .a", 0x70000000, 0x100, 1), piece("a.elf .b", 0x70000200, 0x1000, 2)])
    assert (row.sectors, row.changed) == (2, 2)
    (row,) = rows([piece("a.elf .a", 0x70000000, 0x100, 1), piece("a.elf .b", 0x70000200, 0x1000, 1)])
    assert "some of 2 sectors differ" in row.cells(compared=True)[-1]
    assert "1 of 2 sectors differs" in settled([row], 1)[0].cells(compared=True)[-1]


def test_far_pieces_and_other_files_have_rows_of_their_own() -> None:
    found = rows(
        [piece("b.bin", 0x70002000, 1, 0), piece("a.elf .a", 0x70000000, 1, 0), piece("a.elf .b", 0x70010000, 1, 0)]
    )
    assert [(row.file, row.start) for row in found] == [
        ("a.elf", 0x70000000),
        ("b.bin", 0x70002000),
        ("a.elf", 0x70010000),
    ]


def test_a_bar_shows_rate_and_time_left_and_goes_away() -> None:
    stream = io.StringIO()
    now = [0.0]
    bar = Bar(stream, enabled=True, now=lambda: now[0], columns=lambda: 100)
    bar.update("write", 0, 1 << 20)
    now[0] = 1.0
    bar.update("write", 256 << 10, 1 << 20)
    shown = stream.getvalue().split("\r")[-1]
    assert shown.startswith("write    ━━━━━━╶")
    assert "256 KiB of 1.00 MiB  256 KiB/s  0:03" in shown
    bar.update("write", 1 << 20, 1 << 20)
    assert stream.getvalue().endswith("\r\x1b[K")


def test_a_bar_is_drawn_at_most_ten_times_a_second() -> None:
    stream = io.StringIO()
    bar = Bar(stream, enabled=True, now=lambda: 5.0)
    for done in range(1000):
        bar.update("write", done, 1000)
    assert stream.getvalue().count("\r") == 1


@pytest.mark.parametrize("columns", [20, 40, 50, 60, 74, 80, 200])
def test_a_bar_never_fills_a_line_of_the_terminal(columns: int) -> None:
    stream = io.StringIO()
    times = iter([0.0, 1000.0])
    bar = Bar(stream, enabled=True, now=lambda: next(times), columns=lambda: columns)
    bar.update("write", 0, 128 << 20)
    bar.update("write", 1023 << 10, 128 << 20)
    drawn = stream.getvalue().split("\r")[-1].removesuffix("\x1b[K")
    assert drawn.startswith("write")
    assert len(drawn) < columns
    assert columns < 50 or "1023 KiB of 128 MiB" in drawn
    assert (drawn.count("━") + drawn.count("╶")) == max(0, min(24, columns - 50))


def test_a_bar_that_is_off_writes_nothing() -> None:
    stream = io.StringIO()
    bar = Bar(stream, enabled=False)
    bar.update("write", 1, 2)
    bar.clear()
    assert stream.getvalue() == ""
