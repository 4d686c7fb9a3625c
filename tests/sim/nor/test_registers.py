"""SR, CR, CR2, SCUR, FBR in every bus mode (hw-flash 3)."""

from __future__ import annotations

import pytest

from tests.sim.nor.bench import MS, SECOND, US


def test_status_has_bp_and_no_srwd(bench, mode):
    bench.octal(mode)
    bench.enable()
    bench.send(0x01, 0, b"\xff")
    began = bench.ended
    assert bench.sr == 0x03
    assert bench.nor.busy_until - began == 40 * MS
    bench.wait()
    assert bench.sr == 0x3C
    assert bench.get(0x15, 1) == b"\x07"


def test_a_status_write_shows_at_its_end_and_not_before(bench):
    bench.enable()
    bench.send(0x01, 0, b"\x14\x02")
    end = bench.nor.busy_until
    bench.nor.settle(end - 1)
    assert (bench.nor.status, bench.nor.registers.cr) == (0x03, 0x07)
    bench.nor.settle(end)
    assert (bench.nor.status, bench.nor.registers.cr) == (0x14, 0x02)


@pytest.mark.parametrize("octal", ["8S", "8D"])
def test_in_octal_modes_sr_and_cr_are_written_one_by_one(bench, octal):
    bench.write_sr(0x08, 0x03)
    bench.octal(octal)
    bench.enable()
    bench.send(0x01, 1, b"\x15")
    assert bench.nor.busy_until - bench.ended == 40 * MS
    bench.wait()
    assert bench.sr == 0x08
    assert bench.get(0x15, 1) == b"\x15"
    bench.enable()
    bench.send(0x01, 0, b"\x10")
    bench.wait()
    assert bench.sr == 0x10
    assert bench.get(0x15, 1) == b"\x15"
    bench.enable()
    bench.send(0x01, 2, b"\x3c")  # no such register: WEL goes, nothing else
    assert bench.sr == 0x10


def test_8d_keeps_the_first_of_the_two_bytes(bench):
    bench.octal("8D")
    bench.enable()
    bench.frame(0x01, bytes(4), b"\x04\x38", mode="8D")
    bench.wait()
    assert bench.sr == 0x04
    bench.enable()
    bench.frame(0x72, b"\0\0\3\0", b"\x05\x02", mode="8D")
    assert bench.cr2(0x300) == 5
    bench.frame(0xC0, bytes(4), b"\x02\x01", mode="8D")
    assert bench.nor.burst == 32


@pytest.mark.parametrize(
    ("address", "mask"), [(0x200, 0x03), (0x300, 0x07), (0x400, 0x03), (0x500, 0x71)]
)  # hw-flash 3
def test_volatile_cr2_bytes_keep_their_bits_until_a_reset(bench, mode, address, mask):
    bench.octal(mode)
    assert bench.cr2(address) == 0
    bench.write_cr2(address, 0xFF)
    assert bench.cr2(address) == mask
    assert bench.sr == 0
    for other in {0x200, 0x300, 0x400, 0x500} - {address}:
        assert bench.cr2(other) == 0
    bench.reset()
    bench.now += 40 * US
    assert bench.cr2(address) == 0


@pytest.mark.parametrize(
    "address",
    [0x1, 0x100, 0x201, 0x301, 0x501, 0x700, 0x801, 0xC01, 0x0400_0800, 0x4000_0001, 0x8000_0001, 0xC000_0000],
)
def test_where_there_is_no_cr2_byte_nothing_is_driven_and_writes_cost_wel(bench, address):
    assert bench.cr2(address) is None
    bench.write_cr2(address, 0)
    assert bench.sr == 0
    assert bench.tripwire.violations == []


def test_the_default_mode_byte_reads_ff_and_the_crc_flag_0(bench, mode):
    bench.octal(mode)
    assert bench.cr2(0x4000_0000) == 0xFF
    assert bench.cr2(0x8000_0000) == 0


def test_the_crc_flag_is_read_and_written_while_busy_and_leaves_wel(bench, mode):
    bench.octal(mode)
    bench.enable()
    bench.send(0x21, 0)
    assert bench.cr2(0x8000_0000) == 0
    bench.send(0x72, 0x8000_0000, b"\0")
    assert bench.sr == 0x03
    bench.send(0x72, 0x300, b"\x01")
    bench.wait()
    assert bench.cr2(0x300) == 0
    bench.enable()
    bench.send(0x72, 0x8000_0000, b"\0")
    assert bench.sr == 0x02


@pytest.mark.parametrize(("default", "mode"), [(0xFE, "8S"), (0xFD, "8D"), (0xFF, "1S")])
def test_a_reset_goes_to_the_default_mode(bench, default, mode):
    bench.nor.registers.cr2_default = default
    bench.reset()
    bench.now += 40 * US
    assert bench.nor.mode == mode
    assert bench.cr2(0) == {"1S": 0, "8S": 1, "8D": 2}[mode]
    assert bench.cr2(0x4000_0000) == default


