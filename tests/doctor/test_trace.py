"""The boot ROM's trace as records and as words; buffers are built by the layout of header.md 5."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from n6prog.doctor.trace import Attempt, Record, interpret, records


def record(code: int, *arguments: int, time: int = 0, level: int = 0, size: int | None = None) -> bytes:
    """Start word, bytes of what follows, timestamp, level, code, arguments."""
    words = (time, level, code, *arguments)
    return struct.pack(f"<{2 + len(words)}I", 0xFFDD_BB00, 4 * len(words) if size is None else size, *words)


def codes(buffer: bytes) -> list[int]:
    return [found.code for found in records(buffer)[0]]


def test_records_follow_each_other_with_and_without_arguments() -> None:
    buffer = record(0x1001, 2, time=7) + record(0x23, time=8, level=2) + bytes(64)
    assert records(buffer) == ([Record(7, 0, 0x1001), Record(8, 2, 0x23)], 0)


def test_a_ring_that_began_again_is_put_in_order_of_time() -> None:
    newer, older = record(0x65, time=30), record(0x92, 1, time=20)
    torn = older[8:]  # the newest record ends within an old one
    found, foreign = records(newer + torn + record(0x23, time=21) + bytes(8))
    assert [(item.time, item.code) for item in found] == [(21, 0x23), (30, 0x65)]
    assert foreign == 12  # time, code and argument; the level is 0


@pytest.mark.parametrize(
    "buffer",
    [
        b"",
        bytes(2048),
        b"\xa5" * 2048,
        record(0x23)[:-1],
        record(0x23, size=8),  # no room for time, level and code
        record(0x23, size=14),
        record(0x23, size=2048),
        record(0x23, level=4),
        bytes(2) + record(0x23),  # records are aligned
        struct.pack("<I", 0xFFDD_BB00),
    ],
)
def test_what_is_no_record_is_none(buffer: bytes) -> None:
    assert codes(buffer) == []


def test_a_start_word_among_the_arguments_starts_nothing() -> None:
    assert codes(record(0x1001, 0xFFDD_BB00, 12, 0, 0, 0x28) + record(0x23)) == [0x1001, 0x23]


def tell(*found: int) -> tuple[Attempt, ...]:
    return interpret([Record(at, 0, code) for at, code in enumerate(found)]).attempts


def test_what_stands_between_two_tries_is_about_the_first() -> None:
    assert tell(0x8000_0001, 0x1D00_0002, 0x8000_0002, 0x8000_0006, 0x2C00_4008) == (
        Attempt("copy 1", (0x1D00_0002,), started=False),
        Attempt("copy 2", (), started=True),
    )


def test_what_was_complained_of_and_started_all_the_same_is_not_refused() -> None:
    assert tell(0x8000_0001, 0x1D00_0006, 0x2C00_4008) == (Attempt("copy 1", (0x1D00_0006,), started=True),)


def test_a_refusal_without_its_try_belongs_to_no_copy_that_is_known() -> None:
    assert tell(0x1D00_0007, 0x8000_0002) == (
        Attempt("a copy", (0x1D00_0007,), started=False),
        Attempt("copy 2", (), started=False),
    )


def test_the_kind_of_trouble_is_keys_before_all() -> None:
    (attempt,) = tell(0x8000_0001, 0x1D00_0002, 0x2C00_0112, 0x2C00_0112)
    assert (attempt.kind, attempt.codes) == ("keys", "0x1d000002 0x2c000112")
    assert attempt.reasons == "it does not start with STM2 and its signature is wrong"


@pytest.mark.parametrize(
    ("found", "mode"),
    [
        ((0x92,), "development boot"),
        ((0x26,), "development boot"),
        ((0x1020,), "serial boot"),
        ((0x1024, 0x1020), "boot from NOR"),
        ((0x1024, 0x1032, 0x1020), "boot from NOR, then serial boot instead"),
        ((0x1029,), "boot from HyperFlash"),
        ((0x1021,), "boot from SD or eMMC"),
        ((0x1001,), ""),
    ],
)
def test_the_boot_mode(found: tuple[int, ...], mode: str) -> None:
    assert interpret([Record(0, 0, code) for code in found]).mode == mode


@pytest.mark.parametrize(
    ("found", "life", "debug", "locked"),
    [
        ((0x23, 0x92, 0x65), "open", "open", False),
        ((0x25, 0x66), "closed, unlocked", "locked", False),  # flash boot closes debug on every chip
        ((0x25, 0x92, 0x66), "closed, unlocked", "locked", True),
        ((0x28, 0x65), "closed, locked", "open", True),
        ((), "", "", False),
    ],
)
def test_life_cycle_and_debug(found: tuple[int, ...], life: str, debug: str, *, locked: bool) -> None:
    boot = interpret([Record(0, 0, code) for code in found])
    assert (boot.life_cycle, boot.debug, boot.locked) == (life, debug, locked)


PARTS = st.one_of(
    st.binary(max_size=40),
    st.builds(
        record,
        st.sampled_from((0x1001, 0x92, 0x8000_0001, 0x8000_0002, 0x1D00_0002, 0x2C00_4008)),
        time=st.integers(0, 2**32 - 1),
        size=st.one_of(st.none(), st.integers(0, 2**32 - 1)),
    ),
)


@given(st.lists(PARTS, max_size=30).map(b"".join))
def test_any_bytes_are_taken_in_order_of_time_and_tell_something(buffer: bytes) -> None:
    found, foreign = records(buffer)
    assert [item.time for item in found] == sorted(item.time for item in found)
    assert 20 * len(found) + foreign <= len(buffer) + 3  # a record has 20 bytes or more; the last word may be short
    assert len([attempt for attempt in interpret(found).attempts if attempt.started]) <= len(found)
