"""The device acts when NCS rises: slow writers, cuts, held stores; and what a cut command has no data of."""

from __future__ import annotations

import pytest

CLK = 31_250
LATER = 100_000
BASE = 0x7000_0000
SMF, TCF, BUSY = 8, 2, 0x20
OCTAL_WRITE = 0x0400_3404
OCTAL_COMMAND = 0x0000_3404


def abort(bench):
    bench.xw(0x00, bench.xr(0x00) | 2)


def test_a_slow_writer_holds_ncs_low(bench):
    bench.begin_write(2)
    bench.xw(0x50, 1, 1)
    bench.wait(LATER)
    last = bench.time.now
    bench.xw(0x50, 2, 1)
    bench.wait(100)
    assert bench.sr() & TCF
    assert bench.fake.ends == [last + CLK]


@pytest.mark.parametrize("disable", [False, True])
def test_a_cut_write_ends_with_the_cut(bench, disable):
    bench.begin_write(8)
    bench.xw(0x50, 0, 1)
    bench.wait(LATER)
    if disable:
        bench.xw(0x00, 0)
    else:
        abort(bench)
    assert bench.fake.ends == [bench.time.now]
    assert bench.heard[0][3] == b"\0"


def test_a_store_ends_when_ncs_rises(bench):
    bench.setup(OCTAL_WRITE, 0xEC)
    bench.xw(0x180, OCTAL_WRITE)
    bench.xw(0x190, 0x12)
    bench.xw(0x00, 0x3000_0301)
    bench.w(BASE, 0)
    bench.wait(LATER)
    bench.w(BASE + 0x100, 0)  # elsewhere: NCS rises for it
    second = bench.time.now
    assert bench.fake.ends == [second - (2 + 5 + 4) * CLK]
    bench.wait(LATER)
    abort(bench)
    assert bench.fake.ends[1:] == [second + LATER * CLK]


def test_the_nor_is_busy_after_a_slow_program(chip):
    chip.begin_program(4, 0x1000)
    chip.xw(0x50, 1, 1)
    chip.time.advance(2_500_000_000)
    for byte in (2, 3, 4):
        chip.xw(0x50, byte, 1)
    chip.done()
    assert chip.read(0x05, 0x0100_0001, 1) == b"\3"


@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_command_has_no_data_of_the_write_before(bench, reset):
    bench.begin_write(2)
    bench.xw(0x50, 0x5555, 2)
    bench.wait(100)
    assert bench.sr() & TCF
    bench.setup(OCTAL_COMMAND, 0x21)
    bench.wait(2)
    bench.xw(0x48, 0x1234)
    bench.wait(4)
    if reset:
        bench.w(0x5602_8A20, 1 << 12)  # AHB5RSTSR
    else:
        abort(bench)
    assert [frame[2:4] for frame in bench.heard[1:]] == [(b"\x21\0\0\x12", b"")]


@pytest.mark.parametrize(
    ("clocks", "busy"),
    [
        (8 + 24, False),  # three of four address bytes; the eight dummies never came
        (8 + 32, True),  # all of them and no dummy
        (8 + 33, False),
        (8 + 32 + 7, False),
    ],
)
def test_a_cut_command_has_the_dummies_that_were_out(chip, clocks, busy):
    chip.command(0x06, 1)
    chip.xw(0x0C, 255)
    chip.xw(0x220, 1)
    chip.xw(0x108, 8)
    chip.xw(0x100, 0x0000_3101)
    chip.xw(0x110, 0x21)
    chip.xw(0x48, 0x1000)
    chip.time.now = chip.soc.xspi2.transfer.begin + clocks * 256 * CLK
    abort(chip)
    assert chip.nor.wel
    assert (chip.nor.operation is not None) is busy


@pytest.mark.parametrize("length", [2, 4])
@pytest.mark.parametrize("after", [1, 7, 8, 9, 12, 15, 16, 17, 23, 24, 30, 40, 60])
def test_polls_of_several_bytes_find_wip_fallen_in_their_middle(chip, length, after):
    chip.command(0x06, 1)
    chip.command(0x21, 0x3101, 0x1000)
    chip.xw(0x24, 2)
    chip.mode(2, 1 << 22)
    for offset, value in ((0x80, 0x0101_0101 >> 8 * (4 - length)), (0x88, 0), (0x90, 16), (0x40, length - 1)):
        chip.xw(offset, value)
    chip.xw(0x108, 0)
    chip.xw(0x100, 0x0100_0001)
    chip.time.advance(1_000_000_000)
    chip.nor.operation.end = chip.time.now + chip.soc.model.xspi_register + after * CLK
    chip.xw(0x110, 0x05)
    chip.time.advance(1_000_000_000)
    assert chip.soc.xspi2.load(0x20) & (SMF | BUSY) == SMF
