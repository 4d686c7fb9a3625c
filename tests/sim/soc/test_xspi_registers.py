"""XSPI's registers: which bits exist, what is deaf while BUSY, access sizes, flag clearing (hw-soc 7.2, EMB)."""

from __future__ import annotations

from itertools import pairwise

import pytest

CLK = 31_250
BUSY, TCF = 0x20, 2
XSPI2 = 0x5802_A000

# register: bits that exist (SVD, CMSIS header)
BITS = {
    0x008: 0x073F_3F03,
    0x00C: 0x0007_00FF,
    0x010: 0x001F_00FF,
    0x014: 0xFFFF_FFFF,
    0x040: 0xFFFF_FFFF,
    0x048: 0xFFFF_FFFF,
    0x080: 0xFFFF_FFFF,
    0x088: 0xFFFF_FFFF,
    0x090: 0x0000_FFFF,
    0x100: 0x2F3F_3F3F,
    0x108: 0x5000_001F,
    0x110: 0xFFFF_FFFF,
    0x120: 0xFFFF_FFFF,
    0x130: 0x0000_FFFF,
    0x140: 0x2F3F_3F3F,
    0x148: 0x5000_001F,
    0x150: 0xFFFF_FFFF,
    0x160: 0xFFFF_FFFF,
    0x180: 0x2F3F_3F3F,
    0x188: 0x0000_001F,
    0x190: 0xFFFF_FFFF,
    0x1A0: 0xFFFF_FFFF,
    0x200: 0x00FF_FF03,
    0x218: 0x001F_007F,
    0x220: 0x001F_007F,
    0x228: 0x001F_007F,
}
QUIET = 0xF7C0_00C8  # of CR: TCEN, DMM, FSEL, APMS, PMM, CSSEL, NOPREF, NOPREF_AXI, FMODE, MSEL


@pytest.mark.parametrize("offset", BITS)
def test_the_bits_that_exist(bench, offset):
    bench.xw(0x00, 0)
    bench.xw(offset, 0xFFFF_FFFF)
    assert bench.xr(offset) == BITS[offset]
    bench.xw(offset, 0)
    assert bench.xr(offset) == 0


def test_the_bits_of_cr(bench):
    bench.xw(0x00, 0xFFFF_FFFF)
    assert bench.xr(0x00) == 0xF7DF_3FCD


def test_what_is_not_there_reads_zero_and_the_size_id_reads_as_openocd_wants_it(bench):
    for offset in (0x04, 0x1C, 0x60, 0x210, 0x300, 0x3FC):
        before = bench.xr(offset)
        bench.xw(offset, 0x5555_5555)
        assert bench.xr(offset) == before == (0xA3C5_DD01 if offset == 0x3FC else 0)


def test_all_registers_reset_to_zero(bench):
    for offset in BITS:
        bench.xw(offset, 0xFFFF_FFFF)
    bench.w(0x5602_8A20, 1 << 12)
    bench.w(0x5602_9220, 1 << 12)
    assert all(bench.xr(offset) == 0 for offset in (0, *BITS))


def test_a_reset_of_one_xspi_leaves_the_others(bench):
    bench.w(0x5602_8A60, 1 << 5 | 1 << 17)
    for base in (0x5802_5000, XSPI2, 0x5802_D000):
        bench.w(base + 0x40, 7)
    bench.w(0x5602_8A20, 1 << 12)
    bench.w(0x5602_9220, 1 << 12)
    assert [bench.r(base + 0x40) for base in (0x5802_5000, XSPI2, 0x5802_D000)] == [7, 0, 7]


def test_narrow_writes_leave_the_rest_of_a_register(bench):
    bench.xw(0x40, 0x4433_2211)
    bench.xw(0x41, 0xAA, 1)
    bench.xw(0x42, 0xCCBB, 2)
    assert bench.xr(0x40) == 0xCCBB_AA11
    assert bench.xr(0x43, 1) == 0xCC
    assert bench.xr(0x42, 2) == 0xCCBB


def test_both_aliases_are_the_same_registers_and_the_same_fifo(bench):
    bench.w(0x4802_A040, 77)
    assert bench.xr(0x40) == 77
    bench.begin_read(8)
    bench.wait(100)
    assert bench.r(0x4802_A050) == 0x0302_0100
    assert bench.r(0x5802_A050) == 0x0706_0504
    assert bench.r(0x4802_A020) & TCF


