"""Planning: what travels, what it costs, and that nothing but the wanted bytes changes."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n6prog.image.types import Origin
from n6prog.layout.types import Piece
from n6prog.nor.digest import BLANK_SECTOR, digest
from n6prog.plan import (
    Block,
    Cost,
    EraseMode,
    Sector,
    Survey,
    SurveyError,
    Work,
    block_digests,
    expected_digests,
    make,
    sectors,
    to_read,
)
from n6prog.targets.schema import Erase, NorPart

BASE = 0x7000_0000
SIZE = 64 << 20
ERASES = (Erase(4096, 0x21, 0.025, 0.6), Erase(65536, 0xDC, 0.256, 6.144))
NOR = NorPart("MX25UM51245G", b"\xc2\x80\x3a", SIZE, 256, ERASES, 152e-6, 1, True, "test", chip_erase_typ=192.0)
BLANK = b"\xff" * 4096


def piece(offset: int, data: bytes) -> Piece:
    return Piece(BASE + offset, memoryview(data), Origin("app.elf", ".text"))


def survey_of(flash: bytes, pieces: Sequence[Piece], *, read_all: bool = False) -> Survey:
    """What the flow learns of a flash: digests of all touched sectors, bytes of those it is told to read."""
    touched = sectors(pieces, NOR)
    digests = {item.offset: digest(flash[item.offset : item.offset + 4096]) for item in touched}
    read = set(digests) if read_all else set(to_read(touched, digests))
    return Survey({at: Sector(value, flash[at : at + 4096] if at in read else None) for at, value in digests.items()})


def written(flash: bytes, work: Work) -> bytes:
    """The flash after the blocks have been written, sector by sector."""
    held = bytearray(flash)
    for block in work.blocks:
        numbers = [n for n in range(16) if block.sectors >> n & 1]
        assert len(block.data) == 4096 * len(numbers)
        for index, number in enumerate(numbers):
            at = block.start + number * 4096
            held[at : at + 4096] = block.data[index * 4096 : (index + 1) * 4096]
    return bytes(held)


@st.composite
def cases(draw: st.DrawFn) -> tuple[bytes, list[Piece]]:
    """A flash of 48 sectors, some of them blank, and pieces without overlap, some of them equal to what is there."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    blank = draw(st.lists(st.booleans(), min_size=48, max_size=48))
    flash = b"".join(BLANK if empty else rng.randbytes(4096) for empty in blank)
    pieces, at = [], 0
    for gap, most, same in draw(
        st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 30000), st.booleans()), max_size=6)
    ):
        at += gap
        length = min(most, len(flash) - at)
        if length <= 0:
            break
        pieces.append(piece(at, flash[at : at + length] if same else rng.randbytes(length)))
        at += length
    return flash, pieces


@settings(max_examples=80, deadline=None)
@given(cases(), st.sampled_from(["changed", "all-touched"]), st.booleans())
def test_every_wanted_byte_is_right_and_every_other_byte_stays(
    case: tuple[bytes, list[Piece]], mode: EraseMode, read_all: bool
) -> None:
    flash, pieces = case
    wanted = bytearray(flash)
    for item in pieces:
        wanted[item.address - BASE : item.end - BASE] = item.data
    survey = survey_of(flash, pieces, read_all=read_all)
    work = make(pieces, survey, NOR, mode)
    after = written(flash, work)
    assert after == wanted
    assert [block.start for block in work.blocks] == sorted({block.start for block in work.blocks})
    assert expected_digests(pieces, NOR, survey) == {
        item.offset: digest(after[item.offset : item.offset + 4096]) for item in sectors(pieces, NOR)
    }


@settings(max_examples=40, deadline=None)
@given(cases())
def test_planning_over_the_result_gives_no_blocks(case: tuple[bytes, list[Piece]]) -> None:
    flash, pieces = case
    after = written(flash, make(pieces, survey_of(flash, pieces), NOR))
    again = make(pieces, survey_of(after, pieces), NOR)
    assert again == Work((), sum(item.size for item in pieces), Cost(0, 0, 0, (), 0.0))


