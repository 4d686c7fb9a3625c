"""The sector rule: right bytes, no chunk programmed twice, never dearer than it must be, equal to brute force.

Times are the SFDP typicals of the MX25UM51245G: 25 ms, 256 ms, 152 us.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n6prog.nor.rule import (
    NEVER_US,
    Decision,
    Need,
    RuleTimes,
    apply,
    choose,
    decide,
    operations,
    times_of,
)
from n6prog.targets.schema import Erase, NorPart

TIMES = RuleTimes(25_000, 256_000, 152)
BLANK = b"\xff" * 65536
FULL = bytes(65536)  # every chunk programmed

CONTENT = Need(True, 0, 0, 16, 4096)
SAME = Need(False, 0, 0, 16, 4096, keeps=True)
EMPTY = Need(False, 0, 0, 0, 0)


def chunks(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 16] for at in range(0, len(data), 16))


@st.composite
def blocks(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Two blocks that are alike, blank or different in patches, so that every kind of chunk meets every other."""
    seed = draw(st.integers(0, 2**32))
    kinds = draw(st.lists(st.sampled_from("=bBnNxp"), min_size=16, max_size=16))
    rng = random.Random(seed)
    old, new = bytearray(), bytearray()
    for kind in kinds:
        held = rng.randbytes(4096) if kind != "b" else BLANK[:4096]
        wanted = bytearray(held)
        if kind == "B":
            wanted = bytearray(BLANK[:4096])
        elif kind in "nb":  # a few chunks become blank in old, and get content
            for _ in range(rng.randrange(1, 200)):
                at = rng.randrange(256) * 16
                held = held[:at] + BLANK[:16] + held[at + 16 :]
                wanted[at : at + 16] = rng.choice((rng.randbytes(16), BLANK[:16], b"\xff" * 15 + b"\x00"))
        elif kind == "N":
            wanted = bytearray(rng.randbytes(4096))
        elif kind == "x":
            wanted[rng.randrange(4096)] ^= 1 << rng.randrange(8)
        elif kind == "p":
            page = rng.randrange(16) * 256
            held = held[:page] + BLANK[:256] + held[page + 256 :]
            wanted[page : page + 256] = rng.randbytes(256)
        old += held
        new += wanted
    return bytes(old), bytes(new)