@pytest.mark.parametrize("size", [1, 2, 4])
def test_sr_is_read_in_every_size(bench, size):
    bench.begin_read(64)
    bench.wait(100)
    assert bench.xr(0x20, size) == (0x4026 & (1 << 8 * size) - 1)


def test_sr_and_calfcr_are_read_only(bench):
    bench.xw(0x20, 0xFFFF_FFFF)
    bench.xw(0x210, 0xFFFF_FFFF)
    assert (bench.sr(), bench.xr(0x210)) == (4, 0)


def test_every_access_costs_the_same(cold):
    cold.bring_up()
    for access in (lambda: cold.xr(0x40), lambda: cold.xw(0x40, 1), lambda: cold.xr(0x20), lambda: cold.xw(0x50, 1)):
        before = cold.time.now
        access()
        assert cold.time.now - before == 125_000


# ---- while BUSY


@pytest.mark.parametrize("offset", [offset for offset in BITS if offset != 0x00])
def test_registers_are_deaf_while_busy(bench, offset):
    bench.begin_read(100)
    before = bench.xr(offset)
    bench.xw(offset, ~before & 0xFFFF_FFFF)
    assert bench.xr(offset) == before
    bench.xw(0x00, bench.xr(0x00) | 2)
    bench.xw(offset, ~before & BITS[offset])
    assert bench.xr(offset) == ~before & BITS[offset]


def test_registers_listen_again_as_soon_as_a_write_is_out(bench):
    bench.begin_write(1)
    bench.xw(0x50, 0, 1)
    bench.wait(5)
    bench.xw(0x40, 9)
    assert bench.xr(0x40) == 0
    bench.wait(1)
    bench.xw(0x40, 9)
    assert bench.xr(0x40) == 9


def test_of_cr_only_the_quiet_bits_are_deaf_while_busy(bench):
    bench.begin_read(100)
    before = bench.xr(0x00)
    bench.xw(0x00, (~before & 0xFFFF_FFFD) | 1)
    after = bench.xr(0x00)
    assert after & QUIET == before & QUIET
    assert after & ~QUIET == (~before & 0x001F_3F04 | 1) & ~QUIET
    bench.xw(0x00, before | 2)
    bench.xw(0x00, before | QUIET)
    assert bench.xr(0x00) & QUIET == QUIET


def test_a_busy_read_keeps_its_frame(bench):
    bench.begin_read(8)
    bench.xw(0x08, 0)
    bench.xw(0x0C, 7)
    bench.wait(13)
    assert bench.sr() == BUSY | 6 | 0x800


# ---- flags


def test_fcr_clears_only_the_flags_it_names(bench):
    bench.xspi.flags = 0x1B
    for bit, left in ((1, 0x1A), (4, 0x1A), (8, 0x12), (0x20, 0x12), (16, 0x02), (2, 0x00)):
        bench.xw(0x24, bit)
        assert bench.sr() & 0x1B == left
    assert bench.sr() & 4  # FTF follows the FIFO
    assert bench.xr(0x24) == 0


def test_fcr_clears_a_flag_that_nobody_has_seen_yet(bench):
    bench.begin_write(1)
    bench.xw(0x50, 0, 1)
    bench.wait(6)
    bench.xw(0x24, 2)
    assert bench.sr() == 4


@pytest.mark.parametrize(("mode", "ftf"), [(0, 4), (1, 0), (2, 0), (3, 0)])
def test_ftf_at_rest_is_the_room_for_a_write(bench, mode, ftf):
    bench.mode(mode)
    assert bench.sr() == ftf


# ---- looks that wait (a simulator's courtesy: it must never change what is seen)


def test_the_second_look_without_news_waits_for_it(bench):
    now = bench.begin_read(64, fthres=31)
    assert bench.xr(0x20) == BUSY
    assert bench.time.now == now
    assert bench.xr(0x20) == BUSY | 4 | 32 << 8
    assert bench.time.now == now + (5 + 32) * CLK


def test_anything_else_in_between_is_no_second_look(bench):
    for other in (lambda: bench.xr(0x40), lambda: bench.xw(0x24, 0), lambda: bench.xr(0x00)):
        now = bench.begin_read(64, fthres=31)
        for _ in range(3):
            bench.xr(0x20)
            other()
        assert bench.time.now == now
        bench.xw(0x00, bench.xr(0x00) | 2)


def test_between_two_bursts_the_first_look_waits(bench):
    now = bench.begin_read(64, fthres=3)
    bench.wait(9)
    assert bench.xr(0x50) == 0x0302_0100
    assert bench.xr(0x20) == BUSY | 4 | 4 << 8
    assert bench.time.now == now + 13 * CLK


