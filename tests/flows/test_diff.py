"""Ranges that differ: found exactly, joined where it helps, and told with both sides."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from n6prog.errors import VerifyMismatch
from n6prog.flows.diff import JOINED, MOST, runs
from tests.flows.conftest import Bench

AT = 0x0100_0000


def found(wanted: bytes, held: bytes) -> list[tuple[int, int, int]]:
    return [(run.address, run.length, run.differing) for run in runs(0, wanted, held)]


def test_a_range_ends_where_eight_bytes_are_equal() -> None:
    held = bytearray(64)
    held[3:5] = b"ab"
    held[12] = 1  # 7 equal bytes before it: one range
    held[21] = 1  # 8 equal bytes before it: another
    held[63] = 1
    assert found(bytes(64), bytes(held)) == [(3, 10, 3), (21, 1, 1), (63, 1, 1)]


@given(st.data())
def test_the_ranges_hold_all_differences_and_are_apart(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 200))
    wanted = bytes(size)
    held = bytearray(wanted)
    for at in data.draw(st.lists(st.integers(0, size - 1), max_size=20)):
        held[at] = 0xFF
    ranges = found(wanted, bytes(held))
    inside = {at for start, length, _ in ranges for at in range(start, start + length)}
    assert {at for at in range(size) if held[at]} <= inside
    for start, length, differing in ranges:
        assert held[start]
        assert held[start + length - 1]
        assert differing == sum(map(bool, held[start : start + length]))
    for before, after in itertools.pairwise(ranges):
        assert after[0] - (before[0] + before[1]) >= JOINED


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.bin"
    path.write_bytes(random.Random(3).randbytes(150_000))
    return path


def diff_of(bench: Bench, spec: str) -> dict[str, object]:
    with pytest.raises(VerifyMismatch):
        bench.board.verify(spec, diff=True)
    diff = bench.last("end").data["diff"]
    assert isinstance(diff, dict)
    return diff


def test_every_range_is_told_with_its_first_bytes(bench: Bench, weights: Path) -> None:
    bench.board.flash(f"{weights}@0x71000000")
    bench.link.nor[AT + 70_001] ^= 0x08
    bench.link.nor[AT + 0x2FF0 : AT + 0x3010] = bytes(32)  # across a border of sectors
    diff = diff_of(bench, f"{weights}@0x71000000")
    wanted = weights.read_bytes()
    assert diff["count"] == 2
    assert diff["ranges"] == [
        {
            "start": 0x7100_2FF0,
            "length": 32,
            "wanted": wanted[0x2FF0:0x3000].hex(" "),
            "found": " ".join(["00"] * 16),
        },
        {
            "start": 0x7100_0000 + 70_001,
            "length": 1,
            "wanted": f"{wanted[70_001]:02x}",
            "found": f"{wanted[70_001] ^ 8:02x}",
        },
    ]
    assert diff["bytes"] == 1 + sum(byte != 0 for byte in wanted[0x2FF0:0x3010])


def test_bytes_beside_the_wanted_ones_are_no_difference(bench: Bench, weights: Path) -> None:
    bench.board.flash(f"{weights}@0x71000123")
    bench.link.nor[AT] = 0
    bench.link.nor[AT + 0x123] ^= 0xFF
    diff = diff_of(bench, f"{weights}@0x71000123")
    assert [item["start"] for item in diff["ranges"]] == [0x7100_0123]  # type: ignore[attr-defined]


def test_what_is_equal_has_an_empty_diff_and_without_asking_there_is_none(bench: Bench, weights: Path) -> None:
    bench.board.flash(f"{weights}@0x71000000")
    report = bench.board.verify(f"{weights}@0x71000000", diff=True)
    assert report.diff is not None
    assert (report.diff.count, report.diff.ranges) == (0, ())
    assert bench.board.verify(f"{weights}@0x71000000").diff is None
    assert "diff" not in bench.last("end").data


def test_more_ranges_than_anyone_reads_are_counted(bench: Bench, weights: Path) -> None:
    bench.board.flash(f"{weights}@0x71000000")
    for number in range(MOST + 5):
        bench.link.nor[AT + 100 * number] ^= 1
    diff = diff_of(bench, f"{weights}@0x71000000")
    assert diff["count"] == diff["bytes"] == MOST + 5
    assert len(diff["ranges"]) == MOST  # type: ignore[arg-type]