def play(old: bytes, new: bytes, decision: Decision) -> tuple[bytes, int]:
    """A NOR of our own: erase to ones, program by AND, no chunk twice. Gives content and microseconds."""
    held = bytearray(old)
    written = [chunk != BLANK[:16] for chunk in chunks(old)]
    todo = operations(old, new, decision)
    cost = 0
    for start, length in todo.erases:
        cost += {4096: TIMES.sector_us, 65536: TIMES.block_us}[length]
        held[start : start + length] = BLANK[:length]
        written[start // 16 : (start + length) // 16] = [False] * (length // 16)
    for start, length in todo.programs:
        cost += TIMES.page_us
        assert start // 256 == (start + length - 1) // 256, "a program command stays in its page"
        assert start % 16 == length % 16 == 0
        for at in range(start, start + length, 16):
            assert not written[at // 16], "no chunk is programmed twice without an erase"
            written[at // 16] = new[at : at + 16] != BLANK[:16]
            for byte in range(at, at + 16):
                held[byte] &= new[byte]
    return bytes(held), cost


@settings(max_examples=60, deadline=None)
@given(blocks(), st.integers(0, 0xFFFF))
def test_every_wanted_byte_is_right_and_the_cost_is_true(pair: tuple[bytes, bytes], force: int) -> None:
    old, new = pair
    for forced in (0, force):
        decision = decide(old, new, TIMES, forced)
        held, cost = play(old, new, decision)
        assert held == new
        assert cost == decision.cost_us
        assert decision.programs == len(operations(old, new, decision).programs)
        assert apply(old, new, decision) == new


@settings(max_examples=60, deadline=None)
@given(blocks())
def test_it_is_never_dearer_than_a_block_erase_unless_that_is_forbidden_and_then_done(
    pair: tuple[bytes, bytes],
) -> None:
    old, new = pair
    whole = TIMES.block_us + TIMES.page_us * sum(new[at : at + 256] != BLANK[:256] for at in range(0, 65536, 256))
    assert decide(old, new, TIMES).cost_us <= whole or settled(old, new)
    assert decide(new, new, TIMES) == Decision(False, 0, 0, 0)


def settled(old: bytes, new: bytes) -> list[int]:
    """Where the sectors begin that are right already and hold something."""
    sectors = [(at, old[at : at + 4096], new[at : at + 4096]) for at in range(0, 65536, 4096)]
    return [at for at, was, will in sectors if was == will != BLANK[:4096]]


@settings(max_examples=60, deadline=None)
@given(blocks(), st.tuples(st.integers(0, 60_000), st.integers(0, 600_000), st.integers(0, 2_000)))
def test_a_sector_that_is_right_and_holds_something_is_never_erased(
    pair: tuple[bytes, bytes], times: tuple[int, int, int]
) -> None:
    old, new = pair
    todo = operations(old, new, decide(old, new, RuleTimes(*times)))
    for at in settled(old, new):
        assert not [start for start, length in todo.erases if start <= at < start + length]


def slow_need(old: bytes, new: bytes) -> tuple[bool, int, int]:
    """Chunk by chunk, straight from the words of the rule: must erase, programs as it is, programs once erased."""

    def count(now: bytes) -> int:
        total = 0
        for page in range(0, 4096, 256):
            pattern = ""
            for at in range(page, page + 256, 16):
                blank_now, blank_new = now[at : at + 16] == BLANK[:16], new[at : at + 16] == BLANK[:16]
                pattern += "K" if not blank_now else "B" if blank_new else "P"
            total += sum("P" in part for part in pattern.split("K"))
        return total

    must = any(was not in (will, BLANK[:16]) for was, will in zip(chunks(old), chunks(new), strict=True))
    return must, 0 if must else count(old), count(BLANK[:4096])


@settings(max_examples=40, deadline=None)
@given(blocks())
def test_it_equals_the_rule_taken_word_for_word(pair: tuple[bytes, bytes]) -> None:
    old, new = pair
    found = [slow_need(old[at : at + 4096], new[at : at + 4096]) for at in range(0, 65536, 4096)]
    erase = [must for must, _, _ in found]
    kept = sum(erase) * 25_000 + 152 * sum(fresh if must else runs for must, runs, fresh in found)
    whole = 256_000 + 152 * sum(fresh for _, _, fresh in found)
    decision = decide(old, new, TIMES)
    may = not settled(old, new)
    assert decision.cost_us == (min(kept, whole) if may else kept)
    assert decision.erase_block == (may and whole < kept)


@pytest.mark.parametrize(
    "fresh", [(16,) * 16, (0,) * 16, tuple(range(1, 17)), (16, 0) * 8], ids=["full", "empty", "rising", "half"]
)
def test_it_equals_brute_force_for_every_set_of_dirty_sectors(fresh: tuple[int, ...]) -> None:
    # Every way to clean a dirty set is the block erase, or 4 KiB erases of a superset; the cheapest of all supersets is
    # found by going down from the full set (best[S] = the cheapest T that contains S). The block erase is no way where
    # a clean sector holds something.
    page, sector, block = TIMES.page_us, TIMES.sector_us, TIMES.block_us
    best = [0] * 65536
    for subset in range(65535, -1, -1):
        own = subset.bit_count() * sector + page * sum(fresh[n] for n in range(16) if subset >> n & 1)
        larger = [best[subset | 1 << n] for n in range(16) if not subset >> n & 1]
        best[subset] = min([own, *larger])
    whole = block + page * sum(fresh)
    dirty = [Need(True, 0, 0, runs, runs * 256) for runs in fresh]
    clean = [Need(False, 0, 0, runs, runs * 256, keeps=runs > 0) for runs in fresh]
    full = sum(1 << n for n in range(16) if fresh[n])
    for subset in range(65536):
        needs = [dirty[n] if subset >> n & 1 else clean[n] for n in range(16)]
        decision = choose(needs, TIMES)
        ways = [best[subset]] if full & ~subset else [best[subset], whole]
        assert decision.cost_us == (min(ways) if subset else 0)
        assert decision.erase_block == (bool(subset) and ways[-1] < best[subset])
        assert decision.erase_sectors == (0 if decision.erase_block else subset)


def test_ten_full_sectors_are_erased_one_by_one_and_eleven_as_a_block() -> None:
    # 10 x 25 ms = 250 ms < 256 ms < 11 x 25 ms = 275 ms, each with the 256 programs, 38.912 ms
    # The other sectors need programs only, 6 x 16 or 5 x 16 of them.
    fill = Need(False, 16, 4096, 16, 4096)
    assert choose([CONTENT] * 10 + [fill] * 6, TIMES) == Decision(False, 0x03FF, 256, 288_912)
    assert choose([CONTENT] * 11 + [fill] * 5, TIMES) == Decision(True, 0, 256, 294_912)


def test_a_block_is_erased_whole_only_where_all_that_is_right_in_it_is_blank() -> None:
    # 15 x (25 ms + 16 x 152 us) = 411.48 ms; as a block 256 ms + 240 x 152 us = 292.48 ms.
    assert choose([CONTENT] * 15 + [EMPTY], TIMES) == Decision(True, 0, 240, 292_480)
    assert choose([CONTENT] * 15 + [SAME], TIMES) == Decision(False, 0x7FFF, 240, 411_480)
    assert choose([CONTENT] * 15 + [SAME], TIMES, force=0x8000) == Decision(True, 0, 256, 294_912)
    assert choose([CONTENT] * 15 + [SAME], TIMES, force=0x0001) == Decision(False, 0x7FFF, 240, 411_480)
    new = bytes(15 * 4096) + b"\x55" * 4096
    old = b"\x11" * (15 * 4096) + new[15 * 4096 :]
    assert decide(old, new, TIMES) == Decision(False, 0x7FFF, 240, 411_480)
    assert decide(old[: 15 * 4096] + BLANK[:4096], new[: 15 * 4096] + BLANK[:4096], TIMES).erase_block


def test_a_tie_goes_to_the_sector_erases() -> None:
    assert not choose([CONTENT] * 16, RuleTimes(16_000, 256_000, 152)).erase_block


def test_the_same_bytes_need_nothing_and_a_blank_block_is_programmed_without_an_erase() -> None:
    assert decide(FULL, FULL, TIMES) == Decision(False, 0, 0, 0)
    assert decide(BLANK, FULL, TIMES) == Decision(False, 0, 256, 256 * 152)
    assert decide(BLANK, BLANK, TIMES) == Decision(False, 0, 0, 0)


def test_erasing_a_full_block_to_blank_takes_the_block_erase_and_no_program() -> None:
    assert decide(FULL, BLANK, TIMES) == Decision(True, 0, 0, 256_000)


def test_blank_chunks_are_spanned_and_chunks_with_content_are_not_touched() -> None:
    # Page 0, chunks: P B P K B P B K P, the rest blank: runs P B P, then P (its B at both ends left out), then P.
    old, new = bytearray(BLANK), bytearray(BLANK)
    for chunk in (3, 7):
        old[chunk * 16] = new[chunk * 16] = 0x11
    for chunk in (0, 2, 5, 8):
        new[chunk * 16 + 1] = 0x22
    decision = decide(old, new, TIMES)
    assert decision == Decision(False, 0, 3, 3 * 152)
    assert operations(old, new, decision).programs == ((0, 48), (80, 16), (128, 16))


def test_clearing_more_bits_of_a_chunk_with_content_needs_an_erase() -> None:
    # AND alone would reach it, but the chunk would be programmed twice and lose its ECC.
    old = b"\xf0" + BLANK[1:]
    new = b"\x00" + BLANK[1:]
    assert decide(old, new, TIMES) == Decision(False, 1, 1, 25_000 + 152)


def test_force_erases_sectors_that_are_equal() -> None:
    decision = decide(FULL, FULL, TIMES, force=0b101)
    assert decision == Decision(False, 0b101, 32, 2 * 25_000 + 32 * 152)
    assert operations(FULL, FULL, decision).erases == ((0, 4096), (8192, 4096))
    assert decide(FULL, FULL, TIMES, force=0xFFFF).erase_block


def test_operations_refuse_a_decision_made_for_other_bytes() -> None:
    with pytest.raises(ValueError, match="sector 0"):
        operations(FULL, BLANK, Decision(False, 0, 0, 0))


def test_a_block_has_65536_bytes_and_sixteen_needs() -> None:
    with pytest.raises(ValueError, match="65536"):
        decide(BLANK[:-1], BLANK, TIMES)
    with pytest.raises(ValueError, match="16"):
        choose([SAME] * 15, TIMES)


def test_times_come_from_the_part_in_whole_microseconds() -> None:
    small, large = Erase(4096, 0x21, 0.025, 0.4), Erase(65536, 0xDC, 0.256, 2.0)
    part = NorPart("test", b"\xc2\x80\x3a", 1 << 26, 256, (small, large), 152e-6, 1, True, "test")
    assert times_of(part) == TIMES
    only_small = NorPart("test", b"\xc2\x80\x3a", 1 << 26, 256, (small,), 152e-6, 1, True, "test")
    assert times_of(only_small) == RuleTimes(25_000, NEVER_US, 152)
