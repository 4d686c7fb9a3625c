"""Reads of the window that nobody looks at cost and do what any read does (hw-soc 7.3; RM0456 30.4.15-19)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from n6prog.sim.soc.bus import BusFault, BusHang

CLK = 31_250
BASE = 0x7000_0000
TCEN, NOPREF = 8, 1 << 25
READ = 0x0400_3404  # 8S: a byte a CLK behind five of head
DTR_READ = 0x2C00_3C1C
STORES = 0x0400_3404


def mapped(bench, ccr=READ, *, extra=NOPREF, timeout=None):
    """The same bench in mapped mode, with a burst that costs something."""
    bench.soc.model = replace(bench.soc.model, mapped_burst=500_000)
    bench.setup(ccr, 0xEC)
    bench.xw(0x180, STORES)
    bench.xw(0x190, 0x12)
    if timeout is not None:
        bench.xw(0x130, timeout)
        extra |= TCEN
    bench.xw(0x00, 0x3000_0301 | extra)
    return bench


def twins(make_bench, *options, **named):
    """Two benches in the same state."""
    pair = make_bench(), make_bench()
    for bench in pair:
        bench.bring_up()
        mapped(bench, *options, **named)
    return pair


def state(bench):
    """All that later accesses depend on."""
    return bench.time.now, bench.soc.xspi2.snapshot()


def both(pair, before, address, length):
    """After `before`, one reads and the other passes over: the state of both, and what the second put on the wire."""
    reader, passer = pair
    for bench in pair:
        before(bench)
    heard = len(passer.heard)
    reader.soc.read_block(address, length)
    passer.soc.pass_over(address, length)
    assert state(reader) == state(passer)
    return passer.heard[heard:]


def read_some(bench):
    bench.soc.read_block(BASE + 0x100, 32)


@pytest.mark.parametrize("ccr", [READ, DTR_READ])
@pytest.mark.parametrize("extra", [0, NOPREF])
@pytest.mark.parametrize("clocks", [0, 3, 1000])
@pytest.mark.parametrize("length", [4, 64, 68, 992])
def test_what_goes_on_costs_what_a_read_costs_and_no_frame(make_bench, ccr, extra, clocks, length):
    def before(bench):
        read_some(bench)
        bench.wait(clocks)

    pair = twins(make_bench, ccr, extra=extra)
    assert both(pair, before, BASE + 0x120, length) == []
    assert pair[1].fake.driven_to == 0x120 + length
    assert both(pair, lambda _bench: None, BASE + 0x120 + length, 4) == []


def test_by_hand_992_bytes_of_8s_take_992_clocks_and_16_bursts(bench):
    mapped(bench)
    read_some(bench)
    before = bench.time.now
    bench.soc.pass_over(BASE + 0x120, 992)
    assert bench.time.now - before == 992 * CLK + 16 * 500_000


@pytest.mark.parametrize("lines", [6, 7])
def test_a_data_phase_of_no_lines_is_no_reason_to_fail(make_bench, lines):
    """DMODE 6 and 7 are reserved (hw-soc 7.2); a byte takes no time to speak of, and a burst what it always does."""
    pair = twins(make_bench, READ & ~(7 << 24) | lines << 24)
    assert both(pair, read_some, BASE + 0x120, 64) == []


@pytest.mark.parametrize("address", [BASE, BASE + 0x124])
def test_elsewhere_it_is_a_frame(make_bench, address):
    assert len(both(twins(make_bench), read_some, address, 64)) == 1


def test_after_the_time_out_it_is_a_frame(make_bench):
    def before(bench):
        read_some(bench)
        bench.wait(clocks)

    for clocks, frames in ((79, 0), (80, 1)):
        assert len(both(twins(make_bench, timeout=80), before, BASE + 0x120, 64)) == frames, clocks


def test_behind_a_store_it_is_a_frame(make_bench):
    def before(bench):
        bench.w(BASE + 0x100, 0x1234_5678)

    assert len(both(twins(make_bench), before, BASE + 0x104, 64)) == 2  # the store's own, and a new one


def test_it_is_an_access_like_any_other(bench):
    mapped(bench)
    bench.soc.read_block(BASE, 32)
    size = 1 << 26  # DEVSIZE 25
    with pytest.raises(BusFault):
        bench.soc.pass_over(BASE + size, 4)
    bench.soc.read_block(BASE + size - 64, 32)
    with pytest.raises(BusFault):
        bench.soc.pass_over(BASE + size - 32, 64)
    bench.w(0x5602_9260, 1 << 12)
    with pytest.raises(BusHang):
        bench.soc.pass_over(BASE + 32, 4)


def test_an_access_that_may_bring_an_interrupt_is_told(make_bench):
    """TOIE: the time-out runs from each access."""
    for enabled in (0, 1 << 20):
        bench = twins(make_bench, extra=NOPREF | enabled, timeout=80)[0]
        read_some(bench)
        told: list[int] = []
        bench.soc.on_irq_changed = lambda told=told, bench=bench: told.append(bench.time.now)
        bench.soc.pass_over(BASE + 0x120, 64)
        assert bool(told) is bool(enabled)