def test_the_last_burst_is_waited_for_to_its_end(bench):
    now = bench.begin_read(8, fthres=3)
    bench.wait(9)
    bench.xr(0x50)
    assert bench.xr(0x20) == BUSY | 6 | 4 << 8
    assert bench.time.now == now + 13 * CLK


def test_a_look_between_bursts_that_are_here_costs_nothing(bench):
    bench.begin_read(100, fthres=3)
    bench.wait(50)
    bench.xr(0x50)
    now = bench.time.now
    assert bench.xr(0x20) == BUSY | 4 | 41 << 8
    assert bench.time.now == now


def test_looks_at_a_write_wait_for_room_and_for_the_end(bench):
    bench.begin_write(68, fthres=3)
    now = bench.time.now
    for _ in range(16):
        bench.xw(0x50, 0)
    assert bench.xr(0x20) == BUSY | 4 | 60 << 8
    assert bench.time.now == now + 9 * CLK
    bench.xw(0x50, 0)
    bench.xr(0x20)
    bench.xr(0x20)
    assert bench.xr(0x20) & TCF or bench.xr(0x20) & TCF
    assert bench.time.now == now + (5 + 68) * CLK


def test_looks_at_a_command_wait_for_its_end(bench):
    bench.xw(0x100, 0x0000_0014)
    now = bench.time.now
    bench.xw(0x110, 0x06F9)
    assert bench.xr(0x20) == BUSY | 4
    assert bench.xr(0x20) == TCF | 4
    assert bench.time.now == now + 2 * CLK


def test_looks_where_nothing_will_happen_get_longer_after_a_while(bench):
    bench.begin_read(100)
    bench.wait(200)
    looks = [bench.time.now]
    for _ in range(3000):
        bench.xr(0x20)
        looks.append(bench.time.now)
        bench.time.now += 1000
    assert looks[60] - looks[0] == 59 * 1000
    assert looks[-1] - looks[0] > 10**9
    assert max(after - before for before, after in pairwise(looks)) <= 10**9 + 1000


def test_news_ends_the_patience(bench):
    bench.begin_read(100)
    bench.wait(200)
    for _ in range(200):
        bench.xr(0x20)
        bench.time.now += 1000
    bench.xw(0x00, bench.xr(0x00) | 2)
    now = bench.time.now
    for _ in range(60):
        bench.xr(0x20)
    assert bench.time.now == now


# ---- the fast ways to DR and SR give what the slow ones give


@pytest.mark.parametrize("fthres", [3, 31, 63])
@pytest.mark.parametrize("length", [4, 64, 68, 200, 255])
def test_fast_and_slow_reads_agree(make_bench, fthres, length):
    def run(hot: bool) -> tuple[list[int], int, int]:
        bench = make_bench()
        bench.bring_up()
        reader = bench.soc.hot.get if hot else {}.get
        status, data = (reader(XSPI2 + offset, bench.soc.read) for offset in (0x20, 0x50))
        bench.begin_read(length, fthres=fthres)
        seen, left = [], length
        while left:
            value = status(XSPI2 + 0x20, 4)
            seen.append(value)
            burst = fthres + 1 if value & 4 and left > fthres else left if value & TCF else 0
            for _ in range(burst // 4):
                seen.append(data(XSPI2 + 0x50, 4))
                bench.time.now += 1000
            seen += [data(XSPI2 + 0x50, 1) for _ in range(burst % 4)]
            left -= burst
        return seen, bench.time.now, bench.sr()

    assert run(hot=True) == run(hot=False)


def test_the_fast_ways_exist_for_both_aliases_and_cost_the_same(cold):
    cold.bring_up()
    cold.content[0:64] = bytes(range(64))
    cold.start_read(0x13, 0x0100_3101, 64, 0)
    cold.time.advance(10**9)
    cold.xr(0x20)
    for address in (0x5802_A050, 0x4802_A050):
        before = cold.time.now
        value = cold.soc.hot[address](address, 4)
        assert cold.time.now - before == 125_000
        assert value in (0x0302_0100, 0x0706_0504)
    before = cold.time.now
    cold.soc.hot[0x4802_A020](0x4802_A020, 4)
    assert cold.time.now - before == 125_000


def test_the_fast_ways_go_when_the_block_has_no_clock(bench):
    assert 0x5802_A050 in bench.soc.hot
    bench.w(0x5602_9260, 1 << 12)
    assert 0x5802_A050 not in bench.soc.hot
