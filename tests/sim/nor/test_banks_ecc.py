"""Read while write on the banked part, its two dies, and the ECC status group (hw-flash 3, 7, 8)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from n6prog.sim.nor.parts import MX25UM51245G, MX66UW1G45G
from tests.sim.nor.bench import BANKED, MS, US, Bench

BANK, DIE = 0x20000, 0x40000


def test_the_real_parts_have_four_banks_and_two_dies_or_none():
    assert (MX66UW1G45G.bank_size, MX66UW1G45G.die_size) == (32 << 20, 64 << 20)
    assert (MX25UM51245G.bank_size, MX25UM51245G.die_size) == (64 << 20, 64 << 20)


@pytest.mark.parametrize(("opcode", "data"), [(0x12, b"\0\0"), (0x21, b""), (0xDC, b"")])
def test_other_banks_are_read_while_one_is_busy(banked, mode, opcode, data):
    banked.octal(mode)
    for bank in range(4):
        banked.content[bank * BANK : bank * BANK + 2] = bytes((bank, bank))
        banked.content[bank * BANK + BANK - 2 : bank * BANK + BANK] = bytes((bank | 16, bank | 16))
    banked.enable()
    banked.send(opcode, 0x20100, data)
    assert banked.read(0x1FFFE, 2) == b"\x10\x10"
    assert banked.read(0x20000, 2) is None
    assert banked.read(0x3FFFE, 2) is None
    assert banked.read(0x40000, 2) == b"\x02\x02"
    assert banked.read(0x60000, 2) == b"\x03\x03"
    assert banked.read(0x80000, 2) == b"\0\0"  # past the end it is bank 0 again
    assert banked.get(0x9F, 0, 3) is None
    assert banked.get(0x5A, 0, 4) is None
    assert banked.sr == 3
    banked.enable()
    banked.send(0x12, 0x40000, b"\0\0")  # no second operation
    banked.wait()
    assert banked.content[0x40000] == 2
    assert banked.read(0x20000, 2) is not None


def test_a_read_that_runs_into_the_busy_bank_is_undefined_from_there(banked, mode):
    banked.octal(mode)
    banked.content[0x1FF00:0x20100] = b"\x5a" * 0x200
    banked.content[0x3FF00:0x40010] = b"\x5a" * 0x110
    banked.enable()
    banked.send(0x21, 0x30000)
    answer = banked.read(0x1FFF0, 48)
    assert answer is not None
    assert answer[:16] == b"\x5a" * 16
    assert answer[16:32] not in (b"\x5a" * 16, b"\xff" * 16)
    whole = banked.read(0x1FFF0, 0x20020)
    assert whole is not None
    assert whole[-16:] == b"\x5a" * 16
    assert whole[-32:-16] != b"\x5a" * 16


@pytest.mark.parametrize(("opcode", "data"), [(0x60, b""), (0x01, b"\0"), (0x18, b"")])
def test_a_chip_erase_or_register_write_keeps_every_bank_busy(banked, mode, opcode, data):
    banked.octal(mode)
    banked.enable()
    banked.send(opcode, 0, data)
    for bank in range(4):
        assert banked.read(bank * BANK, 2) is None
        assert banked.cr2(0xC000_0000 + bank * BANK) == 3


def test_bank_status(banked, mode):
    banked.octal(mode)
    for address in (0xC000_0000, 0xC005_FFFF):
        assert banked.cr2(address) == 0
    banked.enable()
    banked.send(0x21, 0x40000)
    assert banked.cr2(0xC000_0000) == 1
    assert banked.cr2(0xC003_FFFF) == 1
    assert banked.cr2(0xC004_0000) == 3
    assert banked.cr2(0xC005_FFFF) == 3
    assert banked.cr2(0xC006_0000) == 1
    assert banked.cr2(0xBFFF_FFFF) is None
    assert banked.cr2(0x300) is None
    banked.send(0xB0)
    assert banked.cr2(0xC004_0000) == 3
    assert banked.read(0, 2) == b"\xff\xff"
    assert banked.read(0x40000, 2) is None
    banked.wait()
    assert banked.cr2(0xC004_0000) == 0
    banked.send(0x72, 0xC000_0000, b"\0")
    assert banked.sr == 0


def test_two_banks_are_banks_too():
    bench = Bench(replace(BANKED, banks=2))
    bench.enable()
    bench.send(0x21, 0)
    assert bench.read(0x3FFFE, 2) is None
    assert bench.read(0x40000, 2) == b"\xff\xff"
    assert bench.cr2(0xC004_0000) == 1


def test_writing_the_bank_status_while_busy_does_nothing(banked):
    banked.enable()
    banked.send(0x21, 0)
    banked.send(0x72, 0xC000_0000, b"\0")
    assert banked.sr == 3


def test_the_part_without_banks_reads_nothing_while_busy(bench, mode):
    bench.octal(mode)
    bench.enable()
    bench.send(0x21, 0)
    assert bench.read(0x30000, 2) is None
    assert bench.cr2(0xC000_0000) is None
    bench.wait()
    assert bench.cr2(0xC000_0000) is None


def test_reads_cross_the_die_boundary(banked, mode):
    banked.octal(mode)
    banked.content[DIE - 2 : DIE + 2] = b"\x01\x02\x03\x04"
    assert banked.read(DIE - 2, 4) == b"\x01\x02\x03\x04"


def test_a_chip_erase_covers_both_dies(banked):
    banked.content[:] = bytes(len(banked.content))
    banked.erase(0xC7)
    assert banked.content == b"\xff" * len(banked.content)


# ---- ECC -----------------------------------------------------------------------------------------------------------

STATUS = {0: 0x800, 1: 0x0400_0800}


def group(bench, die):
    return [bench.cr2((die << 26) + low) for low in (0x800, 0xC00, 0xD00, 0xE00, 0xF00)]


def test_the_group_is_there_once_a_die(bench, banked):
    assert group(bench, 0) == group(banked, 0) == group(banked, 1) == [0] * 5
    assert group(bench, 1) == [None] * 5
    assert group(banked, 2) == [None] * 5
    assert banked.cr2(0x0400_0900) is None
    assert bench.cr2(0x1000) is None


@pytest.mark.parametrize("die", [0, 1])
def test_a_double_programmed_chunk_shows_when_it_is_read(banked, mode, die):
    banked.octal(mode)
    base = die * DIE
    banked.program(base + 0x120, b"\x0f\x0f")
    banked.program(base + 0x120, b"\x0e\x0e")
    banked.read(base + 0x100, 32)
    banked.read(base + 0x130, 16)
    assert group(banked, die) == [0] * 5
    banked.read(base + 0x12E, 2)
    assert group(banked, die) == [0x40, 0, 0, 0, 0]
    assert group(banked, 1 - die) == [0] * 5
    banked.write_cr2(STATUS[die], 1)  # only 0 clears
    assert group(banked, die)[0] == 0x40
    assert banked.sr == 0
    for low in (0x900, 0xC00, 0xF00):
        banked.write_cr2((die << 26) + low, 0)
    assert group(banked, die)[0] == 0x40
    banked.write_cr2(STATUS[1 - die], 0)
    assert group(banked, die)[0] == 0
    banked.read(base + 0x11E, 4)
    assert group(banked, die)[0] == 0x40
    banked.reset()
    banked.now += 40 * US
    assert group(banked, die)[0] == 0
    banked.erase(0x21, base)
    banked.read(base + 0x120, 2)
    assert group(banked, die)[0] == 0


def test_bit_errors_are_counted_and_the_first_address_is_kept(banked):
    nor = banked.nor
    nor.faults.ecc_one = frozenset({0x3_4560})
    nor.faults.ecc_two = frozenset({0x4_0000 + 0x1_2340})
    banked.content[0x3_4560:0x3_4570] = bytes(range(16))
    assert banked.read(0x3_4560, 16) == bytes(range(16))  # corrected
    assert group(banked, 0) == [0x91, 0x60, 0x45, 0x03, 0]
    assert banked.read(0x5_2340, 16) == b"\xfc" + b"\xff" * 15  # only reported
    assert group(banked, 1) == [0xA1, 0x40, 0x23, 0x01, 0]
    nor.faults.ecc_one |= {0x100}
    banked.read(0x100, 1)
    assert group(banked, 0) == [0x92, 0x60, 0x45, 0x03, 0]
    for _ in range(20):
        banked.read(0x100, 1)
    assert group(banked, 0)[0] == 0x9F
    banked.write_cr2(0x800, 0)
    assert group(banked, 0) == group(banked, 1) == [0] * 5
    banked.read(0x100, 1)
    assert group(banked, 0) == [0x91, 0, 0x01, 0, 0]


def test_the_two_wrong_bits_are_in_the_chunk_as_read(bench):
    bench.nor.faults.ecc_two = frozenset({0x20})
    assert bench.read(0x10, 0x20) == b"\xff" * 16 + b"\xfc" + b"\xff" * 15
    assert bench.read(0x24, 4) == b"\xfc" + b"\xff" * 3
    assert bench.read(0x2F, 2) == b"\xfc\xff"
    assert bench.read(0x30, 4) == b"\xff" * 4
    assert bench.read(0x10, 0x10) == b"\xff" * 16
    assert bench.cr2(0x800) == 0xA3


def test_one_read_meets_every_chunk_once_and_a_program_mark_hides_the_rest(bench):
    bench.program(0, b"\x0f")
    bench.program(0, b"\x0e")
    bench.nor.faults.ecc_one = frozenset({0, 0x10})
    bench.nor.faults.ecc_two = frozenset({0, 0x20})
    assert bench.read(0, 64) == b"\x0e" + b"\xff" * 31 + b"\xfc" + b"\xff" * 31
    assert group(bench, 0) == [0xF2, 0x10, 0, 0, 0]


def test_reads_that_wrap_meet_chunks_at_both_ends(bench):
    bench.nor.faults.ecc_two = frozenset({0x3FFF0, 0})
    assert bench.read(0x3FFF8, 16) == b"\xfc" + b"\xff" * 7 + b"\xfc" + b"\xff" * 7
    assert bench.cr2(0x800) == 0xA2
    bench.nor.faults.ecc_two = frozenset({0x100})
    bench.read(0x3FFF8, 8)
    assert bench.cr2(0x800) == 0xA2


def test_the_failing_address_has_26_bits():
    from n6prog.sim.nor.ecc import ONE_BIT, EccStatus

    status = EccStatus(2)
    status.note(1, 0x3FF_FFF0, ONE_BIT)
    assert [status.read(0x0400_0000 + low) for low in (0xC00, 0xD00, 0xE00, 0xF00)] == [0xF0, 0xFF, 0xFF, 0x03]
    status.clear()
    status.note(1, 0x3FF_FFFF, ONE_BIT)  # bits 3 to 0 are not shown
    assert status.read(0x0400_0C00) == 0xF0
    status.clear()
    status.note(0, 0x2A5_5A30, ONE_BIT)
    assert [status.read(low) for low in (0xC00, 0xD00, 0xE00, 0xF00)] == [0x30, 0x5A, 0xA5, 0x02]


@pytest.mark.parametrize("upper", [0x0400_0800, 0x0800_0800])
def test_a_part_of_one_die_has_no_other_group_to_clear(bench, upper):
    bench.nor.faults.ecc_one = frozenset({0})
    bench.read(0, 1)
    bench.write_cr2(upper, 0)
    assert bench.cr2(0x800) == 0x91


def test_the_otp_area_has_no_share_in_it(bench):
    bench.nor.faults.ecc_two = frozenset({0})
    bench.send(0xB1)
    assert bench.read(0, 4) == b"\xff" * 4
    bench.send(0xC1)
    assert bench.cr2(0x800) == 0


def test_a_suspended_erase_takes_a_while_to_be_idle_for_reads(bench):
    bench.enable()
    bench.send(0x21, 0)
    bench.now += MS
    bench.send(0xB0)
    assert bench.read(0x10000, 2) is None
    bench.wait()
    assert bench.read(0x10000, 2) == b"\xff\xff"


def test_bits_that_ecc_corrects_are_counted_even_when_nothing_else_is_wrong(bench):
    bench.nor.faults.ecc_one = frozenset({0x40})
    assert bench.read(0x40, 4) == b"\xff" * 4
    assert bench.cr2(0x800) == 0x91
