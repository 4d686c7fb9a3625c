"""How addresses, ranges, clocks and switches are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from n6prog.values import (
    ValueFault,
    did_you_mean,
    parse_clock,
    parse_flag,
    parse_maps,
    parse_number,
    parse_range,
    parse_seconds,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0x7000_0000", 0x70000000),
        ("0X10", 16),
        ("4096", 4096),
        ("64K", 65536),
        ("64k", 65536),
        ("64KiB", 65536),
        ("1M", 1048576),
        ("0x10K", 16384),
        ("1G", 1 << 30),
        ("010", 10),
    ],
)
def test_numbers(text: str, value: int) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize("text", ["", "x", "0x", "1.5M", "-1", "0x_", "1__0", "12T", "app.bin", "0xZZ"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueFault):
        parse_number(text)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("0x70000000+64K", (0x70000000, 0x10000)),
        ("0x70000000-0x70010000", (0x70000000, 0x10000)),
        ("0x7000_0000 + 1M", (0x70000000, 0x100000)),
        ("0+1", (0, 1)),
        ("0xFFFFF000+4K", (0xFFFFF000, 4096)),
    ],
)
def test_ranges(text: str, span: tuple[int, int]) -> None:
    assert parse_range(text) == span


@pytest.mark.parametrize(
    "text", ["0x70000000", "0x70000000+0", "2-1", "1-1", "+5", "1+2+3", "a+b", "0xFFFFFFFF+2", "1..2", "0x70000000:64K"]
)
def test_what_is_no_range_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(ValueFault) as caught:
        parse_range(text)
    assert caught.value.cure


@pytest.mark.parametrize(
    ("text", "hertz"),
    [
        ("8M", 8_000_000),
        ("8MHz", 8_000_000),
        ("8 mhz", 8_000_000),
        ("3300k", 3_300_000),
        ("3.3M", 3_300_000),
        ("8000000", 8_000_000),
        ("auto", None),
        ("AUTO", None),
    ],
)
def test_clocks(text: str, hertz: int | None) -> None:
    assert parse_clock(text) == hertz


@pytest.mark.parametrize(
    ("text", "meant"),
    [("8000", "8000k"), ("950", "950k"), ("24000", "24000k"), ("8", "8M"), ("3.3", "3.3M"), ("99999", "99999k")],
)
def test_a_bare_small_clock_is_refused_with_what_was_meant(text: str, meant: str) -> None:
    with pytest.raises(ValueFault) as caught:
        parse_clock(text)
    assert f"Did you mean {meant}?" in caught.value.cure


@pytest.mark.parametrize("text", ["0", "fast", "8G", "1k", "80M", "-8M", "", "8M8", "9" * 400 + "M"])
def test_what_is_no_clock_is_refused(text: str) -> None:
    with pytest.raises(ValueFault):
        parse_clock(text)


def test_times_and_switches() -> None:
    assert parse_seconds("0.5") == 0.5
    assert parse_seconds("5s") == 5
    assert (parse_flag("on"), parse_flag("FALSE"), parse_flag("")) == (True, False, False)
    for text in ("-1", "soon", "1m"):
        with pytest.raises(ValueFault):
            parse_seconds(text)
    with pytest.raises(ValueFault):
        parse_flag("maybe")


def test_maps_are_addresses_or_ranges() -> None:
    assert parse_maps("0x34000400=0x70100400, 0x90000000+1M=0x71000000") == (
        "0x34000400=0x70100400",
        "0x90000000+1M=0x71000000",
    )
    for text in ("0x34000400", "a=1", "1=", "1+=2"):
        with pytest.raises(ValueFault):
            parse_maps(text)


def test_the_nearest_word_is_offered_and_all_are_named() -> None:
    assert did_you_mean("chnaged", ("changed", "chip")) == "Did you mean 'changed'? One of: changed, chip."
    assert did_you_mean("nucleo", ("nucleo-n657x0-q", "dk")).startswith("Did you mean 'nucleo-n657x0-q'?")
    assert did_you_mean("stm", ("stm32n6570-dk", "stm32n657-eval")).startswith("One of")  # no telling which
    assert did_you_mean("zzz", ("changed", "chip")) == "One of: changed, chip."


@given(st.integers(0, 0xFFFF_FFFF), st.integers(1, 0xFFFF_FFFF))
def test_both_forms_of_a_range_mean_the_same(start: int, length: int) -> None:
    if start + length > 1 << 32:
        return
    assert parse_range(f"{start:#x}+{length}") == parse_range(f"{start}-{start + length:#x}") == (start, length)
