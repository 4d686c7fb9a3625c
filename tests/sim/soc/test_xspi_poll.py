"""Automatic polling: period, match, stop, FTF and what DR shows (hw-soc 7.3; RM0456 30.4.15)."""

from __future__ import annotations

import pytest

CLK = 31_250
SMF, FTF, BUSY = 8, 4, 0x20
FOR_EVER = 10**9


def start(bench, mask=1, match=0, *, once=True, any_bit=False, interval=16, length=1, ccr=0x0400_0004):
    """RDSR in 8S: a poll is a clock of instruction and one for each byte."""
    bench.xw(0x00, 0x2000_0001 | once << 22 | any_bit << 23)
    bench.xw(0x80, mask)
    bench.xw(0x88, match)
    bench.xw(0x90, interval)
    bench.setup(ccr, 0x05, length)
    if ccr >> 8 & 7:
        bench.xw(0x48, 0)
    return bench.time.now


def busy_until_poll(bench, number, period=18):
    """WIP falls while poll `number` is about to start."""
    bench.fake.answer = b"\x03"
    bench.fake.changes = [(bench.time.now + number * period * CLK, b"\x02")]


def test_a_match_at_once_ends_after_one_poll(bench):
    bench.fake.answer = b"\x02"
    start(bench)
    assert bench.sr() == BUSY
    bench.wait(1)
    assert bench.sr() == BUSY
    bench.wait(1)
    assert bench.sr() == SMF | FTF
    bench.wait(FOR_EVER)
    assert bench.sr() == SMF | FTF
    assert [frame[2:] for frame in bench.heard] == [(b"\x05", b"", 1)]