@settings(max_examples=40, deadline=None)
@given(cases())
def test_it_is_never_dearer_than_block_erase_of_all_touched_blocks_where_that_is_allowed(
    case: tuple[bytes, list[Piece]],
) -> None:
    flash, pieces = case
    work = make(pieces, survey_of(flash, pieces), NOR)
    touched = {item.offset // 65536 for item in sectors(pieces, NOR)}
    # All that is not known to differ may hold something, and forbids the block erase: 4 KiB erases, at most 15 of them.
    forbidden = sum(block.sectors != 0xFFFF for block in work.blocks)
    most = (len(touched) - forbidden) * (0.256 + 256 * 152e-6) + forbidden * 15 * (0.025 + 16 * 152e-6)
    assert work.cost.seconds <= most + 1e-9


@settings(max_examples=40, deadline=None)
@given(cases())
def test_after_a_chip_erase_the_wanted_bytes_stand_on_a_blank_part(case: tuple[bytes, list[Piece]]) -> None:
    flash, pieces = case
    wanted = bytearray(b"\xff" * len(flash))
    for item in pieces:
        wanted[item.address - BASE : item.end - BASE] = item.data
    work = make(pieces, None, NOR, "chip")
    assert written(b"\xff" * len(flash), work) == wanted
    assert work.cost.erases == ((SIZE, 1),)
    assert work.cost.seconds >= 192.0


def test_a_full_sector_on_a_blank_flash_is_programmed_without_an_erase() -> None:
    pieces = [piece(0x10_0000, bytes(4096))]
    work = make(pieces, Survey({0x10_0000: Sector(BLANK_SECTOR)}), NOR)
    # 16 pages at 152 us
    assert work == Work((Block(0x10_0000, 1, bytes(4096)),), 0, Cost(4096, 0, 4096, (), pytest.approx(16 * 152e-6)))


def test_a_sector_whose_old_bytes_are_unknown_counts_as_erased() -> None:
    work = make([piece(0x1000, bytes(4096))], Survey({0x1000: Sector(12345)}), NOR)
    assert work.blocks == (Block(0, 2, bytes(4096)),)
    assert work.cost == Cost(4096, 4096, 4096, ((4096, 1),), pytest.approx(0.025 + 16 * 152e-6))


def test_four_mebibytes_over_other_content_cost_64_block_erases() -> None:
    data = random.Random(1).randbytes(4 << 20)
    pieces = [piece(0x100_0000, data)]
    survey = Survey({item.offset: Sector(1) for item in sectors(pieces, NOR)})
    cost = make(pieces, survey, NOR).cost
    # 64 x (256 ms + 256 pages x 152 us)
    assert cost == Cost(4 << 20, 4 << 20, 4 << 20, ((65536, 64),), pytest.approx(64 * 0.294912))


def test_neighbours_that_nobody_read_forbid_a_block_erase() -> None:
    # 15 x 27.432 ms = 411.48 ms; a block erase with all its programs would take 294.912 ms, and its neighbour's bytes.
    pieces = [piece(0, bytes(15 * 4096))]
    survey = Survey({at * 4096: Sector(1) for at in range(15)})
    assert make(pieces, survey, NOR).cost.erases == ((4096, 15),)


@pytest.mark.parametrize(("last", "erases"), [(BLANK, ((65536, 1),)), (bytes(4096), ((4096, 15),))])
def test_a_sector_that_is_right_already_forbids_a_block_erase_unless_it_is_blank(
    last: bytes, erases: tuple[tuple[int, int], ...]
) -> None:
    pieces = [piece(0, bytes(15 * 4096) + last)]
    survey = Survey({at * 4096: Sector(1) for at in range(15)} | {15 * 4096: Sector(digest(last))})
    assert make(pieces, survey, NOR).cost.erases == erases


def test_only_the_sectors_that_differ_travel() -> None:
    old = random.Random(2).randbytes(3 * 4096)
    new = old[:5000] + bytes([old[5000] ^ 1]) + old[5001:]
    pieces = [piece(0x2000, new)]
    work = make(pieces, survey_of(b"\xff" * 0x2000 + old, pieces), NOR)
    assert [(block.start, block.sectors) for block in work.blocks] == [(0, 0b1000)]
    assert work.skipped == 2 * 4096
    assert work.blocks[0].data == new[4096:8192]


def test_all_touched_sends_equal_sectors_too_and_skips_nothing() -> None:
    pieces = [piece(0, bytes(2 * 4096))]
    work = make(pieces, survey_of(bytes(2 * 4096), pieces), NOR, "all-touched")
    assert work.blocks == (Block(0, 0b11, bytes(2 * 4096)),)
    assert work.skipped == 0
    assert work.cost.erases == ((4096, 2),)


def test_a_sector_covered_in_part_keeps_its_other_bytes() -> None:
    old = bytes(range(256)) * 16
    pieces = [piece(0x3010, b"new")]
    assert to_read(sectors(pieces, NOR), {0x3000: digest(old)}) == (0x3000,)
    work = make(pieces, Survey({0x3000: Sector(digest(old), old)}), NOR)
    assert work.blocks == (Block(0, 0b1000, old[:0x10] + b"new" + old[0x13:]),)


def test_a_blank_sector_need_not_be_read_to_be_written_in_part() -> None:
    pieces = [piece(0x3010, b"new")]
    assert to_read(sectors(pieces, NOR), {0x3000: BLANK_SECTOR}) == ()
    work = make(pieces, Survey({0x3000: Sector(BLANK_SECTOR)}), NOR)
    assert work.blocks[0].data == BLANK[:0x10] + b"new" + BLANK[0x13:]
    assert work.cost.erases == ()


def test_pieces_that_share_a_sector_are_merged_into_one_write() -> None:
    pieces = [piece(0x1800, b"b" * 0x800), piece(0x1000, b"a" * 0x800)]
    (touched,) = sectors(pieces, NOR)
    assert (touched.offset, touched.full, touched.wanted) == (0x1000, True, 4096)
    assert touched.content() == b"a" * 0x800 + b"b" * 0x800


def test_touched_sectors_are_split_at_sector_borders() -> None:
    found = sectors([piece(0xFFE, bytes(0x1004))], NOR)
    assert [(item.offset, item.wanted, item.full) for item in found] == [
        (0, 2, False),
        (0x1000, 4096, True),
        (0x2000, 2, False),
    ]


def test_block_digests_name_the_sectors_that_travel() -> None:
    zero = bytes.fromhex("157c4a7fb979379e") * 512  # the digest's own constant
    block = Block(0x2_0000, 0b1010, zero + BLANK)
    assert block_digests(block) == {0x2_1000: 0, 0x2_3000: BLANK_SECTOR}


def test_a_survey_with_gaps_is_refused_with_the_sectors() -> None:
    pieces = [piece(0, bytes(3 * 4096))]
    with pytest.raises(SurveyError, match="0x1000") as caught:
        make(pieces, Survey({0: Sector(1), 0x2000: Sector(1)}), NOR)
    assert caught.value.offsets == (0x1000,)
    with pytest.raises(SurveyError, match="0x1000"):
        to_read(sectors(pieces, NOR), {0: 1, 0x2000: 1})


def test_a_sector_written_in_part_whose_bytes_were_not_read_is_refused() -> None:
    with pytest.raises(SurveyError, match="in part"):
        make([piece(0x10, b"x")], Survey({0: Sector(1)}), NOR)


def test_bytes_that_do_not_have_the_chips_digest_are_refused_before_they_are_written_back() -> None:
    with pytest.raises(SurveyError, match="digest"):
        make([piece(0x10, b"x")], Survey({0: Sector(digest(bytes(4096)), b"\x01" + bytes(4095))}), NOR)


def test_pieces_outside_the_part_or_on_each_other_are_refused() -> None:
    for pieces in ([piece(SIZE - 1, b"xy")], [piece(-1, b"x")], [piece(0, b"xy"), piece(1, b"z")]):
        with pytest.raises(ValueError, match="overlaps another piece or lies outside"):
            sectors(pieces, NOR)


def test_an_unknown_mode_and_a_missing_survey_are_refused() -> None:
    with pytest.raises(ValueError, match="erase mode"):
        make([], None, NOR, "everything")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="survey"):
        make([], None, NOR)


def test_a_plan_of_four_mebibytes_takes_less_than_300_ms() -> None:
    pieces = [piece(0x100_0010, random.Random(3).randbytes(4 << 20))]
    old = random.Random(4).randbytes(4096)
    survey = Survey({item.offset: Sector(digest(old), old) for item in sectors(pieces, NOR)})
    best = min(_seconds(pieces, survey) for _ in range(3))
    assert best < 0.3


def _seconds(pieces: Sequence[Piece], survey: Survey) -> float:
    start = time.process_time()
    make(pieces, survey, NOR)
    return time.process_time() - start