@pytest.mark.parametrize(
    ("first", "value", "then"),
    [("1S", 0, "1S"), ("1S", 3, "1S"), ("8S", 1, "8S"), ("8S", 2, "8S"), ("8S", 3, "8S"), ("8S", 0, "1S"),
     ("8D", 2, "8D"), ("8D", 1, "8D"), ("8D", 3, "8D"), ("8D", 0, "1S"), ("1S", 0xFD, "8S"), ("1S", 0xFE, "8D")],
)  # fmt: skip
def test_the_mode_changes_through_1s_only(bench, first, value, then):
    bench.octal(first)
    assert bench.nor.mode == first
    bench.write_cr2(0, value)
    assert bench.nor.mode == then
    assert not bench.nor.wel
    assert bench.nor.registers.cr2 == {}


def test_scur_fail_bits_go_when_the_next_of_their_sort_begins(bench):
    bench.write_sr(0x3C)
    bench.program(0, b"\0")
    bench.erase(0x21)
    assert bench.scur == 0x60
    bench.nor.registers.bp = 0
    bench.enable()
    bench.send(0x21, 0)
    assert bench.scur == 0x20
    bench.wait()
    bench.enable()
    bench.send(0x12, 0, b"\0")
    assert bench.scur == 0
    bench.wait()
    for setter, bit in ((0x12, 0x20), (0x21, 0x40)):
        bench.nor.registers.bp = 15
        bench.enable()
        bench.send(setter, 0, b"\0" if setter == 0x12 else b"")
        bench.wait()
        assert bench.scur == bit
        bench.nor.registers.bp = 0
        bench.write_sr(0)  # a register write clears P_FAIL only
        assert bench.scur == bit & 0x40
        bench.reset()
        bench.now += 40 * US
        assert bench.scur == 0


@pytest.mark.parametrize("opcode", [0x04, 0x2B])
def test_fail_bits_stay_over_wrdi_and_being_read(bench, opcode):
    bench.write_sr(0x3C)
    bench.program(0, b"\0")
    bench.frame(opcode, want=1 if opcode == 0x2B else 0)
    assert bench.scur == 0x20


def test_erasing_the_fast_boot_register_takes_a_sector_erase(bench, mode):
    bench.octal(mode)
    bench.nor.registers.fbr = 0x0000_1006
    assert bench.get(0x16, 0, 4) == b"\x06\x10\0\0"
    bench.enable()
    bench.send(0x18)
    assert bench.nor.busy_until - bench.ended == 25 * MS
    assert bench.sr == 3
    bench.wait()
    assert bench.sr == 0
    assert bench.scur == 0
    assert bench.get(0x16, 0, 4) == b"\xff\xff\xff\xff"


@pytest.mark.parametrize(("value", "length"), [(1, 16), (2, 32), (3, 64), (0, 0), (0x10, 0), (0x11, 0), (0x13, 0),
                                               (0x05, 0), (0x09, 0), (0x21, 0), (0x41, 0), (0x81, 0)])  # fmt: skip
def test_burst_length_codes(bench, mode, value, length):
    bench.octal(mode)
    bench.send(0xC0, 0, b"\x01")
    bench.send(0xC0, 0, bytes((value,)))
    assert bench.nor.burst == length


@pytest.mark.parametrize("octal", ["8S", "8D"])
def test_burst_length_is_set_at_address_0_only(bench, octal):
    bench.octal(octal)
    bench.send(0xC0, 1, b"\x01")
    assert bench.nor.burst == 0


@pytest.mark.parametrize("length", [16, 32, 64])
@pytest.mark.parametrize("octal", ["8S", "8D"])
def test_octal_array_reads_wrap_in_a_burst(bench, octal, length):
    bench.content[0x100:0x180] = bytes(range(0x80))
    bench.octal(octal)
    bench.send(0xC0, 0, bytes(({16: 1, 32: 2, 64: 3}[length],)))
    line = bytes(range(0x40 // length * length))[:length] if length == 64 else bytes(range(length))
    start = length - 4
    want = (line * 3)[start : start + length + 10]
    assert bench.read(0x100 + start, length + 10) == want
    assert bench.get(0x5A, 0, 8) == b"SFDP\x08\x01\x04\xfd"
    bench.reset()
    bench.now += 40 * US
    assert bench.nor.burst == 0


def test_one_line_reads_do_not_wrap(bench):
    bench.content[0x10:0x30] = bytes(range(0x20))
    bench.send(0xC0, 0, b"\x01")
    assert bench.read(0x1E, 4) == b"\x0e\x0f\x10\x11"


def test_the_otp_area_is_read_at_ten_address_bits(bench, mode):
    bench.octal(mode)
    bench.content[0:4] = b"\x11\x22\x33\x44"
    bench.nor.otp_area.content[0:4] = b"\xa1\xa2\xa3\xa4"
    bench.nor.otp_area.content[-2:] = b"\xb1\xb2"
    bench.send(0xB1)
    assert bench.read(0, 4) == b"\xa1\xa2\xa3\xa4"
    assert bench.read(0x7FC, 8) == b"\xff\xff\xb1\xb2\xa1\xa2\xa3\xa4"
    bench.send(0xC1)
    assert bench.read(0, 4) == b"\x11\x22\x33\x44"


def test_a_protected_chip_has_wpsel_in_scur(bench):
    bench.individual()
    assert bench.scur == 0x80
    bench.write_sr(0x3C, 0x01)  # BP cannot be written then, CR can
    assert bench.sr == 0
    assert bench.get(0x15) == b"\x01"


def test_a_chip_erase_takes_192_s(bench, mode):
    bench.octal(mode)
    bench.enable()
    bench.send(0x60)
    assert bench.nor.busy_until - bench.ended == 192 * SECOND
