"""Suspend and resume, with their latencies (hw-flash 2.4 rule 11, 4.1, 7)."""

from __future__ import annotations

import pytest

from tests.sim.nor.bench import MS, US

CASES = [(0x12, 152 * US, 25 * US, 192 * US, 0x04), (0x21, 25 * MS, 56 * US, 448 * US, 0x08),
         (0xDC, 256 * MS, 56 * US, 448 * US, 0x08)]  # fmt: skip


def begin(bench, opcode, address=0):
    bench.enable()
    bench.send(opcode, address, b"\0\0" if opcode == 0x12 else b"")
    return bench.ended


@pytest.mark.parametrize(("opcode", "time", "latency", "progress", "bit"), CASES)
def test_a_suspend_takes_its_latency_and_a_resume_the_rest(bench, mode, opcode, time, latency, progress, bit):
    bench.octal(mode)
    bench.content[0x1234] = 0x42
    began = begin(bench, opcode, 0x20000)
    bench.now = began + 100 * US
    bench.send(0xB0)
    at = bench.ended
    assert bench.nor.busy_until == at + latency
    assert bench.sr == 0x03
    assert bench.scur == 0
    bench.nor.settle(at + latency - 1)
    assert bench.nor.status == 0x03
    bench.now = at + latency
    assert bench.sr == 0
    assert bench.scur == bit
    assert bench.read(0x1234, 2) == b"\x42\xff"
    bench.now += MS
    bench.send(0x30)
    assert bench.nor.busy_until == bench.ended + time - (at - began)
    assert bench.sr == 0x03
    assert bench.scur == 0
    bench.wait()
    assert bench.sr == 0
    assert bench.scur == 0
    assert bench.content[0x20000] == (0 if opcode == 0x12 else 0xFF)


@pytest.mark.parametrize(("opcode", "time", "latency", "progress", "bit"), CASES)
def test_in_the_last_two_microseconds_a_suspend_is_not_heard(bench, opcode, time, latency, progress, bit):
    command = 8 * bench.clock
    began = begin(bench, opcode)
    bench.now = began + time - 2 * US - command
    bench.send(0xB0)
    bench.wait()
    assert bench.now == began + time
    assert bench.scur == 0
    began = begin(bench, opcode)
    bench.now = began + time - 2 * US - command - 1
    bench.send(0xB0)
    bench.wait()
    assert bench.scur == bit


@pytest.mark.parametrize("opcode", [0x60, 0x01, 0x18])
def test_chip_erase_and_register_writes_are_not_suspended(bench, opcode):
    bench.enable()
    bench.send(opcode, 0, b"\0" if opcode == 0x01 else b"")
    end = bench.nor.busy_until
    bench.now += MS
    bench.send(0xB0)
    assert bench.nor.suspended is None
    assert bench.nor.busy_until == end


def test_a_suspend_of_nothing_and_a_resume_of_nothing_do_nothing(bench):
    bench.send(0xB0)
    bench.send(0x30)
    assert (bench.sr, bench.scur) == (0, 0)
    bench.enable()
    bench.send(0xB0)
    assert bench.sr == 2
    bench.send(0xB1)
    bench.send(0x30)
    assert bench.nor.otp


def test_a_resume_leaves_the_otp_area(bench):
    begin(bench, 0x21)
    bench.send(0xB0)
    bench.wait()
    bench.send(0xB1)
    assert bench.nor.otp
    bench.send(0x30)
    assert not bench.nor.otp
    assert bench.sr == 3


def test_a_resume_before_the_suspend_is_through_is_not_heard(bench):
    begin(bench, 0x21)
    bench.send(0xB0)
    bench.send(0x30)
    bench.wait()
    assert bench.scur == 0x08


def test_a_suspended_part_takes_no_second_suspend(bench):
    begin(bench, 0x21)
    bench.send(0xB0)
    bench.wait()
    left = bench.nor.suspended.end
    bench.send(0xB0)
    assert bench.nor.operation is None
    assert bench.nor.suspended.end == left


def test_wrdi_is_heard_in_the_latency_and_nowhere_else_while_busy(bench, mode):
    bench.octal(mode)
    begin(bench, 0x21)
    bench.send(0x04)
    assert bench.sr == 3
    bench.send(0xB0)
    bench.send(0x04)
    assert bench.sr == 1


