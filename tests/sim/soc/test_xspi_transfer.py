"""Indirect transfers: what triggers them, their flags and limits (hw-soc 7.3; RM0456 30.4)."""

from __future__ import annotations

import pytest

CLK, US = 31_250, 1_000_000
TEF, TCF, FTF, BUSY = 1, 2, 4, 0x20
OCTAL_READ, OCTAL_COMMAND = 0x0400_3404, 0x0000_3404
LATER = 10**6


def abort(bench):
    bench.xw(0x00, bench.xr(0x00) | 2)


# ---- triggers


@pytest.mark.parametrize(
    ("mode", "ccr", "by_ir", "by_ar", "by_dr"),
    [
        (0, 0x0000_0004, True, False, False),
        (0, 0x0000_3404, False, True, False),
        (0, 0x0400_0004, False, False, True),
        (0, 0x0400_3404, False, False, True),
        (1, 0x0400_0004, True, False, False),
        (1, 0x0400_3404, False, True, False),
        (1, 0x0000_0004, True, False, False),
        (2, 0x0400_0004, True, False, False),
        (2, 0x0400_3404, False, True, False),
        (0, 0x0000_3400, False, True, False),  # address alone
        (1, 0x0400_3400, False, True, False),
    ],
)
def test_what_starts_a_transfer(bench, mode, ccr, by_ir, by_ar, by_dr):
    def heard_after(write):
        before = len(bench.heard)
        write()
        bench.wait(100)
        bench.sr()
        if bench.sr() & BUSY:
            abort(bench)
        return len(bench.heard) > before

    bench.xw(0x00, 1)
    bench.xw(0x40, 0)
    bench.mode(mode)
    bench.xw(0x80, 0xFF)
    bench.xw(0x100, ccr)
    assert heard_after(lambda: bench.xw(0x110, 0x05)) is by_ir
    assert heard_after(lambda: bench.xw(0x48, 0x10)) is by_ar
    assert heard_after(lambda: bench.xw(0x50, 0, 1)) is by_dr


@pytest.mark.parametrize("register", [0x40, 0x80, 0x88, 0x90, 0x100, 0x108, 0x120, 0x130, 0x150, 0x190])
def test_other_registers_start_nothing(bench, register):
    bench.xw(0x00, 1)
    bench.xw(0x100, 0x0000_0004)
    bench.xw(register, 4)
    bench.wait(100)
    assert bench.sr() & BUSY == 0
    assert bench.heard == []


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_nothing_starts_while_disabled(bench, mode):
    bench.xw(0x00, mode << 28)
    for ccr in (0x4, 0x3404, 0x0400_0004, 0x0400_3404):
        bench.setup(ccr, 0x05, 1)
        bench.xw(0x48, 0)
        bench.xw(0x50, 0)
    bench.wait(100)
    assert (bench.heard, bench.sr() & BUSY) == ([], 0)


def test_a_write_does_not_start_where_cr_was_never_written(bench):
    bench.w(0x5602_8A20, 1 << 12)  # a reset of the block
    bench.w(0x5602_9220, 1 << 12)
    bench.xw(0x08, 0x0119_0100)
    bench.setup(0x0400_3404, 0x12)
    bench.xw(0x48, 0)
    bench.xw(0x50, 0x5A)
    assert bench.sr() & BUSY == 0
    bench.wait(100)
    assert (bench.heard, bench.sr() & BUSY) == ([], 0)


def test_a_write_whose_length_was_never_written_is_of_one_byte(bench):
    """DLR counts from 0 (hw-soc 7.2)."""
    bench.xw(0x00, 1)
    bench.setup(0x0400_3404, 0x12)
    bench.xw(0x48, (64 << 20) - 1)  # the last byte of the device: no room for two
    bench.xw(0x50, 0x5A, 1)
    bench.wait(100)
    assert bench.sr() & (BUSY | 1) == 0
    assert bench.heard[-1][3] == b"\x5a"


# ---- commands


def test_a_command_reaches_the_nor_when_its_bits_are_out(bench):
    bench.xw(0x00, 1)
    bench.setup(OCTAL_COMMAND, 0x21, tcr=3)
    bench.xw(0x120, 0x99)  # no alternate phase: not sent
    now = bench.time.now
    bench.xw(0x48, 0x1234)
    bench.wait(7)
    assert (bench.sr(), bench.heard) == (BUSY | FTF, [])
    bench.wait(1)
    assert bench.sr() == TCF | FTF
    assert bench.heard == [(now, CLK, b"\x21\0\0\x12\x34", b"", 0)]
    bench.xw(0x24, 2)
    bench.wait(100)
    assert bench.sr() == FTF


