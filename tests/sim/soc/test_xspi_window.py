"""The memory-mapped mode: frames, prefetch, time-out, stores, and what is refused (hw-soc 7.3; RM0456 30.4.15-19)."""

from __future__ import annotations

import pytest

from n6prog.sim.soc.bus import BusFault, BusHang

CLK = 31_250
BASE = 0x7000_0000
TCF, TOF, BUSY = 2, 16, 0x20
TCEN, NOPREF = 8, 1 << 25
READ = 0x0400_3404  # 8S: a byte a CLK behind five of head
DTR_READ = 0x2C00_3C1C


def enter(bench, ccr=READ, *, extra=NOPREF, timeout=None, tcr=0, wccr=0):
    bench.setup(ccr, 0xEC, tcr=tcr)
    bench.xw(0x180, wccr)
    bench.xw(0x190, 0x12ED if wccr >> 27 & 1 else 0x12)
    if timeout is not None:
        bench.xw(0x130, timeout)
        extra |= TCEN
    bench.xw(0x00, 0x3000_0301 | extra)


def took(bench, address, length=4):
    """Clocks that a read costs."""
    before = bench.time.now
    bench.soc.read_block(address, length)
    clocks, rest = divmod(bench.time.now - before, CLK)
    assert rest == 0
    return clocks


# ---- reads


def test_a_read_is_a_frame_of_the_read_set(bench):
    enter(bench, tcr=6)
    now = bench.time.now
    assert bench.r(BASE + 0x1234) == 0x0302_0100
    assert bench.heard == [(now, CLK, b"\xec\0\0\x12\x34", b"", 4)]
    assert bench.time.now == now + (5 + 6 + 4) * CLK
    assert bench.r(BASE, 1) == 0
    assert bench.r(BASE, 2) == 0x0100


def test_alternate_bytes_go_out_too(bench):
    bench.xw(0x120, 0xA5)
    enter(bench, READ | 0x0004_0000)
    bench.r(BASE)
    assert bench.heard[0][2] == b"\xec\0\0\0\0\xa5"


def test_a_burst_costs_more_than_its_bus_time(cold):
    cold.bring_up()
    cold.map()
    before = cold.time.now
    cold.soc.read_block(BASE, 65)
    assert cold.time.now - before == (48 + 65 * 8) * CLK + 2 * 500_000


def test_the_next_address_needs_no_new_head(bench):
    enter(bench)
    assert took(bench, BASE + 0x100) == 9
    assert took(bench, BASE + 0x104, 8) == 8
    assert took(bench, BASE + 0x10C, 1) == 1
    assert took(bench, BASE + 0x10E) == 2 + 9  # not the next one: NCS up for two clocks (CSHT), a new frame
    assert took(bench, BASE + 0x10E) == 2 + 9


def test_prefetch_has_the_next_bytes_ready(bench):
    enter(bench, extra=0)
    took(bench, BASE)
    bench.wait(3)
    assert took(bench, BASE + 4) == 1  # three of four are here
    bench.wait(1000)
    assert took(bench, BASE + 8, 64) == 0  # the FIFO's worth
    assert took(bench, BASE + 72) == 4
    bench.wait(10)
    assert took(bench, BASE + 76) == 0
    assert took(bench, BASE + 80, 8) == 2  # ten came, four were taken


def test_prefetch_is_the_fifo_and_not_more(bench):
    enter(bench, extra=0)
    took(bench, BASE)
    bench.wait(1000)
    assert took(bench, BASE + 4, 65) == 1


def test_without_prefetch_waiting_gains_nothing(bench):
    enter(bench)
    took(bench, BASE)
    bench.wait(1000)
    assert took(bench, BASE + 4) == 4


def test_dtr_moves_pairs_from_even_addresses(bench):
    enter(bench, DTR_READ, tcr=20)
    bench.fake.answer = bytes(range(16, 32))
    now = bench.time.now
    assert bench.soc.read_block(BASE + 0x101, 2) == bytes((16, 19))  # MTYP 1 swaps 16 17, 18 19 to 17 16, 19 18
    assert bench.heard[0][2:] == (b"\0\xec\0\0\1\0", b"", 4)
    assert bench.time.now == now + (1 + 2 + 20 + 2) * CLK
    assert bench.soc.read_block(BASE + 0x200, 3) == bytes((17, 16, 19))
    assert bench.heard[1][4] == 4
    assert bench.soc.read_block(BASE + 0x301, 1) == bytes((16,))
    assert bench.heard[2][4] == 2


def test_a_read_without_a_strobe_never_ends(bench):
    enter(bench, DTR_READ)
    bench.fake.drives_dqs = False
    with pytest.raises(BusHang) as hang:
        bench.r(BASE + 8)
    assert hang.value.address == BASE + 8
    assert bench.sr() & BUSY
    bench.xw(0x00, bench.xr(0x00) | 2)
    assert bench.sr() & (BUSY | TCF) == TCF


