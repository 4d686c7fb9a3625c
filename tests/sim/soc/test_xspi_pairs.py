"""Odd lengths: whole pairs in DTR, anything elsewhere; and reads without a strobe (hw-soc 7.3; hw-flash 5.3)."""

from __future__ import annotations

import pytest

from n6prog.sim.soc.bus import BusHang

TCF, FTF, BUSY = 2, 4, 0x20
LATER = 10**6


def abort(bench):
    bench.xw(0x00, bench.xr(0x00) | 2)


@pytest.mark.parametrize(("length", "arrives"), [(1, 0), (2, 2), (3, 2), (4, 4), (5, 4)])
def test_an_odd_dtr_read_leaves_its_last_byte_and_busy(bench, length, arrives):
    bench.xw(0x00, 0x1000_0001)
    bench.setup(0x2C00_3C1C, 0xEE11, length, tcr=0x1000_0000)
    bench.xw(0x48, 0)
    bench.wait(LATER)
    assert bench.sr() >> 8 == arrives
    assert bool(bench.sr() & TCF) is (length == arrives)
    for _ in range(arrives):
        bench.xr(0x50, 1)
    if length != arrives:
        assert bench.sr() & (BUSY | TCF) == BUSY
        with pytest.raises(BusHang):
            bench.xr(0x50, 1)
        abort(bench)
    assert bench.sr() & (BUSY | TCF) == TCF


def test_an_odd_dtr_write_is_cut_to_pairs_by_the_abort(bench):
    bench.xw(0x00, 1)
    bench.setup(0x0C00_3C1C, 0x12ED, 3, tcr=0x1000_0000)
    bench.xw(0x48, 0)
    bench.xw(0x50, 0x0033_2211)
    bench.wait(LATER)
    assert bench.sr() == BUSY | FTF | 0x100
    assert bench.heard == []
    abort(bench)
    assert bench.sr() == TCF | FTF
    assert bench.heard[0][3] == b"\x22\x11"


@pytest.mark.parametrize(("ccr", "length"), [(0x0400_3404, 3), (0x0900_3101, 3), (0x0C00_3C1C, 2), (0x0C00_3C1C, 4)])
def test_odd_lengths_are_fine_elsewhere(bench, ccr, length):
    bench.xw(0x00, 1)
    bench.setup(ccr, 0x12, length)
    bench.xw(0x48, 0)
    bench.xw(0x50, 0)
    bench.wait(LATER)
    assert bench.sr() & (BUSY | TCF) == TCF


def test_without_a_strobe_nothing_arrives(bench):
    bench.fake.drives_dqs = False
    bench.xw(0x00, 0x1000_0001)
    bench.setup(0x2400_3404, 0xEC, 4)
    bench.xw(0x48, 0)
    bench.wait(LATER)
    assert bench.sr() == BUSY
    with pytest.raises(BusHang):
        bench.xr(0x50)
