"""Corners of XSPI: what a look costs, what a write to CR changes, what registers are when nobody wrote them."""

from __future__ import annotations

import pytest

from n6prog.sim.soc.bus import BusHang

CLK = 31_250
TEF, TCF, FTF, SMF, BUSY = 1, 2, 4, 8, 32
CCIPR6, NO_CLOCK = 0x5602_8158, 3 << 4  # RCC: the source of XSPI2's kernel clock


def mapped(bench):
    bench.map(ccr=0x0400_3404, tcr=0, ir=0xEC, timeout=False)


def test_a_byte_of_sr_is_read_at_its_own_address(bench):
    bench.begin_write(100)
    bench.xw(0x50, 0)
    assert bench.xr(0x21, 1) == 4  # FLEVEL
    assert bench.xr(0x20, 1) == BUSY | FTF
    assert bench.xr(0x20, 2) == 4 << 8 | BUSY | FTF


def test_only_the_address_of_dr_itself_takes_data(bench):
    bench.begin_write(100)
    bench.xw(0x51, 0x55, 1)
    assert not bench.sr() & BUSY


def test_an_abort_may_choose_the_next_mode(bench):
    bench.begin_write(100)
    bench.xw(0x50, 0)
    bench.xw(0x00, 0x1000_0001)
    assert bench.xr(0x00) >> 28 == 0  # FMODE is quiet while BUSY
    bench.xw(0x00, 0x1000_0003)
    assert bench.xr(0x00) >> 28 == 1


def test_without_the_window_a_write_to_cr_changes_no_mapping(bench):
    told = []
    bench.soc.on_mapping_changed = lambda: told.append(True)
    bench.xw(0x00, 0x1000_0001)
    assert told == []
    mapped(bench)
    assert told
    told.clear()
    bench.xw(0x00, 1)
    assert told


def test_a_full_fifo_shows_nothing_but_busy_and_its_level(bench):
    bench.begin_write(200, fthres=31)
    for _ in range(16):
        bench.xw(0x50, 0)
    assert bench.sr() == 64 << 8 | BUSY


def test_a_first_look_at_a_fifo_that_drains_waits_for_nothing(bench):
    bench.begin_write(64, fthres=63)
    for _ in range(16):
        bench.xw(0x50, 0)
    now = bench.time.now
    assert bench.xr(0x20) == 64 << 8 | BUSY
    assert bench.time.now == now
    assert bench.xr(0x20) == TCF | FTF
    assert bench.time.now > now


def test_one_byte_taken_makes_a_look_wait_for_the_next_burst(bench):
    now = bench.begin_read(64, fthres=31)
    bench.xr(0x50, 1)
    assert bench.xr(0x20) == 32 << 8 | BUSY | FTF
    assert bench.time.now == now + (5 + 33) * CLK


@pytest.mark.parametrize("flags", [0, TEF])
def test_a_second_look_at_a_command_waits_for_its_end(bench, flags):
    bench.xw(0x00, 1)
    bench.xspi.flags = flags
    bench.setup(0x3404, 0x21, tcr=7)
    bench.xw(0x48, 0)
    now = bench.time.now
    assert bench.xspi.read(0x5802_A020, 4) & BUSY
    assert bench.time.now == now
    assert bench.xspi.read(0x5802_A020, 4) == TCF | FTF | flags
    assert bench.time.now == now + (1 + 4 + 7) * CLK


def test_news_ends_the_count_of_looks_without_news(make_bench):
    bench = make_bench(CLK)
    bench.bring_up()
    bench.xw(0x00, 1)
    begun = bench.time.now
    for _ in range(3):
        for _ in range(60):
            bench.xr(0x20)
        bench.xw(0x24, 0)
    assert bench.time.now == begun + 3 * 61 * CLK


def test_after_a_match_ncs_stays_high_before_the_next_frame(bench):
    bench.fake.answer = b"\0"
    bench.mode(2, 1 << 22)
    bench.xw(0x80, 1)
    bench.xw(0x88, 0)
    bench.setup(0x0400_0004, 0x05, 1)
    while not bench.xr(0x20) & SMF:
        pass
    now = bench.time.now
    bench.xw(0x24, SMF)
    bench.command(0x06, 0x4)
    assert bench.heard[-1][0] == now + 2 * CLK  # CSHT is 1


def test_the_window_comes_back_with_its_clock(bench):
    mapped(bench)
    assert bench.r(0x7000_0010) == 0x0302_0100
    bench.w(CCIPR6, NO_CLOCK)
    assert bench.xspi.is_mapped
    bench.w(CCIPR6, 0)
    assert bench.r(0x7000_0020) == 0x0302_0100


