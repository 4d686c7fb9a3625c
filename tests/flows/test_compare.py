"""Differences are named by what usually causes them (users.md 4.15)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from n6prog.flows.compare import difference


def test_equal_bytes_have_no_difference() -> None:
    assert difference(b"abc", b"abc") is None


@pytest.mark.parametrize(
    ("wanted", "read", "words"),
    [
        (b"\x12\x34\x56\x78" * 4, b"\xff" * 16, "all FF"),
        (b"\x12\x34\x56\x78" * 4, b"\x34\x12\x78\x56" * 4, "swapped"),
        (b"\x12\x34\x56\x78", b"\x12\x35\x56\x78", "one bit"),
        (b"\xf0\xcc\xaa\x55", b"\xf0\x4c\x82\x55", "cleared only"),
        (b"\x00\x11\x22\x33" + b"\x44" * 8, b"\x00\x11\x22\x33" + b"\xff" * 8, "lost"),
        (b"\x12\x34\x56\x78", b"\x81\x43\x65\x87", "no pattern"),
    ],
)
def test_pattern(wanted: bytes, read: bytes, words: str) -> None:
    found = difference(wanted, read)
    assert found is not None
    assert words in found.pattern


def test_what_was_just_written_is_not_called_something_else() -> None:
    wanted, read = b"\x12\x34\x56\x78", b"\x81\x43\x65\x87"
    before, after = difference(wanted, read), difference(wanted, read, written=True)
    assert before is not None
    assert after is not None
    assert "run flash to write" in before.advice
    assert "did not take what was written" in after.advice


@given(st.binary(min_size=1, max_size=200), st.data())
def test_first_offset_and_count_are_those_of_a_walk_through_the_bytes(wanted: bytes, data: st.DataObject) -> None:
    read = data.draw(st.binary(min_size=len(wanted), max_size=len(wanted)))
    where = [at for at, (left, right) in enumerate(zip(wanted, read, strict=True)) if left != right]
    found = difference(wanted, read)
    if not where:
        assert found is None
        return
    assert found is not None
    assert (found.offset, found.count) == (where[0], len(where))
    assert found.wrote == wanted[where[0] : where[-1] + 1][:8]
    assert found.read == read[where[0] : where[-1] + 1][:8]
