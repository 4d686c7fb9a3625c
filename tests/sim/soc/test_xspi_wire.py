"""XSPI's clock, chip select and lines: prescaler, kernel clock, NCS high time, calibration, MSEL, CSSEL (hw-soc 7)."""

from __future__ import annotations

import pytest

CLK = 31_250  # 32 MHz
CALIBRATION = 32  # clocks, assumed
IC3, IC4 = 2, 3  # CCIPR6


def command(bench):
    """WREN in 8S, two clocks; gives what the NOR heard of it."""
    bench.xw(0x100, 0x0000_0014)
    bench.xw(0x110, 0x06F9)
    bench.wait(10_000)
    bench.sr()
    return bench.heard[-1]


@pytest.mark.parametrize(("prescaler", "clock"), [(0, CLK), (1, 2 * CLK), (2, 3 * CLK), (255, 256 * CLK)])
def test_the_prescaler_divides_by_one_more(bench, prescaler, clock):
    bench.xw(0x0C, prescaler)
    assert command(bench)[1] == clock


def test_the_wrap_size_beside_the_prescaler_does_not_divide(bench):
    bench.xw(0x0C, 0x0005_0000)
    assert bench.xr(0x0C) == 0x0005_0000
    assert command(bench)[1] == CLK


@pytest.mark.parametrize("select", [IC3, IC4])
def test_a_dead_kernel_clock_is_busy_for_ever(bench, select):
    bench.w(0x5602_8158, select << 4)  # neither divider is enabled
    bench.xw(0x100, 0x14)
    bench.xw(0x110, 0x06)
    bench.wait(10**6)
    assert bench.sr() & 0x22 == 0x20
    bench.xw(0x00, 0x303)  # ABORT does not get through either
    assert bench.sr() & 0x22 == 0x20
    assert bench.heard == []
    bench.w(0x5602_8A20, 1 << 12)  # a reset of the block does
    bench.w(0x5602_9220, 1 << 12)
    assert bench.sr() == 0x04


def test_a_clock_that_comes_back_can_be_aborted_but_not_resumed(bench):
    bench.w(0x5602_8158, IC3 << 4)
    bench.xw(0x100, 0x14)
    bench.xw(0x110, 0x06)
    bench.w(0x5602_8158, 0)
    bench.wait(1000)
    assert bench.sr() & 0x20
    bench.xw(0x00, 0x303)
    assert bench.sr() & 0x22 == 0x02
    assert bench.heard == []
    assert command(bench)[2] == b"\x06\xf9"


@pytest.mark.parametrize("kind", ["read", "write", "command", "poll"])
def test_a_clock_taken_away_freezes_what_is_under_way(bench, kind):
    if kind == "read":
        bench.begin_read(8)
    elif kind == "write":
        bench.begin_write(8)
        bench.xw(0x50, 0)
        bench.xw(0x50, 0)
    elif kind == "poll":
        bench.xw(0x00, 0x2000_0001)
        bench.xw(0x80, 0xFF)
        bench.setup(0x0400_0004, 0x05, 1)
        bench.xw(0x110, 0x05)
        bench.fake.answer = b"\1"
    else:
        bench.xw(0x100, 0x14)
        bench.xw(0x110, 0x06)
    heard = len(bench.heard)
    bench.w(0x5602_8158, IC4 << 4)
    bench.wait(10**6)
    assert bench.sr() & 0x22 == 0x20
    assert len(bench.heard) == heard


def test_a_clock_taken_away_after_the_end_changes_nothing(bench):
    bench.begin_write(4)
    bench.xw(0x50, 0)
    bench.wait(9)
    bench.w(0x5602_8158, IC3 << 4)
    assert bench.sr() & 0x22 == 0x02
    assert len(bench.heard) == 1


@pytest.mark.parametrize(("csht", "gap"), [(0, 1), (1, 2), (63, 64)])
def test_ncs_stays_high_between_frames(bench, csht, gap):
    bench.xw(0x08, 0x0119_0000 | csht << 8)
    bench.xw(0x100, 0x0000_0014)
    start = bench.time.now
    bench.xw(0x110, 0x06)
    bench.wait(2)  # 16 bits on eight lines
    assert bench.sr() & 2
    bench.xw(0x110, 0x04)
    bench.wait(200)
    bench.sr()
    assert [frame[0] - start for frame in bench.heard] == [0, (2 + gap) * CLK]


def test_a_frame_long_after_the_last_one_begins_at_once(bench):
    command(bench)
    assert command(bench)[0] == bench.time.now - 10_000 * CLK


def test_a_prescaler_write_calls_for_a_calibration(bench):
    assert bench.xr(0x210) == 0
    bench.xw(0x0C, 0)
    assert not bench.sr() & 0x20
    now = bench.time.now
    assert command(bench)[0] == now + CALIBRATION * CLK
    assert bench.xr(0x210) != 0
    assert bench.xr(0x220) == bench.xr(0x228) != 0
    now = bench.time.now
    assert command(bench)[0] == now


@pytest.mark.parametrize("register", [0x220, 0x228])
def test_delays_set_by_hand_take_the_place_of_the_calibration(bench, register):
    bench.xw(0x0C, 0)
    bench.xw(register, 0x0003_0005)
    now = bench.time.now
    assert command(bench)[0] == now
    assert (bench.xr(register), bench.xr(0x210)) == (0x0003_0005, 0)


