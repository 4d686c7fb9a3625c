"""XSPI's interrupt line: level, and when it will rise by itself (hw-soc 7.2; CMSIS header for the numbers)."""

from __future__ import annotations

import pytest

CLK = 31_250
NEVER = 1 << 62
TEIE, TCIE, FTIE, SMIE, TOIE = (1 << bit for bit in range(16, 21))


def level(bench):
    return bench.xspi.irq_level(bench.time.now)


def rises(bench):
    """Clocks until the line may rise."""
    moment = bench.xspi.next_irq(bench.time.now)
    return NEVER if moment == NEVER else (moment - bench.time.now) / CLK


def enable(bench, bits):
    bench.xw(0x00, bench.xr(0x00) | bits)


def test_the_numbers(bench):
    assert [xspi.irq for xspi in (bench.soc.xspi1, bench.soc.xspi2, bench.soc.xspi3)] == [170, 171, 172]
    for xspi in (bench.soc.xspi1, bench.soc.xspi2, bench.soc.xspi3):
        assert xspi in bench.soc.irq_sources


@pytest.mark.parametrize(
    ("flag", "bit"), [(1, TEIE), (2, TCIE), (8, SMIE), (16, TOIE)], ids=["TEF", "TCF", "SMF", "TOF"]
)
def test_a_flag_and_its_enable_make_the_line_high(bench, flag, bit):
    bench.mode(1)
    bench.xspi.flags = flag
    assert not level(bench)
    enable(bench, (TEIE | TCIE | FTIE | SMIE | TOIE) & ~bit)
    assert not level(bench)
    enable(bench, bit)
    assert level(bench)
    bench.xw(0x24, flag)
    assert not level(bench)


def test_ftf_at_rest_raises_the_line_of_a_writer_at_once(bench):
    enable(bench, FTIE)
    assert level(bench)
    bench.mode(1)
    enable(bench, FTIE)
    assert not level(bench)


def test_busy_is_no_interrupt(bench):
    bench.begin_read(100)
    enable(bench, 0x001F_0000)
    assert bench.sr() & 0x20
    assert not level(bench)


def test_nothing_rises_without_an_enable(bench):
    bench.begin_read(8)
    assert rises(bench) == NEVER


def test_a_read_tells_its_threshold_and_then_its_end(bench):
    bench.begin_read(8, fthres=3)
    enable(bench, FTIE)
    assert rises(bench) == 9
    bench.wait(9)
    assert level(bench)
    assert rises(bench) == NEVER  # it is high
    bench.xr(0x50)
    assert not level(bench)
    assert rises(bench) == 4


def test_the_end_of_a_read_is_told_to_tcie(bench):
    bench.begin_read(8, fthres=3)
    enable(bench, TCIE)
    assert rises(bench) == 9  # may rise: it is the FIFO's event that comes first
    bench.wait(9)
    assert not level(bench)
    assert rises(bench) == 4
    bench.wait(4)
    assert level(bench)


def test_a_write_tells_room_and_end(bench):
    bench.begin_write(64, fthres=3)
    for _ in range(16):
        bench.xw(0x50, 0)
    enable(bench, FTIE)
    assert not level(bench)
    assert rises(bench) == 5 + 4
    bench.wait(9)
    assert level(bench)
    bench.xw(0x00, TCIE | 0x301)
    assert not level(bench)
    assert rises(bench) == 60
    bench.wait(60)
    assert level(bench)


def test_a_command_tells_its_end(bench):
    bench.xw(0x00, TCIE | 0x301)
    bench.xw(0x100, 0x14)
    bench.xw(0x110, 0x06F9)
    assert rises(bench) == 2
    bench.wait(2)
    assert level(bench)


def test_polling_tells_its_match(bench):
    bench.fake.answer = b"\x03"
    bench.fake.changes = [(bench.time.now + 180 * CLK, b"\x02")]
    bench.xw(0x00, SMIE | 0x2040_0001)
    bench.xw(0x80, 1)
    bench.xw(0x90, 16)
    bench.setup(0x0400_0004, 0x05, 1)
    bench.wait(2)
    assert not level(bench)
    assert rises(bench) == 180  # poll 10: 180 clocks after the first began, its end two later
    bench.wait(180)
    assert level(bench)