def test_alternate_bytes_are_part_of_a_command(bench):
    bench.xw(0x00, 1)
    bench.xw(0x120, 0x99)
    bench.setup(0x0004_0004, 0x21)
    bench.wait(100)
    bench.sr()
    assert bench.heard[0][2] == b"\x21\x99"


@pytest.mark.parametrize(
    ("ccr", "tcr", "sent"),
    [
        (0x0000_001C, 0x1000_0000, False),
        (0x0800_001C, 0x1000_0000, True),
        (0x0000_001C, 0x0000_0000, True),
        (0x0000_0014, 0x1000_0000, True),
    ],
)
def test_delay_hold_swallows_a_dtr_command_without_ddtr(bench, ccr, tcr, sent):
    bench.xw(0x00, 1)
    bench.setup(ccr, 0x06F9, tcr=tcr)
    bench.wait(10)
    assert bench.sr() & (TCF | BUSY) == TCF
    assert bool(bench.heard) is sent


# ---- reads


def test_a_read_fills_the_fifo_behind_its_head(bench):
    now = bench.begin_read(8, 0x40)
    assert bench.heard == [(now, CLK, b"\xec\0\0\0\x40", b"", 8)]
    levels = []
    for _ in range(14):
        levels.append(bench.sr())
        bench.wait(1)
    busy = [BUSY] * 6 + [BUSY | 0x100, BUSY | 0x200, BUSY | 0x300]
    reached = [BUSY | FTF | level << 8 for level in (4, 5, 6, 7)]
    assert levels == [*busy, *reached, BUSY | FTF | TCF | 0x800]


def test_dummies_are_part_of_the_head(bench):
    bench.xw(0x00, 0x1000_0001)
    bench.setup(OCTAL_READ, 0xEC, 1, tcr=31)
    bench.xw(0x48, 0)
    bench.wait(5 + 31)
    assert bench.sr() >> 8 == 0
    bench.wait(1)
    assert bench.sr() >> 8 == 1


@pytest.mark.parametrize("fthres", [0, 3, 62, 63])
def test_ftf_of_a_read_wants_one_byte_more_than_fthres(bench, fthres):
    bench.begin_read(200, fthres=fthres)
    bench.wait(5 + fthres)
    assert not bench.sr() & FTF
    bench.wait(1)
    assert bench.sr() & FTF
    bench.xr(0x50, 1)
    assert not bench.sr() & FTF


def test_ftf_of_a_finished_read_stays_while_a_byte_is_left(bench):
    bench.begin_read(6, fthres=31)
    bench.wait(10)
    assert bench.sr() == BUSY | 0x500
    bench.wait(1)
    assert bench.sr() == BUSY | FTF | TCF | 0x600
    bench.xr(0x50)
    bench.xr(0x50, 1)
    assert bench.sr() == BUSY | FTF | TCF | 0x100
    bench.xr(0x50, 1)
    assert bench.sr() == TCF


def test_tcf_comes_with_the_last_byte_and_once(bench):
    bench.begin_read(2)
    bench.wait(6)
    assert not bench.sr() & TCF
    bench.wait(1)
    assert bench.sr() & TCF
    bench.xw(0x24, TCF)
    assert bench.sr() == BUSY | FTF | 0x200
    bench.xr(0x50, 2)
    assert bench.sr() == 0
    bench.begin_read(1)
    bench.wait(10)
    assert bench.sr() & TCF


def test_tcf_comes_although_nobody_looked(bench):
    bench.begin_read(4)
    assert bench.xr(0x50) == 0x0302_0100
    assert bench.sr() == TCF


def test_an_idle_dr_reads_zero(bench):
    bench.xw(0x00, 0x1000_0001)
    assert bench.xr(0x50) == 0


def test_ncs_rises_with_the_last_byte_of_a_read(bench):
    now = bench.begin_read(4)
    bench.xr(0x50)
    bench.xw(0x48, 0)
    assert bench.heard[1][0] - now == (5 + 4 + 2) * CLK


@pytest.mark.parametrize("length", [1, 63, 64, 65, 256])
def test_every_length_comes_whole(bench, length):
    bench.begin_read(length, fthres=0)
    data = bytearray()
    while len(data) < length:
        bench.wait(40)
        assert bench.sr() >> 8 <= 64
        data.append(bench.xr(0x50, 1))
    assert bytes(data) == bytes(range(256))[:length]
    assert bench.sr() & (BUSY | TCF) == TCF