def test_a_strobe_nobody_drives_hangs_too(bench):
    enter(bench, DTR_READ)
    bench.fake.answer = None
    with pytest.raises(BusHang):
        bench.r(BASE)


def test_lines_that_float_are_read_without_a_strobe(bench):
    enter(bench)
    bench.fake.answer = None
    assert bench.r(BASE) == 0xF1F1_F1F1


# ---- what is refused


def test_unmapped_is_an_error(bench):
    for access in (lambda: bench.r(BASE), lambda: bench.w(BASE, 0), lambda: bench.soc.read_block(BASE, 16)):
        with pytest.raises(BusFault):
            access()
    enter(bench)
    bench.xw(0x00, 0)
    with pytest.raises(BusFault):
        bench.r(BASE)


def test_beyond_the_device_is_an_error(bench):
    bench.xw(0x08, 0x0104_0100)  # 32 bytes
    enter(bench, wccr=READ)
    bench.r(BASE + 28)
    bench.w(BASE + 28, 0)
    with pytest.raises(BusFault) as fault:
        bench.r(BASE + 29)
    assert fault.value.address == BASE + 29
    with pytest.raises(BusFault):
        bench.w(BASE + 30, 0)
    with pytest.raises(BusFault):
        bench.r(BASE + 32, 1)


def test_a_frame_without_data_is_an_error(bench):
    enter(bench, 0x0000_3404, wccr=0x0000_3404)
    with pytest.raises(BusFault):
        bench.r(BASE)
    with pytest.raises(BusFault):
        bench.w(BASE, 0)
    assert bench.heard == []


def test_a_store_without_a_write_set_is_an_error(bench):
    enter(bench)
    with pytest.raises(BusFault):
        bench.w(BASE, 0)


def test_a_dtr_store_wants_dqs(bench):
    enter(bench, wccr=0x0C00_3C1C)
    with pytest.raises(BusFault):
        bench.w(BASE, 0)
    bench.xw(0x180, 0x2C00_3C1C)
    bench.w(BASE, 0)
    bench.xw(0x00, 0x303)
    assert len(bench.heard) == 1


def test_the_last_word_of_256_mb_never_comes(bench):
    bench.xw(0x08, 0x011B_0100)
    enter(bench, wccr=READ)
    bench.r(BASE + 0x0FFF_FFF8)
    with pytest.raises(BusHang):
        bench.r(BASE + 0x0FFF_FFFC)
    with pytest.raises(BusHang):
        bench.w(BASE + 0x0FFF_FFFC, 0)
    bench.xw(0x00, 0x303)
    bench.xw(0x08, 0x011C_0100)  # 512 MB: the window ends, the device does not
    enter(bench)
    bench.r(BASE + 0x0FFF_FFFC)


def test_without_a_kernel_clock_the_bus_hangs(bench):
    enter(bench, wccr=READ)
    bench.w(0x5602_8158, 2 << 4)
    with pytest.raises(BusHang):
        bench.r(BASE)
    with pytest.raises(BusHang):
        bench.w(BASE, 0)


def test_without_its_bus_clock_or_in_reset_the_bus_hangs(bench):
    enter(bench)
    bench.w(0x5602_9260, 1 << 12)
    with pytest.raises(BusHang):
        bench.r(BASE)
    assert not bench.soc.mapped()
    bench.w(0x5602_8A60, 1 << 12)
    assert bench.soc.mapped()
    bench.w(0x5602_8A20, 1 << 12)
    with pytest.raises(BusHang):
        bench.r(BASE)


@pytest.mark.parametrize("address", [0x6FFF_FFFC, 0xA000_0000, 0x6000_0000])
def test_other_memory_is_not_a_window(bench, address):
    with pytest.raises(BusFault):
        bench.r(address)
    with pytest.raises(BusFault):
        bench.w(address, 0)


# ---- BUSY, time-out, abort


def test_busy_begins_with_the_first_access_and_ends_with_abort(bench):
    enter(bench, timeout=10)
    assert bench.sr() == 0
    bench.r(BASE)
    assert bench.sr() == BUSY
    bench.wait(9)
    assert bench.sr() == BUSY
    bench.wait(1)
    assert bench.sr() == BUSY | TOF  # NCS is up; BUSY goes only by an abort (RM0456 30.4.19)
    bench.xw(0x24, TOF)
    bench.wait(1000)
    assert bench.sr() == BUSY
    bench.xw(0x00, 0x3000_0301 | 2)
    assert bench.sr() == TCF
    bench.r(BASE)
    assert bench.sr() == BUSY | TCF


def test_the_time_out_runs_from_the_end_of_the_prefetch(bench):
    enter(bench, extra=0, timeout=10)
    bench.r(BASE)
    bench.wait(64 + 9)
    assert bench.sr() == BUSY
    bench.wait(1)
    assert bench.sr() == BUSY | TOF


