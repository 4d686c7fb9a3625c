"""Pairs of sectors that tell address lines apart, tried on a NOR whose lines are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from n6prog.plan.partners import Pair, address_bits, pairs

SIZE = 1 << 16  # 16 sectors, address bits 12 to 15
SECTORS = range(0, SIZE, 4096)


def test_a_64_mib_part_has_14_bits_above_a_sector() -> None:
    assert list(address_bits(64 << 20)) == list(range(12, 26))


def test_no_partner_lies_beyond_a_part_of_an_odd_size() -> None:
    assert pairs([0x0000, 0x4000], {0x0000: 1, 0x4000: 2}, 5 << 12) == (
        Pair(12, 0x0000, 0x1000),
        Pair(13, 0x0000, 0x2000),
        Pair(14, 0x0000, 0x4000),
    )


def test_a_known_partner_that_differs_is_taken_before_one_that_must_be_surveyed() -> None:
    assert pairs([0x0000, 0x1000], {0x0000: 1, 0x1000: 2}, 1 << 13) == (Pair(12, 0x0000, 0x1000),)
    assert pairs([0x0000, 0x2000], {0x0000: 1, 0x2000: 1, 0x3000: 5}, 1 << 14) == (Pair(12, 0x2000, 0x3000),)


def test_a_partner_nobody_asked_for_is_surveyed() -> None:
    assert pairs([0x2000], {0x2000: 7}, 1 << 14) == (Pair(12, 0x2000, 0x3000), Pair(13, 0x2000, 0x0000))


def test_equal_contents_cannot_be_mistaken() -> None:
    assert pairs([0x0000], {0x0000: 7, 0x1000: 7}, 1 << 13) == ()


class Cut:
    """A NOR of 16 sectors whose address line `bit` is stuck at 0."""

    def __init__(self, content: list[int], bit: int) -> None:
        self.bit = bit
        self.cells = dict(zip(SECTORS, content, strict=True))

    def at(self, offset: int) -> int:
        return self.cells[offset & ~(1 << self.bit)]

    def write(self, offset: int, value: int) -> None:
        self.cells[offset & ~(1 << self.bit)] = value


@given(
    st.lists(st.integers(0, 3), min_size=16, max_size=16),
    st.dictionaries(st.sampled_from(SECTORS), st.integers(0, 3), min_size=1),
    st.integers(12, 15),
)
def test_a_cut_line_is_seen_or_does_no_harm(content: list[int], wanted: dict[int, int], bit: int) -> None:
    """Unlike the flow, nothing is proven here but the pairs: what they miss must be as wanted all the same."""
    nor = Cut(content, bit)
    before = {offset: nor.at(offset) for offset in SECTORS}
    travels = [offset for offset, value in wanted.items() if before[offset] != value]
    finally_ = {offset: wanted.get(offset, before[offset]) for offset in wanted}
    chosen = pairs(travels, finally_, SIZE)
    for pair in chosen:
        finally_.setdefault(pair.partner, before[pair.partner])
    for offset in sorted(travels):
        nor.write(offset, wanted[offset])
    seen = any(nor.at(offset) != finally_[offset] for pair in chosen for offset in (pair.written, pair.partner))
    harmed = any(nor.at(offset) != wanted.get(offset, before[offset]) for offset in SECTORS)
    assert seen or not harmed
