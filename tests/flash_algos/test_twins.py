"""The rule and the digest on the chip are those of n6prog.nor."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from n6prog.nor import rule
from n6prog.sim import SimBoard
from tests.flash_algos.bench import Chip, with_times

BLOCK, CHUNKS = 0x1_0000, 4096
# Contents of a run of chunks: blank before, blank after, both, kept, changed.
KINDS = ("blank-old", "blank-new", "blank", "kept", "changed", "one-bit")


@pytest.fixture(scope="module")
def chip() -> Iterator[Chip]:
    """The loader in RAM; n6_decide is pure, so one board serves all examples."""
    with SimBoard("nucleo-n657x0-q") as board:
        yield Chip(board)


def blocks(runs: list[tuple[int, int, str]], base: str, seed: int) -> tuple[bytes, bytes]:
    """Old and new bytes of a block: `base` everywhere, then runs of chunks (first, count, kind) over it."""
    rng = random.Random(seed)
    old, new = bytearray(BLOCK), bytearray(BLOCK)
    for first, count, kind in [(0, CHUNKS, base), *runs]:
        span = slice(first * 16, min(first + count, CHUNKS) * 16)
        size = span.stop - span.start
        was = b"\xff" * size if kind.startswith("blank") and kind != "blank-new" else rng.randbytes(size)
        will = b"\xff" * size if kind in ("blank-new", "blank") else was if kind == "kept" else rng.randbytes(size)
        if kind == "one-bit":
            will = was[:-1] + bytes([was[-1] ^ 0x80])
        old[span], new[span] = was, will
    return bytes(old), bytes(new)


RUNS = st.lists(
    st.tuples(st.integers(0, CHUNKS - 1), st.one_of(st.integers(1, 20), st.integers(1, 1000)), st.sampled_from(KINDS)),
    max_size=12,
)
# Where sector and block erases cost nearly the same, and where one never pays.
TIMES = st.tuples(st.integers(0, 60_000), st.integers(0, 600_000), st.integers(0, 2_000))


@given(runs=RUNS, base=st.sampled_from(KINDS[:5]), seed=st.integers(0, 2**32 - 1), times=TIMES)
@examples(max_examples=150)
def test_the_chip_decides_as_the_host_does(
    chip: Chip, runs: list[tuple[int, int, str]], base: str, seed: int, times: tuple[int, int, int]
) -> None:
    old, new = blocks(runs, base, seed)
    expected = rule.decide(old, new, rule.RuleTimes(*times))
    found = chip.decide(old, new, with_times(*times))
    assert (bool(found.erase_block), found.erase_sectors, found.programs, found.cost_us) == (
        expected.erase_block,
        expected.erase_sectors,
        expected.programs,
        expected.cost_us,
    )


def test_a_tie_goes_to_the_sectors(chip: Chip) -> None:
    old, new = bytes(BLOCK), b"\xff" * BLOCK
    # By hand: 16 * 100 = 1600; at 1599 the block is strictly cheaper.
    assert (
        chip.decide(old, new, with_times(100, 1600, 1)).erase_sectors,
        chip.decide(old, new, with_times(100, 1600, 1)).cost_us,
    ) == (0xFFFF, 1600)
    cheaper = chip.decide(old, new, with_times(100, 1599, 1))
    assert (cheaper.erase_block, cheaper.erase_sectors, cheaper.cost_us) == (1, 0, 1599)


def test_a_block_erase_that_the_part_lacks_is_never_chosen(chip: Chip) -> None:
    old, new = bytes(BLOCK), b"\xff" * BLOCK
    assert chip.decide(old, new, with_times(25_000, rule.NEVER_US, 152)).erase_block == 0


def test_chunks_inside_a_page_by_hand(chip: Chip) -> None:
    old, new = bytearray(b"\xff" * BLOCK), bytearray(b"\xff" * BLOCK)
    old[64:80] = new[64:80] = bytes(16)  # K at chunk 4
    for chunk in (0, 2, 3, 6, 9):  # P; 1, 5, 7, 8 are B
        new[chunk * 16] = 0
    new[256] = 0  # another page
    found = chip.decide(bytes(old), bytes(new), with_times(25_000, 256_000, 152))
    assert (found.erase_block, found.erase_sectors, found.programs, found.cost_us) == (0, 0, 3, 456)