def test_dlr_of_all_ones_reads_to_the_end_of_the_device(bench):
    bench.xw(0x08, 0x0106_0100)  # 128 bytes
    bench.xw(0x00, 0x1000_0001)
    bench.xw(0x40, 0xFFFF_FFFF)
    bench.setup(OCTAL_READ, 0xEC)
    bench.xw(0x48, 100)
    assert bench.heard[0][4] == 28
    for _ in range(7):
        bench.xr(0x50)
    assert bench.sr() == TCF


def test_dlr_of_all_ones_writes_to_the_end_of_the_device(bench):
    bench.xw(0x08, 0x0103_0100)  # 16 bytes
    bench.xw(0x00, 1)
    bench.xw(0x40, 0xFFFF_FFFF)
    bench.setup(OCTAL_READ, 0x12)
    bench.xw(0x48, 12)
    bench.xw(0x50, 0x0403_0201)
    bench.wait(100)
    assert bench.sr() == TCF | FTF
    assert bench.heard[0][3] == b"\1\2\3\4"


def test_a_read_without_end_keeps_no_more_than_the_largest_part(bench):
    bench.fake.answer = bytes(1 << 20)
    bench.xw(0x08, 0x011F_0100)  # 4 GiB
    bench.xw(0x00, 0x1000_0001)
    bench.xw(0x40, 0xFFFF_FFFF)
    bench.setup(OCTAL_READ, 0xEC)
    bench.xw(0x48, 0)
    assert bench.heard[0][4] == 1 << 27
    bench.wait(100)
    assert bench.sr() == BUSY | FTF | 64 << 8


# ---- transfer errors


@pytest.mark.parametrize(
    ("address", "length", "error"),
    [(252, 4, False), (253, 4, True), (255, 1, False), (256, 1, True), (0, 256, False), (0, 257, True)],
)
@pytest.mark.parametrize("write", [False, True])
def test_address_and_length_must_lie_in_the_device(bench, address, length, error, write):
    bench.xw(0x08, 0x0107_0100)  # 256 bytes
    if write:
        bench.begin_write(length, address)
        assert not bench.sr() & TEF  # with the trigger, not before
        bench.xw(0x50, 0, 1)
    else:
        bench.begin_read(length, address)
    assert bool(bench.sr() & TEF) is error
    assert bool(bench.sr() & BUSY) is not error
    if error:
        bench.wait(LATER)
        assert bench.heard == []
        bench.xw(0x24, TEF)
        assert not bench.sr() & TEF


@pytest.mark.parametrize(("address", "error"), [(255, False), (256, True)])
def test_a_command_needs_its_address_in_the_device(bench, address, error):
    bench.xw(0x08, 0x0107_0100)
    bench.xw(0x00, 1)
    bench.xw(0x40, 1000)  # no data phase: does not count
    bench.setup(OCTAL_COMMAND, 0x21)
    bench.xw(0x48, address)
    bench.wait(100)
    assert bool(bench.sr() & TEF) is error
    assert bool(bench.heard) is not error


def test_without_an_address_phase_ar_does_not_count(bench):
    bench.xw(0x48, 0xFFFF_FFF0)
    bench.xw(0x00, 0x1000_0001)
    bench.setup(0x0400_0004, 0x9F, 3)
    bench.xw(0x110, 0x9F)
    assert bench.sr() & (TEF | BUSY) == BUSY


def test_one_less_than_all_ones_is_a_length(bench):
    bench.xw(0x00, 0x1000_0001)
    bench.xw(0x40, 0xFFFF_FFFE)
    bench.setup(OCTAL_READ, 0xEC)
    bench.xw(0x48, 0)
    assert bench.sr() & (TEF | BUSY) == TEF


def test_without_a_limit_only_the_address_counts(bench):
    bench.xw(0x08, 0x0107_0100)
    bench.xw(0x00, 0x1000_0001)
    bench.xw(0x40, 0xFFFF_FFFF)
    bench.setup(OCTAL_READ, 0xEC)
    bench.xw(0x48, 255)
    assert bench.sr() & (TEF | BUSY) == BUSY
    assert bench.heard[0][4] == 1


# ---- writes