def test_a_write_to_rcc_that_leaves_the_clock_leaves_the_transfer(bench):
    bench.begin_read(100)
    bench.w(CCIPR6, 1 << 8)
    bench.wait(5 + 4)
    assert bench.sr() == 4 << 8 | BUSY | FTF


def test_a_frame_that_is_over_has_reached_the_nor_when_a_snapshot_is_taken(bench):
    bench.begin_write(4)
    bench.xw(0x50, 0)
    bench.wait(9)
    bench.xspi.snapshot()
    assert len(bench.heard) == 1


def test_a_look_after_a_restore_is_a_first_look(bench):
    now = bench.begin_read(64, fthres=31)
    state = bench.xspi.snapshot()
    assert bench.xr(0x20) == BUSY
    bench.xspi.restore(state)
    assert bench.xr(0x20) == BUSY
    assert bench.time.now == now


def test_a_burst_that_fits_is_looked_at_until_the_last_byte_is_out(bench):
    bench.begin_write(32, fthres=31)
    begun = bench.time.now
    for _ in range(8):
        bench.xw(0x50, 0)
    assert bench.xr(0x20) == 32 << 8 | BUSY | FTF  # room for just another burst, though the head is still going out
    assert bench.xr(0x20) == TCF | FTF
    assert bench.time.now == begun + (5 + 32) * CLK


def test_a_transfer_without_a_limit_must_begin_within_the_device(bench):
    bench.xw(0x00, 0x1000_0001)
    bench.setup(0x0400_3404, 0xEC, 1 << 32)
    bench.xw(0x48, 64 << 20)
    assert bench.sr() == TEF
    bench.xw(0x24, TEF)
    bench.xw(0x48, (64 << 20) - 1)
    assert bench.sr() & (BUSY | TEF) == BUSY


def test_what_nobody_wrote_is_sent_as_zero(bench):
    bench.xw(0x00, 1)
    bench.setup(0x0004_0004, 0x66)  # an alternate byte, and ABR as after reset
    bench.wait(10)
    assert bench.sr() & TCF
    assert bench.heard[-1][2] == b"\x66\0"


def test_a_calibration_shows_a_period_and_its_quarter(make_bench):
    bench = make_bench()
    bench.bring_up()
    bench.xw(0x0C, 0)  # a new prescaler calls for one (RM0456 30.4.18)
    bench.command(0x06, 0x4)
    period = bench.xr(0x210)
    assert period
    assert period & 0x001F_007F == period  # COARSE, FINE
    for quarter in (0x220, 0x228):
        assert 4 * bench.xr(quarter) == period


# ---- the window ----------------------------------------------------------------------------------------------------


def test_after_ncs_rose_the_first_address_needs_a_head_too(bench):
    bench.map(ccr=0x0400_3404, tcr=0, ir=0xEC)  # time-out of 64 clocks
    bench.r(0x7000_0010)
    bench.wait(1000)
    assert bench.sr() & 16
    now = bench.time.now
    bench.r(0x7000_0000)
    assert bench.time.now == now + (5 + 4) * CLK


def test_a_byte_at_an_odd_address_is_that_byte(bench):
    mapped(bench)
    bench.fake.answer = b"\x5a\xa5"
    assert bench.r(0x7000_0011, 1) == 0x5A
    assert bench.heard[-1][2] == b"\xec\0\0\0\x11"


def test_a_read_that_hangs_keeps_ncs_low_until_the_mode_is_left(bench):
    bench.fake.drives_dqs = False
    bench.map(ccr=0x2400_3404, tcr=0, ir=0xEC, timeout=False)
    with pytest.raises(BusHang):
        bench.r(0x7000_0010)
    bench.xw(0x00, 0)
    now = bench.time.now
    bench.xw(0x100, 0x4)
    bench.xw(0x00, 1)
    bench.xw(0x110, 0x06)
    bench.wait(10)
    assert bench.sr() & TCF
    assert bench.heard[-1][0] == now + 2 * CLK  # CSHT is 1


def test_the_nor_is_asked_whether_this_read_keeps_up(bench):
    asked = []
    bench.fake.keeps_up = lambda opcode, clock: asked.append((opcode, clock)) or True
    mapped(bench)
    assert bench.soc.mapped_content() is not None
    assert (0xEC, CLK) in asked
    assert all(question == (0xEC, CLK) for question in asked)


def test_stores_have_an_odd_number_of_dummies_too(bench):
    mapped(bench)
    bench.xw(0x00, 1)
    for offset, value in ((0x180, 0x0400_3404), (0x188, 1), (0x190, 0x12)):
        bench.xw(offset, value)
    bench.xw(0x00, 0x3000_0001)
    now = bench.time.now
    bench.w(0x7000_0010, 0)
    assert bench.time.now == now + (5 + 1 + 4) * CLK
