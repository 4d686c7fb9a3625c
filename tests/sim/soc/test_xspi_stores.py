"""Stores into the window of the memory-mapped mode (hw-soc 7.3; RM0456 30.4.15-19)."""

from __future__ import annotations

import pytest

CLK = 31_250
BASE = 0x7000_0000
TOF, BUSY = 16, 0x20
TCEN, NOPREF = 8, 1 << 25
READ = 0x0400_3404  # 8S: a byte a CLK behind five of head


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


def test_stores_to_following_addresses_are_one_frame(bench):
    enter(bench, wccr=READ)
    now = bench.time.now
    bench.w(BASE + 0x100, 0x0403_0201)
    assert bench.time.now == now + 9 * CLK
    bench.w(BASE + 0x104, 0x05, 1)
    bench.w(BASE + 0x105, 0x0706, 2)
    assert bench.time.now == now + 12 * CLK
    assert bench.heard == []
    assert bench.sr() & BUSY
    bench.xw(0x00, 0x3000_0301 | 2)
    assert bench.heard == [(now, CLK, b"\x12\0\0\1\0", b"\1\2\3\4\5\6\7", 0)]


def test_another_address_is_another_frame(bench):
    enter(bench, wccr=READ)
    bench.w(BASE + 0x100, 1, 1)
    end = bench.time.now
    bench.w(BASE + 0x100, 2, 1)
    bench.xw(0x00, 0x3000_0301 | 2)
    assert [frame[3] for frame in bench.heard] == [b"\1", b"\2"]
    assert bench.heard[1][0] == end + 2 * CLK


def test_a_read_ends_a_frame_of_stores_even_at_the_next_address(bench):
    enter(bench, wccr=READ)
    bench.w(BASE, 1)
    assert took(bench, BASE + 4) == 2 + 9
    assert [frame[3] for frame in bench.heard] == [b"\1\0\0\0", b""]
    bench.w(BASE + 8, 2, 1)
    bench.xw(0x00, 0x3000_0301 | 2)
    assert [frame[2][-1] for frame in bench.heard] == [0, 4, 8]


def test_the_time_out_ends_a_frame_of_stores(bench):
    enter(bench, extra=0, timeout=10, wccr=READ)
    bench.w(BASE, 1)
    bench.wait(9)
    bench.soc.settle(bench.time.now)
    assert bench.heard == []
    bench.wait(1)
    bench.soc.settle(bench.time.now)
    assert len(bench.heard) == 1
    assert bench.sr() == BUSY | TOF


def test_a_store_after_the_time_out_is_a_new_frame(bench):
    enter(bench, timeout=10, wccr=READ)
    bench.w(BASE, 1)
    bench.wait(100)
    bench.w(BASE + 4, 2)
    bench.xw(0x00, 0x3000_0301 | 2)
    assert len(bench.heard) == 2


def test_dtr_stores_are_swapped_and_use_the_write_dummies(bench):
    bench.xw(0x188, 4)
    bench.xw(0x1A0, 0x77)
    enter(bench, wccr=0x2C04_3C1C)
    now = bench.time.now
    bench.w(BASE, 0x0403_0201)
    assert bench.time.now == now + (1 + 2 + 1 + 4 + 2) * CLK
    bench.xw(0x00, 0x3000_0301 | 2)
    assert bench.heard[0][2:4] == (b"\x12\xed\0\0\0\0\x77", b"\2\1\4\3")


@pytest.mark.parametrize("end", ["disable", "reset", "chip"])
def test_leaving_the_mode_delivers_the_stores(bench, end):
    enter(bench, wccr=READ)
    bench.w(BASE, 1)
    if end == "disable":
        bench.xw(0x00, 0)
    elif end == "reset":
        bench.w(0x5602_8A20, 1 << 12)
    else:
        bench.soc.reset("system")
    assert len(bench.heard) == 1