def test_wren_and_volatile_settings_are_taken_while_suspended(bench):
    begin(bench, 0x21)
    bench.send(0xB0)
    bench.wait()
    bench.write_cr2(0x300, 3)
    assert bench.cr2(0x300) == 3
    bench.enable()
    assert bench.sr == 2


@pytest.mark.parametrize(("opcode", "first", "size"), [(0x12, 0x11200, 0x100), (0x21, 0x11000, 0x1000),
                                                       (0xDC, 0x10000, 0x10000)])  # fmt: skip
def test_what_is_suspended_reads_undefined_and_its_neighbours_right(bench, mode, opcode, first, size):
    bench.octal(mode)
    bench.content[:] = b"\x5a" * len(bench.content)
    begin(bench, opcode, 0x11280)
    bench.send(0xB0)
    bench.wait()
    assert bench.read(first - 16, 16) == b"\x5a" * 16
    assert bench.read(first + size, 16) == b"\x5a" * 16
    for address in (first, first + size - 16):
        assert bench.read(address, 16) not in (b"\x5a" * 16, b"\xff" * 16)
    answer = bench.read(first - 2, size + 4)
    assert answer is not None
    assert (answer[:2], answer[-2:]) == (b"\x5a\x5a", b"\x5a\x5a")
    assert answer[2:18] not in (b"\x5a" * 16, b"\xff" * 16)
    if size == 0x100:
        assert b"\x5a\x5a" not in (answer[2:4], answer[-4:-2])
    bench.send(0xB1)
    assert bench.read(0x200, 16) == b"\xff" * 16  # the OTP area is another one


@pytest.mark.parametrize(("opcode", "time", "latency", "progress", "bit"), CASES)
def test_suspended_again_too_soon_it_makes_no_progress(bench, opcode, time, latency, progress, bit):
    began = begin(bench, opcode)
    bench.now = began + 10 * US
    bench.send(0xB0)
    left = time - (bench.ended - began)
    assert bench.nor.suspended.end == left
    command = 8 * bench.clock
    for _ in range(2):
        bench.wait()
        bench.send(0x30)
        resumed = bench.ended
        bench.now = resumed + min(progress, left - 3 * US) - command - 1
        bench.send(0xB0)
        assert bench.nor.suspended.end == left
    if progress < left:
        bench.wait()
        bench.send(0x30)
        bench.now = bench.ended + progress - command
        bench.send(0xB0)
        assert bench.nor.suspended.end == left - progress


def test_the_first_suspend_may_come_at_once(bench):
    began = begin(bench, 0x21)
    bench.now = began + 100 * US
    bench.send(0xB0)
    assert bench.nor.suspended.end == 25 * MS - (bench.ended - began)


def test_wren_is_not_heard_in_the_latency(bench, mode):
    bench.octal(mode)
    begin(bench, 0x21)
    bench.send(0xB0)
    bench.send(0x04)
    assert bench.sr == 0x01
    bench.send(0x06)
    assert bench.sr == 0x01


def test_a_slow_program_goes_on_when_it_had_192_us(make_bench):
    """SFDP: 192 us from a resume to the next suspend; tPP may be a millisecond (hw-flash 4.1)."""
    bench = make_bench(page_time=MS)
    began = begin(bench, 0x12)
    bench.now = began + 10 * US
    bench.send(0xB0)
    left = MS - (bench.ended - began)
    command = 8 * bench.clock
    for early, kept in ((1, left), (0, left - 192 * US)):
        bench.wait()
        bench.send(0x30)
        bench.now = bench.ended + 192 * US - command - early
        bench.send(0xB0)
        assert bench.nor.suspended.end == kept


def test_power_that_goes_before_a_suspend_is_through_spoils_what_it_was_to_suspend(bench):
    bench.content[:0x1000] = bytes(0x1000)
    begin(bench, 0x21)
    bench.now += MS
    bench.send(0xB0)
    bench.nor.power_off(bench.ended - 1)
    assert bytes(bench.content[:0x1000]) not in (bytes(0x1000), b"\xff" * 0x1000)


def test_every_byte_of_what_is_in_hand_is_undefined(bench):
    """Also the first one of a read that begins in the middle of it."""
    bench.content[:0x2000] = b"\x5a" * 0x2000
    begin(bench, 0x21)
    bench.now += MS
    bench.send(0xB0)
    bench.wait()
    assert {bench.read(0x100 + 16 * index, 4)[0] for index in range(8)} != {0x5A}
