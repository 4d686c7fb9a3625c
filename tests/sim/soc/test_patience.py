"""Polling: each look without news takes as long as the waiting so far; none goes past the core's next interrupt."""

from __future__ import annotations

from itertools import pairwise

import pytest

from n6prog.sim.clock import Timeline
from n6prog.sim.soc.irq import NEVER
from n6prog.sim.soc.patience import Patience

US, MS = 10**6, 10**9
CLK = 31_250
SMF, FTF, TCF, BUSY = 8, 4, 2, 0x20


def test_each_look_doubles_the_waiting_and_the_last_ends_at_the_event():
    patience, time, ends = Patience(), Timeline(1000), []
    while time.now < 1000 + 152 * US:
        patience.wait_for(time, 1000 + 152 * US, NEVER)
        ends.append((time.now - 1000) // US)
    assert ends == [32, 64, 128, 152]


def test_news_begin_the_waiting_anew():
    patience, time = Patience(), Timeline()
    for _ in range(10):
        patience.wait_for(time, 1000 * MS, NEVER)
    patience.reset()
    now = time.now
    patience.wait_for(time, 1000 * MS, NEVER)
    assert time.now == now + 32 * US


def test_no_look_goes_past_the_horizon_or_back():
    patience, time = Patience(), Timeline()
    patience.wait_for(time, 1000 * MS, 10 * US)
    assert time.now == 10 * US
    patience.wait_for(time, 1000 * MS, 5 * US)
    assert time.now == 10 * US


def test_what_never_comes_is_not_waited_for_past_the_horizon_either():
    patience, time = Patience(), Timeline()
    for _ in range(200):
        patience.wait(time, 20 * US)
        time.now = min(time.now + 100_000, 20 * US)
    assert time.now == 20 * US


def erase(chip):
    """A 64 KiB erase, 256 ms (hw-flash 4.2); gives when it ends."""
    chip.command(0x06, 0x1)
    chip.command(0xDC, 0x0000_3101, 0)
    return chip.nor.busy_until


def by_flag(chip):
    return chip.xr(0x20) & SMF


def by_status(chip):
    return not chip.read(0x05, 0x0100_0001, 1)[0] & 1


@pytest.mark.parametrize("done", [by_flag, by_status])
def test_a_time_out_of_5_ms_in_an_erase_is_met_before_10_ms(chip, done):
    erase(chip)
    if done is by_flag:
        chip.poll()
    began = chip.time.now
    while chip.time.now - began < 5 * MS:
        assert not done(chip)
    assert chip.time.now - began < 10 * MS
    assert chip.nor.status & 1


@pytest.mark.parametrize("done", [by_flag, by_status])
def test_the_wait_for_an_erase_ends_at_its_end(chip, done):
    end = erase(chip)
    if done is by_flag:
        chip.poll()
    while not done(chip):
        pass
    assert end <= chip.time.now < end + 20 * US  # a status frame or two


@pytest.mark.parametrize("done", [by_flag, by_status])
def test_a_wait_is_shown_as_of_each_interrupt_on_its_way(chip, done):
    end = erase(chip)
    if done is by_flag:
        chip.poll()
    chip.soc.horizon = chip.time.now + MS
    stops = []
    while not done(chip):
        if chip.time.now >= chip.soc.horizon:
            stops.append(chip.time.now)
            chip.soc.horizon += MS
    assert len(stops) in (255, 256)
    assert chip.time.now < end + 20 * US
    assert max(after - before for before, after in pairwise(stops)) < MS + 20 * US


@pytest.mark.parametrize("fast", [True, False])
def test_looks_between_bursts_stop_at_an_interrupt_too(bench, fast):
    at = 0x5802_A020
    reader = bench.soc.hot[at] if fast else bench.soc.read
    bench.begin_read(100, fthres=15)
    bench.wait(5 + 16)
    bench.xr(0x50)
    bench.soc.horizon = bench.time.now + CLK
    for _ in range(3):
        assert reader(at, 4) == BUSY | 13 << 8
        assert bench.time.now == bench.soc.horizon
    bench.soc.horizon = NEVER
    assert reader(at, 4) == BUSY | FTF | 16 << 8


@pytest.mark.parametrize("fast", [True, False])
def test_looks_at_a_full_fifo_stop_at_an_interrupt_too(bench, fast):
    at = 0x5802_A020
    reader = bench.soc.hot[at] if fast else bench.soc.read
    bench.begin_write(100, fthres=15)
    for _ in range(16):
        bench.xw(0x50, 0)
    bench.soc.horizon = bench.time.now + CLK
    for _ in range(3):
        assert reader(at, 4) == BUSY | 64 << 8  # the head is not out yet
        assert bench.time.now == bench.soc.horizon
    bench.soc.horizon = NEVER
    assert reader(at, 4) == BUSY | FTF | 48 << 8