def test_a_full_fifo_does_not_lengthen_the_time_out(bench):
    enter(bench, extra=0, timeout=10)
    bench.r(BASE)
    bench.wait(70)
    bench.r(BASE + 4)  # 64 are here: 60 stay, four more come
    bench.wait(13)
    assert bench.sr() == BUSY
    bench.wait(1)
    assert bench.sr() == BUSY | TOF


def test_a_time_out_of_zero_raises_ncs_at_once(bench):
    enter(bench, timeout=0)
    bench.r(BASE)
    assert bench.sr() == BUSY | TOF


def test_without_tcen_ncs_stays_low(bench):
    bench.xw(0x130, 10)
    enter(bench)
    bench.r(BASE)
    bench.wait(10**9)
    assert bench.sr() == BUSY
    assert took(bench, BASE + 4) == 4


def test_after_the_time_out_the_next_address_is_a_new_frame(bench):
    enter(bench, timeout=10)
    bench.r(BASE)
    bench.wait(10)
    assert took(bench, BASE + 4) == 2 + 9  # NCS has just risen
    bench.wait(12)
    assert took(bench, BASE + 8) == 9


def test_the_end_is_told_once(bench):
    enter(bench, timeout=10)
    bench.r(BASE)
    bench.wait(10)
    assert bench.sr() & TOF
    bench.xw(0x24, TOF)
    assert not bench.sr() & TOF


def test_a_program_that_waits_for_the_time_out_is_taken_there(bench):
    enter(bench, timeout=1000)
    bench.r(BASE)
    end = bench.time.now + 1000 * CLK
    assert not bench.xr(0x20) & TOF
    assert bench.xr(0x20) & TOF
    assert bench.time.now == end


def test_registers_are_deaf_once_it_was_accessed(bench):
    enter(bench)
    bench.xw(0x108, 4)
    assert bench.xr(0x108) == 4
    bench.r(BASE)
    bench.xw(0x108, 5)
    bench.mode(0)
    assert (bench.xr(0x108), bench.soc.mapped()) == (4, True)
    bench.xw(0x00, 0x3000_0301 | 2)
    bench.mode(0)
    assert not bench.soc.mapped()


def test_ar_and_dr_do_nothing_while_mapped(bench):
    enter(bench)
    bench.xw(0x48, 0)
    bench.xw(0x110, 0xEC)
    bench.xw(0x50, 1)
    assert bench.heard == []
    assert bench.xr(0x50) == 0


def test_disabling_ends_it(bench):
    enter(bench, extra=0)
    bench.r(BASE)
    bench.xw(0x00, 0x3000_0300)
    assert bench.sr() & BUSY == 0
    bench.xw(0x00, 0x3000_0301)
    assert bench.sr() & BUSY == 0
    assert took(bench, BASE + 4) == 2 + 9


# ---- the other windows


def swapped(bench, number):
    """XSPI1 to port 2 (swap), or XSPI3 there (XSPI1 and 2 share port 1)."""
    bench.xw(0x00, 0)
    bench.w(0x5602_8A60, 1 << {1: 5, 3: 17}[number])
    bench.w(0x5802_B400, {1: 2, 3: 1}[number])
    registers = {1: 0x5802_5000, 3: 0x5802_D000}[number]
    for offset, value in ((0x08, 0x0119_0100), (0x220, 1), (0x100, READ), (0x110, 0xEC), (0x00, 0x3000_0001)):
        bench.w(registers + offset, value)
    return {1: 0x9000_0000, 3: 0x8000_0000}[number]


@pytest.mark.parametrize("number", [1, 3])
def test_xspi1_and_xspi3_have_windows_of_their_own(bench, number):
    base = swapped(bench, number)
    assert bench.r(base + 0x10) == 0x0302_0100
    assert bench.soc.read_block(base + 0x0100_0000, 4) == b"\0\1\2\3"
    assert [frame[2] for frame in bench.heard] == [b"\xec\0\0\0\x10", b"\xec\1\0\0\0"]
    assert bench.soc.mapped(number)
    assert bench.soc.mapped_content(number) is bench.fake.content
    assert not bench.soc.mapped()
    with pytest.raises(BusFault):
        bench.r(BASE)
    bench.w(0x5602_9260, 1 << {1: 5, 3: 17}[number])
    with pytest.raises(BusHang):
        bench.r(base)
    assert not bench.soc.mapped(number)


def test_up_to_31_dummies(bench):
    enter(bench, tcr=31)
    assert took(bench, BASE) == 5 + 31 + 4


@pytest.mark.parametrize("dummies", [0, 7, 9, 12, 24])
def test_a_window_that_is_memory_knows_its_dummies(cold, dummies):
    """1S fast read wants 8 (hw-flash 2.1): with others the window is not the plain content."""
    cold.bring_up()
    cold.map(tcr=8)
    assert cold.soc.mapped_content() is not None
    cold.map(tcr=dummies)
    assert cold.soc.mapped_content() is None
