"""ABORT and disabling in the middle: what is out stays out (hw-soc 7.3; RM0456 30.4)."""

from __future__ import annotations

import pytest

CLK = 31_250
TCF, FTF, BUSY = 2, 4, 0x20
OCTAL_COMMAND = 0x0000_3404
LATER = 10**6


def abort(bench):
    bench.xw(0x00, bench.xr(0x00) | 2)


@pytest.mark.parametrize(
    ("clocks", "head", "data"),
    [
        (0, b"", None),
        (1, b"\x12", b""),
        (4, b"\x12\0\0\1", b""),
        (5, b"\x12\0\0\1\0", b""),
        (6, b"\x12\0\0\1\0", b"\1"),
        (12, b"\x12\0\0\1\0", b"\1\2\3\4\5\6\7"),
        (13, b"\x12\0\0\1\0", bytes(range(1, 9))),
    ],
)
@pytest.mark.parametrize("length", [8, 9])
def test_abort_of_a_write_leaves_what_is_out(bench, clocks, head, data, length):
    bench.begin_write(length, 0x100)
    bench.xw(0x50, 0x0403_0201)
    bench.xw(0x50, 0x0807_0605)
    bench.wait(clocks)
    abort(bench)
    assert bench.sr() == TCF | FTF
    assert [frame[2:4] for frame in bench.heard] == ([] if data is None else [(head, data)])
    bench.wait(LATER)
    assert bench.sr() == TCF | FTF
    assert len(bench.heard) == (data is not None)


def test_abort_of_a_dtr_write_leaves_whole_pairs(bench):
    bench.xw(0x00, 1)
    bench.xw(0x0C, 0x01)  # two kernel clocks a CLK: half a CLK is one
    bench.xw(0x220, 1)
    bench.setup(0x0C00_3C1C, 0x12ED, 8, tcr=0x1000_0000)
    bench.xw(0x48, 0)
    bench.xw(0x50, 0x0403_0201)
    bench.xw(0x50, 0x0807_0605)
    bench.wait(6 + 3)  # three of eight bytes
    abort(bench)
    assert bench.heard[0][3] == b"\2\1"


@pytest.mark.parametrize(("clocks", "head"), [(0, None), (1, b"\x21"), (4, b"\x21\0\0\x12")])
def test_abort_of_a_command_cuts_it_short(bench, clocks, head):
    bench.xw(0x00, 1)
    bench.setup(OCTAL_COMMAND, 0x21)
    bench.xw(0x48, 0x1234)
    bench.wait(clocks)
    abort(bench)
    assert bench.sr() == TCF | FTF
    assert [frame[2] for frame in bench.heard] == ([] if head is None else [head])


def test_abort_of_a_swallowed_command_sends_nothing(bench):
    bench.xw(0x00, 1)
    bench.setup(0x0000_3C1C, 0x21DE, tcr=0x1000_0000)
    bench.xw(0x48, 0)
    bench.wait(1)
    abort(bench)
    assert bench.heard == []


def test_abort_during_a_calibration_sends_nothing(bench):
    bench.xw(0x0C, 0)
    bench.begin_write(8)
    bench.xw(0x50, 0)
    bench.wait(20)
    abort(bench)
    assert bench.heard == []


def test_abort_of_a_read_flushes_the_fifo(bench):
    bench.begin_read(100)
    bench.wait(20)
    abort(bench)
    assert bench.sr() == TCF
    assert bench.xr(0x50) == 0
    assert len(bench.heard) == 1
    bench.xw(0x24, 2)
    bench.begin_read(4)
    assert bench.xr(0x50) == 0x0302_0100


def test_abort_at_rest_does_nothing(bench):
    abort(bench)
    assert bench.sr() == FTF
    assert bench.xr(0x00) & 2 == 0


def test_abort_after_the_end_sets_no_second_tcf(bench):
    bench.begin_write(4)
    bench.xw(0x50, 0)
    bench.wait(9)
    bench.sr()
    bench.xw(0x24, 2)
    abort(bench)
    assert bench.sr() == FTF
    assert len(bench.heard) == 1


def test_after_an_abort_ncs_stays_high_too(bench):
    bench.begin_read(100)
    bench.wait(20)
    abort(bench)
    now = bench.time.now
    bench.xw(0x48, 0)
    assert bench.heard[1][0] == now + 2 * CLK


def test_an_aborted_write_does_not_leak_into_the_next(bench):
    bench.begin_write(8)
    bench.xw(0x50, 0x1111_1111)
    abort(bench)
    bench.begin_write(2)
    bench.xw(0x50, 0x2222, 2)
    bench.wait(100)
    bench.sr()
    assert [frame[3] for frame in bench.heard] == [b"\x22\x22"]


@pytest.mark.parametrize("start", ["read", "write", "command", "poll"])
def test_disabling_in_the_middle_ends_it_without_tcf(bench, start):
    if start == "read":
        bench.begin_read(100)
    elif start == "write":
        bench.begin_write(100)
        bench.xw(0x50, 0)
    else:
        bench.xw(0x00, 1 if start == "command" else 0x2000_0001)
        bench.xw(0x80, 0xFF)
        bench.xw(0x88, 0xAA)
        bench.setup(0x0000_0014 if start == "command" else 0x0400_0004, 0x06, 1)
    bench.wait(1)
    assert bench.sr() & BUSY
    bench.xw(0x00, 0)
    assert bench.sr() & (BUSY | TCF) == 0
    bench.wait(LATER)
    assert bench.sr() & (BUSY | TCF) == 0


def test_letting_go_ends_a_write_with_what_is_out(bench):
    bench.begin_write(8)
    bench.xw(0x50, 0x5A, 1)
    bench.wait(LATER)
    bench.xspi.let_go(bench.time.now)
    assert [(head, out) for _, _, head, out, _ in bench.heard] == [(b"\x12\0\0\0\0", b"\x5a")]
    assert bench.sr() & BUSY == 0