def test_polling_with_ftie_tells_every_poll(bench):
    bench.fake.answer = b"\x03"
    bench.xw(0x00, FTIE | 0x2040_0001)
    bench.xw(0x80, 1)
    bench.xw(0x90, 16)
    bench.setup(0x0400_0004, 0x05, 1)
    assert rises(bench) == 2
    bench.wait(2)
    assert level(bench)
    bench.xr(0x50)
    assert not level(bench)
    assert rises(bench) == 18


def test_polling_that_cannot_match_rises_never(bench):
    bench.fake.answer = b"\x03"
    bench.xw(0x00, SMIE | 0x2040_0001)
    bench.xw(0x80, 1)
    bench.setup(0x0400_0004, 0x05, 1)
    bench.wait(100)
    assert rises(bench) == NEVER


def test_the_time_out_is_told(bench):
    bench.setup(0x0400_3404, 0xEC)
    bench.xw(0x130, 10)
    bench.xw(0x00, TOIE | 1 << 25 | 0x3000_0009)
    assert rises(bench) == NEVER
    bench.r(0x7000_0000)
    assert rises(bench) == 10
    bench.wait(10)
    assert level(bench)


def test_an_idle_line_rises_never(bench):
    enable(bench, TEIE | TCIE | SMIE | TOIE)
    assert rises(bench) == NEVER


@pytest.mark.parametrize(
    "access",
    [
        lambda b: b.xw(0x00, 0x301),
        lambda b: b.xw(0x24, 0x1F),
        lambda b: b.xr(0x50, 1),
        lambda b: b.w(0x5602_8A20, 1 << 12),
    ],
    ids=["CR", "FCR", "DR", "reset"],
)
def test_accesses_that_may_move_the_line_are_told(bench, access):
    bench.begin_read(8)
    enable(bench, FTIE)
    bench.wait(20)
    told = []
    bench.soc.on_irq_changed = lambda: told.append(True)
    access(bench)
    assert told


@pytest.mark.parametrize("offset", [0x50, 0x40])
def test_writes_are_told_while_an_interrupt_is_enabled(bench, offset):
    enable(bench, TCIE)
    told = []
    bench.soc.on_irq_changed = lambda: told.append(True)
    bench.xw(offset, 0)
    assert told


def test_without_enables_data_move_in_silence(bench):
    bench.begin_read(8)
    bench.wait(20)
    told = []
    bench.soc.on_irq_changed = lambda: told.append(True)
    bench.xr(0x50)
    bench.xw(0x40, 0)
    assert not told


def test_the_fast_way_to_dr_tells_too(bench):
    bench.begin_read(100)
    enable(bench, FTIE)
    bench.wait(30)
    bench.xr(0x20)
    told = []
    bench.soc.on_irq_changed = lambda: told.append(True)
    assert bench.soc.hot[0x5802_A050](0x5802_A050, 4) == 0x0302_0100
    assert told


def test_polling_that_matches_at_once_tells_its_end(bench):
    bench.fake.answer = b"\x02"
    bench.xw(0x00, SMIE | 0x2040_0001)
    bench.xw(0x80, 1)
    bench.setup(0x0400_0004, 0x05, 1)
    assert rises(bench) == 2
    bench.wait(2)
    assert level(bench)


def test_polling_without_the_stop_tells_each_match(bench):
    bench.fake.answer = b"\x02"
    bench.xw(0x00, SMIE | 0x2000_0001)
    bench.xw(0x80, 1)
    bench.xw(0x90, 16)
    bench.setup(0x0400_0004, 0x05, 1)
    bench.wait(2)
    assert level(bench)
    bench.xw(0x24, 8)
    assert rises(bench) == 18


@pytest.mark.parametrize("store", [False, True])
def test_an_access_to_the_window_is_told_while_an_interrupt_is_enabled(bench, store):
    bench.setup(0x0400_3404, 0xEC)
    bench.xw(0x180, 0x0400_3404)
    bench.xw(0x130, 10)
    bench.xw(0x00, TOIE | 1 << 25 | 0x3000_0009)
    told = []
    bench.soc.on_irq_changed = lambda: told.append(rises(bench))
    if store:
        bench.w(0x7000_0000, 0)
    else:
        bench.r(0x7000_0000)
    assert told == [10]


def test_an_access_to_the_window_without_enables_is_not_told(bench):
    bench.setup(0x0400_3404, 0xEC)
    bench.xw(0x00, 0x3000_0009)
    told = []
    bench.soc.on_irq_changed = lambda: told.append(True)
    bench.r(0x7000_0000)
    assert told == []