def test_leaving_reset_calls_for_a_calibration(bench):
    bench.xw(0x220, 1)
    bench.w(0x5602_8A20, 1 << 12)
    bench.w(0x5602_9220, 1 << 12)
    bench.xw(0x08, 0x0119_0100)
    bench.xw(0x00, 1)
    now = bench.time.now
    assert command(bench)[0] == now + CALIBRATION * CLK


# ---- lines and chip selects


def one_line_id(bench):
    """RDID on one line: three bytes."""
    bench.xw(0x00, bench.xr(0x00) & ~0x3000_0000 | 0x1000_0000)
    bench.setup(0x0100_0001, 0x9F, 3)
    bench.xw(0x110, 0x9F)
    bench.wait(100)
    return [bench.xr(0x50, 1) for _ in range(3)]


@pytest.mark.parametrize("msel", [1, 2, 3])
def test_frames_on_other_lines_than_io0_to_io3_reach_nobody(bench, msel):
    bench.xw(0x00, 0x301 | msel << 30)
    assert one_line_id(bench) == [0xF1] * 3
    assert bench.heard == []
    bench.xw(0x00, 0x301)
    assert one_line_id(bench) == [0, 1, 2]


def test_eight_lines_ignore_msel(bench):
    bench.xw(0x00, 0x301 | 1 << 30)
    assert command(bench)[2] == b"\x06\xf9"


@pytest.mark.parametrize(
    ("matrix", "cssel", "arrives"),
    [
        (0x00, 0, True),
        (0x00, 1, False),  # NCS2: nobody there
        (0x10, 0, True),  # what HAL writes: override, NCS1
        (0x10, 1, True),
        (0x50, 0, False),  # O2 for XSPI2
        (0x30, 0, True),  # O1 is for XSPI1
        (0x40, 0, True),  # O2 without the override
    ],
)
def test_the_second_chip_select_is_another_device(bench, matrix, cssel, arrives):
    bench.xw(0x00, 0)
    bench.w(0x5802_B400, matrix)
    bench.xw(0x00, 0x301 | cssel << 24)
    assert (one_line_id(bench) == [0, 1, 2]) is arrives


def test_a_nor_that_drives_nothing_reads_as_the_floating_lines(bench):
    bench.fake.answer = None
    assert one_line_id(bench) == [0xF1] * 3
    assert len(bench.heard) == 1


@pytest.mark.parametrize("ccr", [0x0200_0001, 0x0300_0003, 0x0400_0004])
@pytest.mark.parametrize("msel", [0, 1])
def test_two_and_four_lines_go_with_msel_eight_do_not(bench, ccr, msel):
    bench.xw(0x00, 0x1000_0301 | msel << 30)
    bench.setup(ccr, 0x9F, 1)
    assert bool(bench.heard) is (not msel or ccr == 0x0400_0004)


def test_a_window_whose_clock_went_away_does_not_hold_up_what_comes_later(bench):
    bench.setup(0x0400_3404, 0xEC)
    bench.xw(0x00, 0x3000_0001)
    bench.r(0x7000_0000)
    bench.w(0x5602_8158, IC3 << 4)
    bench.xw(0x00, 0)
    bench.w(0x5602_8158, 0)
    bench.xw(0x00, 1)
    now = bench.time.now
    assert command(bench)[0] == now


def test_a_clock_that_changes_between_frames_is_followed(bench):
    command(bench)
    bench.xw(0x0C, 2)
    assert command(bench)[1] == 3 * CLK
    bench.xw(0x0C, 0)
    bench.w(0x5602_8024, 2 << 20)  # HPRE /4
    assert command(bench)[1] == 2 * CLK
    bench.w(0x5602_8158, 1 << 4)  # per_ck: HSI
    assert command(bench)[1] == CLK // 2


@pytest.mark.parametrize("kind", ["read", "write", "poll"])
def test_without_a_clock_no_transfer_reaches_the_nor(bench, kind):
    bench.w(0x5602_8158, IC3 << 4)
    if kind == "write":
        bench.begin_write(4)
        bench.xw(0x50, 0)
    elif kind == "read":
        bench.begin_read(4)
    else:
        bench.xw(0x00, 0x2000_0001)
        bench.setup(0x0400_0004, 0x05, 1)
    bench.wait(1000)
    assert bench.sr() & 0x22 == 0x20
    assert bench.heard == []


def test_a_reset_of_the_block_forgets_what_dcr1_said(bench):
    """DCR1 reads 0 then: two bytes of memory, NCS high for one clock, no pairs swapped."""
    bench.xw(0x08, 0x0119_0300)
    assert bench.xspi.wire.device_size == 64 << 20
    assert bench.xspi.wire.high_time(CLK) == 4 * CLK
    bench.w(0x5602_8A20, 1 << 12)
    bench.w(0x5602_9220, 1 << 12)
    assert bench.xr(0x08) == 0
    assert bench.xspi.wire.device_size == 2
    assert bench.xspi.wire.high_time(CLK) == CLK
    assert not bench.xspi.wire.swapping
    bench.xw(0x00, 1)
    bench.setup(0x0000_3404, 0x21)
    bench.xw(0x48, 2)
    assert bench.sr() & 1  # TEF: beyond the device