def test_the_match_comes_with_the_first_poll_that_sees_it(bench):
    busy_until_poll(bench, 3)
    start(bench)
    bench.wait(3 * 18 + 1)
    assert bench.sr() == BUSY | FTF
    bench.wait(1)
    assert bench.sr() == SMF | FTF
    # polls 1 and 2 could not differ from the first
    assert [(frame[0] - bench.heard[0][0]) // CLK for frame in bench.heard] == [0, 3 * 18]


@pytest.mark.parametrize(
    ("after", "made"),
    [(0, [0, 2 * 18]), (1, [0, 2 * 18, 3 * 18]), (2 * CLK - 1, [0, 2 * 18, 3 * 18]), (2 * CLK, [0, 3 * 18])],
)
def test_a_poll_that_a_change_falls_into_is_made_and_none_that_was_over(bench, after, made):
    bench.fake.answer = b"\x03"
    begun = bench.time.now  # registers cost nothing here
    bench.fake.changes = [(begun + 2 * 18 * CLK + after, b"\x02")]
    start(bench)
    bench.wait(FOR_EVER)
    assert bench.sr() & SMF
    assert bench.heard[0][0] == begun
    assert [(frame[0] - begun) // CLK for frame in bench.heard] == made


@pytest.mark.parametrize(("interval", "period"), [(16, 18), (2, 4), (1, 4), (0, 4), (100, 102)])
def test_the_interval_runs_from_end_to_start_and_ncs_stays_high(bench, interval, period):
    bench.fake.answer = b"\x03"  # CSHT is 1: two clocks
    bench.fake.changes = [(bench.time.now + 1, b"\x02")]
    start(bench, interval=interval)
    bench.wait(FOR_EVER)
    assert bench.sr() & SMF
    assert bench.heard[-1][0] - bench.heard[0][0] == period * CLK


@pytest.mark.parametrize(
    ("mask", "match", "status", "any_bit", "matches"),
    [
        (0x01, 0x00, 0x02, False, True),
        (0x03, 0x02, 0x02, False, True),
        (0x03, 0x02, 0x03, False, False),
        (0x03, 0x02, 0x00, False, False),
        (0x02, 0x03, 0x02, False, True),  # unmasked bits of the match do not count
        (0xFF, 0x02, 0x02, False, True),
        (0x00, 0xFF, 0x00, False, True),  # nothing to differ in
        (0x03, 0x03, 0x02, True, True),
        (0x03, 0x00, 0x03, True, False),
        (0x03, 0x01, 0x02, True, False),
        (0x00, 0x00, 0x00, True, False),  # nothing to agree in
    ],
)
def test_and_wants_all_masked_bits_or_wants_one(bench, mask, match, status, any_bit, matches):
    bench.fake.answer = bytes((status,))
    start(bench, mask, match, any_bit=any_bit)
    bench.wait(2)
    assert bool(bench.sr() & SMF) is matches
    assert bool(bench.sr() & BUSY) is not matches


@pytest.mark.parametrize(("length", "read"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (64, 4)])
def test_one_to_four_bytes_are_compared(bench, length, read):
    bench.fake.answer = b"\x11\x22\x33\x44"
    wanted = int.from_bytes(b"\x11\x22\x33\x44"[:read], "little")
    start(bench, 0xFFFF_FFFF, wanted, length=length)
    bench.wait(read)
    assert not bench.sr() & SMF
    bench.wait(1)
    assert bench.sr() & SMF
    assert bench.heard[0][4] == read
    assert bench.xr(0x50) == wanted
    assert bench.xr(0x50, 2) == wanted & 0xFFFF
    assert bench.xr(0x50, 1) == 0x11


def test_a_mask_beyond_the_bytes_compares_with_zero(bench):
    bench.fake.answer = b"\x11"
    start(bench, 0xFFFF, 0x0011)
    bench.wait(2)
    assert bench.sr() & SMF


def test_polling_starts_with_the_address_if_there_is_one(bench):
    bench.xw(0x00, 0x2000_0001)
    bench.setup(0x0400_3404, 0x05, 1)
    assert bench.heard == []
    bench.xw(0x48, 0)
    assert bench.heard[0][2] == b"\x05\0\0\0\0"


def test_ftf_tells_of_a_poll_until_dr_is_read(bench):
    bench.fake.answer = b"\x03"
    start(bench)
    bench.wait(2)
    assert bench.sr() == BUSY | FTF
    assert bench.xr(0x50, 1) == 3
    assert bench.sr() == BUSY
    bench.wait(17)
    assert bench.sr() == BUSY
    bench.wait(1)
    assert bench.sr() == BUSY | FTF
    bench.xr(0x50)
    assert bench.sr() == BUSY


def test_ftf_after_the_stop_is_taken_by_dr_too(bench):
    bench.fake.answer = b"\x02"
    start(bench)
    bench.wait(2)
    bench.xr(0x50)
    assert bench.sr() == SMF


def test_the_level_is_zero_while_polling(bench):
    start(bench, 0xFF, 0xFF, length=4)
    bench.wait(100)
    assert bench.sr() >> 8 == 0


def test_without_the_stop_polling_goes_on_and_matches_again(bench):
    bench.fake.answer = b"\x02"
    start(bench, once=False)
    bench.wait(2)
    assert bench.sr() == BUSY | FTF | SMF
    bench.xw(0x24, 8)
    assert bench.sr() == BUSY | FTF
    bench.wait(17)
    assert not bench.sr() & SMF
    bench.wait(1)
    assert bench.sr() & SMF
    bench.xw(0x00, bench.xr(0x00) | 2)
    assert bench.sr() & 0x22 == 2
    bench.xw(0x24, 0x1F)
    bench.wait(FOR_EVER)
    assert not bench.sr() & SMF


def test_matches_that_nobody_looked_at_count_after_the_state_has_changed(bench):
    bench.fake.answer = b"\x02"
    bench.fake.changes = [(bench.time.now + 18 * CLK, b"\x03")]
    start(bench, once=False)
    bench.wait(FOR_EVER)
    assert bench.sr() & SMF
    bench.xw(0x24, 8)
    bench.wait(FOR_EVER)
    assert not bench.sr() & SMF


def test_a_look_at_sr_jumps_to_the_poll_that_matters(bench):
    busy_until_poll(bench, 1000)
    began = start(bench)
    while not bench.xr(0x20) & SMF:
        pass
    assert bench.time.now == began + (1000 * 18 + 2) * CLK
    assert len(bench.heard) <= 4


def test_without_a_strobe_polling_never_sees_anything(bench):
    bench.fake.drives_dqs = False
    bench.fake.answer = b"\x02\x02"
    start(bench, ccr=0x2C00_001C, length=2)
    bench.wait(FOR_EVER)
    assert bench.sr() == BUSY
    bench.fake.changes = [(bench.time.now, b"\0\0")]
    bench.wait(FOR_EVER)
    assert bench.sr() == BUSY
    bench.xw(0x00, bench.xr(0x00) | 2)
    assert bench.sr() & 0x22 == 2


def test_a_strobe_makes_dtr_polling_work(bench):
    bench.fake.answer = b"\x02\x02"
    start(bench, 0x0101, 0, ccr=0x2C00_001C, length=2)
    bench.wait(1)  # 16 bits of instruction; the data take another clock
    assert bench.sr() & SMF == 0
    bench.wait(1)
    assert bench.sr() & SMF


def test_abort_in_the_first_poll(bench):
    bench.fake.answer = b"\x02"
    start(bench)
    bench.wait(1)
    bench.xw(0x00, bench.xr(0x00) | 2)
    assert bench.sr() & (0x22 | SMF) == 2
    bench.wait(FOR_EVER)
    assert not bench.sr() & SMF


def test_dr_outside_polling_gives_nothing_of_it(bench):
    bench.fake.answer = b"\x02"
    start(bench)
    bench.wait(2)
    bench.mode(0)
    assert bench.xr(0x50) == 0
    bench.mode(1)
    assert bench.xr(0x50) == 0


def test_a_poll_is_not_made_before_its_time(bench):
    busy_until_poll(bench, 3)
    start(bench)
    bench.wait(2 * 18 + 2)
    assert bench.sr() == BUSY | FTF
    assert bench.xr(0x50) == 3
    bench.wait(17)
    assert len(bench.heard) == 1
    assert bench.xr(0x50) == 3
    bench.wait(1)
    assert bench.xr(0x50) == 2


def test_the_next_polling_begins_anew(bench):
    bench.fake.answer = b"\x03"
    start(bench)
    bench.wait(FOR_EVER)
    bench.sr()
    bench.xw(0x00, bench.xr(0x00) | 2)
    bench.xw(0x24, 0x1F)
    bench.fake.answer = b"\x02"
    bench.wait(10)
    start(bench)
    assert bench.sr() == BUSY
    bench.wait(2)
    assert bench.sr() == SMF | FTF