@pytest.mark.parametrize("fthres", [0, 3, 62, 63])
def test_ftf_of_a_write_wants_room_for_one_byte_more_than_fthres(bench, fthres):
    bench.begin_write(200, fthres=fthres)
    assert bench.sr() == FTF  # empty, before the first byte
    for _ in range(63 - fthres):
        bench.xw(0x50, 0, 1)
    assert bench.sr() & (BUSY | FTF) == (BUSY | FTF if fthres < 63 else FTF)
    bench.xw(0x50, 0, 1)
    assert bench.sr() & (BUSY | FTF) == BUSY
    bench.wait(5)
    assert not bench.sr() & FTF
    bench.wait(1)
    assert bench.sr() & FTF


def test_a_write_reaches_the_nor_when_ncs_rises(bench):
    bench.begin_write(8, 0x100)
    now = bench.time.now
    bench.xw(0x50, 0x0403_0201)
    bench.wait(3)
    bench.xw(0x50, 0x0807_0605)
    bench.wait(9)
    assert bench.sr() == BUSY | FTF | 0x100
    assert bench.heard == []
    bench.wait(1)
    assert bench.sr() == TCF | FTF
    assert bench.heard == [(now, CLK, b"\x12\0\0\1\0", bytes(range(1, 9)), 0)]


def test_a_write_waits_for_its_bytes(bench):
    bench.begin_write(2)
    bench.xw(0x50, 1, 1)
    bench.wait(LATER)
    assert bench.sr() == BUSY | FTF
    bench.xw(0x50, 2, 1)
    bench.wait(1)
    assert bench.sr() == TCF | FTF
    assert bench.heard[0][3] == b"\1\2"


def test_bytes_too_many_are_lost_until_the_transfer_is_over(bench):
    bench.begin_write(2)
    bench.xw(0x50, 0x0403_0201)
    bench.xw(0x50, 0x55, 1)
    bench.wait(7)
    bench.xw(0x50, 0x66, 1)  # over: this one begins the next
    assert bench.heard[0][3] == b"\1\2"
    bench.xw(0x50, 0x77, 1)
    bench.wait(100)
    bench.sr()
    assert bench.heard[1][3] == b"\x66\x77"


def test_ncs_rises_with_the_last_byte_of_a_write(bench):
    bench.begin_write(1)
    now = bench.time.now
    bench.xw(0x50, 0, 1)
    bench.wait(6)
    bench.xw(0x50, 0, 1)
    bench.wait(100)
    bench.sr()
    assert bench.heard[1][0] - now == (6 + 2) * CLK


def test_a_dtr_write_is_swapped_by_the_memory_type(bench):
    for mtyp, data in ((1, b"\2\1\4\3"), (0, b"\1\2\3\4"), (3, b"\2\1\4\3")):
        bench.xw(0x08, 0x0019_0100 | mtyp << 24)
        bench.xw(0x00, 1)
        bench.setup(0x0C00_3C1C, 0x12ED, 4, tcr=0x1000_0000)
        bench.xw(0x48, 0)
        bench.xw(0x50, 0x0403_0201)
        bench.wait(100)
        assert bench.sr() & TCF
        assert bench.heard[-1][2:4] == (b"\x12\xed\0\0\0\0", data)


# ---- status reads of the NOR


def test_a_program_that_polls_the_nor_by_hand_is_taken_to_the_end_of_its_work(bench):
    bench.fake.status_polls = 8
    began = bench.time.now
    bench.fake.busy_until = began + 100 * US
    bench.begin_read(1)
    assert bench.time.now == began + 32 * US
    bench.xr(0x50, 1)
    bench.begin_read(1)
    assert bench.time.now == began + 2 * (32 * US + 6 * CLK)
    bench.xr(0x50, 1)
    bench.begin_read(1)
    assert bench.time.now == bench.fake.busy_until
    assert bench.heard[2][0] == bench.fake.busy_until
    bench.xr(0x50, 1)
    assert bench.time.now == bench.fake.busy_until + 6 * CLK


def test_a_few_polls_are_not_waiting(bench):
    bench.fake.status_polls = 7
    bench.fake.busy_until = bench.time.now + 10**9
    assert bench.begin_read(1) < bench.fake.busy_until


def test_polling_a_stuck_nor_lets_time_pass_but_not_for_ever(bench):
    bench.fake.status_polls = 9
    bench.fake.faults.stuck_wip = True
    bench.fake.busy_until = 1 << 61
    began = bench.time.now
    for _ in range(300):
        bench.begin_read(1)
        bench.xr(0x50, 1)
    assert began + 300 * 6 * CLK * 10 < bench.time.now < began + 10**12
    bench.fake.status_polls = 0
    bench.begin_read(1)
    bench.xr(0x50, 1)
    bench.fake.status_polls = 9
    now = bench.time.now
    bench.begin_read(1)
    assert bench.time.now == now
