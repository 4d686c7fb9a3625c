"""The fast ways to XSPI's registers: they give what the slow ones give, at the same time."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

CLK = 31_250
XSPI2 = 0x5802_A000
BUSY, FTF = 0x20, 4


def fast(bench):
    """Register accesses as the emulator makes them: by whole address where there is a fast way."""
    soc = bench.soc

    def read(offset, size=4):
        return soc.hot.get(XSPI2 + offset, soc.read)(XSPI2 + offset, size)

    def write(offset, value, size=4):
        soc.hot_writes.get(XSPI2 + offset, soc.write)(XSPI2 + offset, size, value)

    return SimpleNamespace(read=read, write=write)


def slow(bench):
    return SimpleNamespace(read=bench.xr, write=bench.xw)


def program(bench, way, length, fthres):
    """What a loader does for a page: command registers, bursts of words at FTF, TCF, flags."""
    way.write(0x24, 0x1F)
    way.write(0x00, 1 | fthres << 8)
    way.write(0x40, length - 1)
    way.write(0x108, 0)
    way.write(0x100, 0x0400_3404)
    way.write(0x110, 0x12)
    way.write(0x48, 0x100)
    sent = 0
    while sent < length:
        while not way.read(0x20) & FTF:
            pass
        for _ in range((fthres + 1) // 4):
            if sent < length:
                way.write(0x50, 0x0403_0201 + sent)
                sent += 4
    while not way.read(0x20) & 2:
        pass
    way.write(0x24, 2)
    return bench.heard[-1], bench.time.now, bench.sr(), bench.xr(0x00), bench.xr(0x40)


@pytest.mark.parametrize("fthres", [3, 31, 63])
@pytest.mark.parametrize("length", [4, 64, 68, 128, 256])
def test_fast_and_slow_programs_agree(make_bench, length, fthres):
    found = []
    for way in (fast, slow):
        bench = make_bench()
        bench.bring_up()
        found.append(program(bench, way(bench), length, fthres))
    assert found[0] == found[1]
    assert found[0][0][3][:4] == b"\1\2\3\4"


def writing(bench, length=200, words=0, fthres=3):
    bench.begin_write(length, fthres=fthres)
    way = fast(bench)
    way.write(0x50, 0)  # begins the transfer
    for _ in range(words):
        way.write(0x50, 0)
    return way


def test_words_stall_a_full_fifo(bench):
    way = writing(bench, words=15)
    now = bench.time.now
    way.write(0x50, 0)  # 68 bytes: four must be out, behind five clocks of head
    assert bench.time.now == now + 9 * CLK
    way.write(0x50, 0)
    assert bench.time.now == now + 13 * CLK
    assert bench.sr() >> 8 == 64
    bench.wait(10)
    way.write(0x50, 0)
    assert bench.time.now == now + 23 * CLK


def test_a_dry_fifo_goes_on_from_the_next_word(bench):
    way = writing(bench)
    bench.wait(100)
    way.write(0x50, 0)
    bench.wait(3)
    assert bench.sr() >> 8 == 1
    bench.wait(1)
    assert bench.sr() >> 8 == 0


def test_a_look_at_a_full_fifo_waits_for_room_by_the_threshold(bench):
    way = writing(bench, words=15, fthres=31)
    now = bench.time.now
    assert way.read(0x20) == BUSY | FTF | 32 << 8
    assert bench.time.now == now + (5 + 32) * CLK
    assert way.read(0x20) == BUSY | FTF | 32 << 8
    assert bench.time.now == now + (5 + 32) * CLK
    bench.wait(31)
    assert way.read(0x20) == BUSY | FTF | 1 << 8
    bench.wait(50)
    assert way.read(0x20) == BUSY | FTF


def test_a_look_before_the_head_is_out_shows_what_is_there(bench):
    way = writing(bench, words=1)
    assert way.read(0x20) == BUSY | FTF | 8 << 8


@pytest.mark.parametrize("size", [1, 2])
def test_narrow_accesses_take_the_slow_way(bench, size):
    way = writing(bench, words=3)
    way.write(0x50, 0x55, size)
    assert bench.sr() >> 8 == 16 + size
    assert way.read(0x20, size) == bench.sr() & (1 << 8 * size) - 1
    bench.xw(0x00, 3)
    bench.mode(0)
    bench.xw(0x40, 0x4433_2211)
    way.write(0x40, 0x77, size)
    assert bench.xr(0x40) & 0xFF == 0x77
    assert bench.xr(0x40) >> 8 * size == 0x4433_2211 >> 8 * size
    way.write(0x00, 0x05, size)
    assert bench.xr(0x00) & 0xFF == 0x05
    bench.xspi.flags = 3
    way.write(0x24, 1, size)
    assert bench.sr() & 3 == 2


def test_the_last_word_ends_the_transfer(bench):
    way = writing(bench, length=8)
    way.write(0x50, 0x0807_0605)
    bench.wait(13)
    assert bench.sr() & 0x22 == 2
    assert bench.heard[0][3] == b"\0\0\0\0\5\6\7\x08"


@pytest.mark.parametrize("offset", [0x40, 0x80, 0x88, 0x90, 0x100, 0x108])
def test_command_registers_are_deaf_while_busy(bench, offset):
    before = bench.xr(offset)
    bench.begin_read(100)
    before = bench.xr(offset)
    fast(bench).write(offset, ~before & 0xFFFF)
    assert bench.xr(offset) == before


@pytest.mark.parametrize(
    ("offset", "bits"),
    [
        (0x40, 0xFFFF_FFFF),
        (0x80, 0xFFFF_FFFF),
        (0x88, 0xFFFF_FFFF),
        (0x90, 0xFFFF),
        (0x100, 0x2F3F_3F3F),
        (0x108, 0x5000_001F),
    ],
)
def test_command_registers_have_their_bits(bench, offset, bits):
    fast(bench).write(offset, 0xFFFF_FFFF)
    assert bench.xr(offset) == bits


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (0x0000_3F01, 0x0000_3F01),
        (0x1000_0001, 0x1000_0001),
        (0x20C0_0305, 0x20C0_0305),
        (0xFFE0_C03F & ~0x3000_0002 | 0x1000_0000, 0xF7C0_000D & ~0x2000_0000),
    ],
)
def test_cr_has_its_bits(bench, value, kept):
    fast(bench).write(0x00, value | 1)
    assert bench.xr(0x00) == kept | 1
    assert bench.xspi.threshold == (kept >> 8 & 0x3F) + 1


def test_cr_still_does_what_is_unusual(bench):
    way = fast(bench)
    way.write(0x00, 0x3000_0001)
    assert bench.soc.mapped()
    way.write(0x00, 0x0000_0001)
    assert not bench.soc.mapped()
    way.write(0x00, 0)
    bench.xw(0x100, 0x14)
    bench.xw(0x110, 6)
    assert bench.heard == []
    told = []
    bench.soc.on_irq_changed = lambda: told.append(bench.xspi.interrupts)
    way.write(0x00, 0x0002_0001)
    assert told
    assert set(told) == {2}
    for offset in (0x40, 0x24, 0x50):
        told.clear()
        way.write(offset, 5)
        assert told == [2]
    way.write(0x00, 1)
    assert told[-1] == 0
    bench.begin_read(100)
    way.write(0x00, bench.xr(0x00) | 2)
    assert bench.sr() & 0x22 == 2
    way.write(0x24, 2)
    assert bench.sr() & 2 == 0


def test_flags_are_cleared_one_by_one(bench):
    way = fast(bench)
    bench.xspi.flags = 0x1B
    for bit, left in ((1, 0x1A), (4, 0x1A), (8, 0x12), (16, 0x02), (2, 0)):
        way.write(0x24, bit)
        assert bench.sr() & 0x1B == left


def test_a_transfer_that_is_over_is_seen_by_the_fast_ways(bench):
    way = writing(bench, length=4)
    bench.wait(9)
    way.write(0x24, 2)
    assert bench.sr() == FTF
    assert len(bench.heard) == 1


def test_interrupts_take_the_slow_way(bench):
    way = writing(bench, words=3)
    bench.xw(0x00, 0x0004_0301)
    told = []
    bench.soc.on_irq_changed = lambda: told.append(True)
    way.write(0x50, 0)
    assert told == [True]
    now = bench.time.now
    assert way.read(0x20) == bench.sr()
    assert bench.time.now == now


@pytest.mark.parametrize("offset", [0x00, 0x24, 0x40, 0x100, 0x50])
def test_every_fast_write_costs_an_access(cold, offset):
    cold.bring_up()
    cold.mode(0)
    if offset == 0x50:
        cold.xw(0x40, 99)
        cold.xw(0x100, 0x0100_3101)
        cold.xw(0x48, 0)
        cold.xw(0x50, 0)
    for alias in (0x5802_A000, 0x4802_A000):
        before = cold.time.now
        cold.soc.hot_writes[alias + offset](alias + offset, 4, 1)
        assert cold.time.now - before == 125_000


def test_a_write_in_between_is_no_second_look(bench):
    for offset, value in ((0x24, 0), (0x40, 1), (0x00, 0x1000_1F01)):
        way = fast(bench)
        bench.fake.answer = b"\0"
        now = bench.begin_read(64, fthres=31)
        for _ in range(3):
            way.read(0x20)
            way.write(offset, value)
        assert bench.time.now == now
        bench.xw(0x00, bench.xr(0x00) | 2)
        bench.wait(10)


def test_a_look_that_finds_everything_here_tells_the_end(bench):
    way = fast(bench)
    bench.begin_read(64, fthres=3)
    bench.wait(200)
    bench.sr()
    assert way.read(0x50) == 0x0302_0100
    now = bench.time.now
    assert way.read(0x20) == BUSY | FTF | 2 | 60 << 8
    assert bench.time.now == now


def test_the_mode_chosen_the_fast_way_is_in_force(bench):
    way = fast(bench)
    way.write(0x00, 0x1000_0301)
    assert bench.sr() == 0
    bench.setup(0x0400_3404, 0xEC, 4)
    bench.xw(0x48, 0)
    assert bench.sr() & BUSY
    assert bench.xr(0x50) == 0x0302_0100
    way.write(0x00, 0x0000_0301)
    assert bench.sr() & FTF
