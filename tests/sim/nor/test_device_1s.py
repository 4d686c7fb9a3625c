"""The NOR in 1S: acceptance rules, latches, programs, erases, protection, resets (hw-flash 2-4, 7)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

US, MS = 10**6, 10**9


def test_identity_repeats_in_threes(bench):
    assert bench.frame(0x9F, want=7) == bytes.fromhex("c2803ac2803ac2")


def test_sfdp_needs_three_address_bytes_and_eight_dummies(bench):
    assert bench.frame(0x5A, bytes(3), want=4, dummy=8) == b"SFDP"
    assert bench.frame(0x5A, bytes(4), want=4, dummy=8) != b"SFDP"


def test_sfdp_reads_ff_behind_its_tables_and_wraps_at_512(bench):
    assert bench.frame(0x5A, b"\x00\x01\x3c", want=4, dummy=8) == b"\xff" * 4
    assert bench.frame(0x5A, b"\x00\x01\xfe", want=6, dummy=8) == b"\xff\xffSFDP"


@pytest.mark.parametrize(("opcode", "count", "dummy"), [(0x03, 3, 0), (0x13, 4, 0), (0x0B, 3, 8), (0x0C, 4, 8)])
def test_every_read_gives_the_array(bench, opcode, count, dummy):
    bench.content[0x1234:0x1238] = b"\x01\x02\x03\x04"
    assert bench.frame(opcode, (0x1234).to_bytes(count, "big"), want=4, dummy=dummy) == b"\x01\x02\x03\x04"


def test_reads_wrap_at_the_end_of_the_part(bench):
    bench.content[-1] = 0x11
    bench.content[0] = 0x22
    assert bench.frame(0x13, (bench.part.size - 1).to_bytes(4, "big"), want=2) == b"\x11\x22"


def test_one_dummy_clock_too_many_shifts_the_answer_by_a_bit(bench):
    bench.content[0:3] = b"\x80\x40\xff"
    assert bench.frame(0x0C, bytes(4), want=2, dummy=9) == b"\x00\x81"  # 1000_0000 0100_0000 1... from bit 1


def test_too_few_dummies_sample_undriven_bits_first(make_bench):
    bench = make_bench(undriven="ff")
    bench.content[0:2] = b"\x12\x34"
    assert bench.frame(0x0C, bytes(4), want=2, dummy=0) == b"\xff\x12"


def test_wel_sets_with_wren_and_goes_with_wrdi(bench):
    assert bench.sr == 0
    bench.enable()
    assert bench.sr == 0x02
    bench.frame(0x04)
    assert bench.sr == 0


def test_without_wel_nothing_happens(bench):
    bench.frame(0x12, bytes(4), b"\0" * 16)
    assert bench.sr == 0
    bench.frame(0x21, bytes(4))
    assert bench.sr == 0
    bench.wait()
    assert bench.content[:16] == b"\xff" * 16


def test_a_page_program_takes_152_us_and_shows_only_then(bench):
    bench.enable()
    bench.frame(0x12, b"\x00\x00\x01\x00", b"\xa5" * 4)
    rises = bench.nor.busy_until - 152 * US
    assert bench.sr == 0x03
    assert bench.content[0x100:0x104] == b"\xff" * 4
    bench.now = rises + 152 * US - 1
    bench.nor.settle(bench.now)
    assert bench.content[0x100:0x104] == b"\xff" * 4
    bench.now = rises + 152 * US
    assert bench.sr == 0
    assert bench.content[0x100:0x104] == b"\xa5" * 4


def test_status_is_live_within_one_frame(bench):
    bench.program(0, b"\0")
    bench.enable()
    bench.frame(0x12, bytes(4), b"\0")
    bench.now = bench.nor.busy_until - 5 * 8 * 31_250 - 8 * 31_250  # five status bytes before the end
    answer = bench.frame(0x05, want=10)
    assert answer == b"\x03" * 5 + b"\x00" * 5


@pytest.mark.parametrize(
    ("opcode", "time", "start", "size"),
    [(0x21, 25 * MS, 0x11000, 0x1000), (0xDC, 256 * MS, 0x10000, 0x10000), (0x60, 192_000 * MS, 0, 0x40000)],
)
def test_erases_take_their_time_and_their_size(bench, opcode, time, start, size):
    bench.content[:] = bytes(len(bench.content))
    bench.enable()
    bench.frame(opcode, b"" if opcode == 0x60 else b"\x00\x01\x1a\xbc")  # low address bits do not matter
    began = bench.now
    bench.wait()
    assert time - US < bench.now - began <= time
    assert bench.content[start : start + size] == b"\xff" * size
    assert bytes(bench.content[:start]) == bytes(start)
    assert bytes(bench.content[start + size :]) == bytes(0x40000 - start - size)
    assert bench.sr == 0


def test_three_byte_commands_exist(bench):
    bench.enable()
    bench.frame(0x02, b"\x00\x20\x00", b"\x11")
    bench.wait()
    assert bench.content[0x2000] == 0x11
    bench.enable()
    bench.frame(0x20, b"\x00\x20\x00")
    bench.wait()
    assert bench.content[0x2000] == 0xFF


def test_programming_only_clears_bits(bench):
    bench.program(0, b"\xf0\x0f")
    bench.program(0, b"\x3c\xff")
    assert bench.content[:2] == b"\x30\x0f"


@settings(max_examples=60, deadline=None)
@given(start=st.integers(0, 255), data=st.binary(min_size=1, max_size=600), old=st.binary(min_size=256, max_size=256))
def test_page_program_wraps_and_the_last_256_bytes_win(start, data, old):
    from dataclasses import replace

    from n6prog.sim.nor.array import Array
    from n6prog.sim.nor.parts import MX25UM51245G

    part = replace(MX25UM51245G, size=0x400)
    content = bytearray(b"\xff" * 0x100 + old + b"\xff" * 0x200)
    latch = [0xFF] * 256
    for index, value in enumerate(data):
        latch[(start + index) % 256] = value  # a later byte takes the place of an earlier one
    expected = bytes(a & b for a, b in zip(old, latch, strict=True))
    Array(memoryview(content), part.page).program(0x100 + start, data)
    assert content[0x100:0x200] == expected
    assert content[:0x100] == b"\xff" * 0x100
    assert content[0x200:] == b"\xff" * 0x200


def test_addresses_wrap_modulo_the_size(bench):
    bench.program(bench.part.size + 0x40, b"\x55")
    assert bench.content[0x40] == 0x55


@pytest.mark.parametrize(
    ("opcode", "address", "out"),
    [
        (0x12, bytes(4), b""),  # no data byte
        (0x21, bytes(3), b""),  # address cut short
        (0x21, bytes(4), b"\0"),  # one byte too many
        (0x60, b"", b"\0"),
        (0x01, b"", b"\0\7\0"),  # three register bytes
        (0x72, b"\0\0\3\0", b"\0\0"),
    ],
)
def test_a_wrong_number_of_bits_is_ignored_and_wel_stays(bench, opcode, address, out):
    bench.enable()
    bench.frame(opcode, address, out)
    assert bench.sr == 0x02


def test_write_enable_with_clocks_after_it_is_ignored(bench):
    bench.frame(0x06, want=1)
    assert bench.sr == 0


def test_the_address_may_travel_in_the_data_phase(bench):
    bench.enable()
    bench.frame(0x12, out=b"\x00\x00\x00\x10\x99")
    bench.wait()
    assert bench.content[0x10] == 0x99


def test_while_busy_only_status_and_reset_are_heard(bench):
    bench.content[0x5000] = 0x42
    bench.enable()
    bench.frame(0x21, bytes(4))
    assert bench.frame(0x13, b"\0\0\x50\0", want=1) is None
    assert bench.frame(0x9F, want=3) is None
    bench.frame(0x12, b"\0\0\x60\0", b"\0")
    assert bench.frame(0x15, want=1) == b"\x07"
    assert bench.scur == 0
    bench.wait()
    assert bench.content[0x6000] == 0xFF
    bench.frame(0x06)
    assert bench.sr == 2


def test_write_enable_while_busy_is_lost(bench):
    bench.enable()
    bench.frame(0x12, bytes(4), b"\0")
    bench.frame(0x06)
    bench.wait()
    assert bench.sr == 0


@pytest.mark.parametrize(("bp", "first_protected"), [(1, 0x30000), (2, 0x20000), (3, 0x0)])
def test_block_protection_counts_from_the_top(bench, bp, first_protected):
    bench.enable()
    bench.frame(0x01, out=bytes((bp << 2,)))
    began = bench.now
    assert bench.sr == 0x03
    bench.wait()
    assert 39 * MS < bench.now - began <= 40 * MS  # tW
    assert bench.sr == bp << 2
    bench.enable()
    bench.frame(0x12, first_protected.to_bytes(4, "big"), b"\0")
    assert bench.nor.busy_until - bench.now <= 2 * US
    bench.wait()
    assert bench.scur == 0x20  # P_FAIL
    assert bench.sr == bp << 2  # WEL gone
    assert bench.content[first_protected] == 0xFF
    if first_protected:
        bench.program(first_protected - 1, b"\0")
        assert bench.content[first_protected - 1] == 0
        assert bench.scur == 0  # cleared when the next program started


def test_erase_of_a_protected_block_fails_after_100_us(bench):
    bench.content[0x30000] = 0
    bench.enable()
    bench.frame(0x01, out=b"\x04")
    bench.wait()
    bench.erase(0x21, 0x30000)
    assert bench.scur == 0x40  # E_FAIL
    assert bench.content[0x30000] == 0
    bench.erase(0x60)
    assert bench.scur == 0x40
    assert bench.content[0x30000] == 0
    bench.erase(0x21, 0x20000)
    assert bench.scur == 0


def test_reset_needs_its_two_commands_in_a_row(bench):
    bench.octal("8S")
    bench.frame(0x66, mode="8S")
    bench.frame(0x00, mode="8S")
    bench.frame(0x99, mode="8S")
    assert bench.nor.mode == "8S"
    bench.frame(0x66, mode="8S")
    bench.frame(0x99, mode="8S")
    assert bench.nor.mode == "1S"


@pytest.mark.parametrize(
    ("work", "recovery"),
    [(None, 40 * US), (0x12, 310 * US), (0x21, 12 * MS), (0xDC, 25 * MS), (0x60, 100 * MS)],
)
def test_after_a_reset_nothing_is_heard_until_it_recovered(bench, work, recovery):
    bench.enable()
    if work:
        bench.frame(work, b"" if work == 0x60 else bytes(4), b"\0" if work == 0x12 else b"")
    bench.frame(0x66)
    before = bench.now
    bench.frame(0x99)
    at = before + 8 * 31_250
    assert bench.nor.ready_at == at + recovery
    bench.now = at + recovery - US
    assert bench.frame(0x9F, want=3) is None
    bench.now = at + recovery
    assert bench.frame(0x9F, want=3) == b"\xc2\x80\x3a"
    assert bench.sr == 0


def test_a_reset_in_mid_erase_leaves_the_sector_undefined(bench):
    bench.content[:0x2000] = bytes(0x2000)
    bench.enable()
    bench.frame(0x21, bytes(4))
    bench.frame(0x66)
    bench.frame(0x99)
    assert bench.content[:0x1000] not in (bytes(0x1000), b"\xff" * 0x1000)
    assert bench.content[0x1000:0x2000] == bytes(0x1000)


def test_power_loss_in_mid_program_lets_bits_of_that_page_fall_and_none_rise(bench):
    bench.content[0x200:0x240] = b"\x3c" * 64
    bench.enable()
    bench.frame(0x12, b"\0\0\2\x40", b"\x0f" * 64)
    bench.nor.power_off(bench.now + US)
    page = bytes(bench.content[0x200:0x300])
    assert all(value & ~0x3C == 0 for value in page[:64])
    assert page[:64] not in (b"\x3c" * 64, bytes(64))
    assert page[64:128] not in (b"\x0f" * 64, b"\xff" * 64)
    assert bench.content[:0x200] == b"\xff" * 0x200
    assert bench.content[0x300:0x500] == b"\xff" * 0x200
    bench.nor.power_on(bench.now + US)
    bench.now += 1500 * US
    assert bench.frame(0x9F, want=3) is None
    bench.now += 1500 * US
    assert bench.sr == 0


def test_suspended_erase_lets_other_sectors_be_read_and_goes_on(bench):
    bench.content[0:2] = b"\0\0"
    bench.content[0x5000] = 0x42
    bench.enable()
    bench.frame(0x21, bytes(4))
    bench.frame(0xB0)
    bench.now += 60 * US
    assert bench.scur == 0x08
    assert bench.frame(0x13, b"\0\0\x50\0", want=1) == b"\x42"
    bench.enable()
    bench.frame(0x12, b"\0\0\x60\0", b"\0")  # refused while suspended
    assert bench.sr == 0x02
    bench.frame(0x30)
    assert bench.scur == 0
    bench.wait()
    assert bench.content[0:2] == b"\xff\xff"
    assert bench.content[0x6000] == 0xFF


@pytest.mark.parametrize(
    ("opcode", "address", "out"),
    [(0x68, b"", b""), (0x2F, b"", b""), (0x2C, b"", b"\xfb"), (0x28, bytes(4), bytes(8)), (0xE3, bytes(4), b""),
     (0x72, b"\x40\0\0\0", b"\xfd"), (0x01, b"", b"\x00\x0f"), (0x17, b"", bytes(4))],
)  # fmt: skip
def test_what_cannot_be_undone_is_refused_and_written_down(bench, opcode, address, out):
    bench.enable()
    bench.frame(opcode, address, out)
    assert len(bench.tripwire.violations) == 1
    assert f"{opcode:02X}h" in bench.tripwire.violations[0]
    assert not bench.nor.operation
    assert bench.nor.registers.cr == 0x07


def test_clearing_protection_in_the_documented_way_trips_nothing(bench):
    bench.enable()
    bench.frame(0x01, out=b"\x00\x07")
    bench.wait()
    assert bench.tripwire.violations == []


def test_a_program_into_the_otp_area_is_refused(bench):
    bench.frame(0xB1)
    bench.program(0, b"\0")
    assert bench.tripwire.violations == ["NOR command 12h (PP4B) into the OTP area: cannot be undone on a real part"]
    bench.frame(0xC1)
    assert bench.content[0] == 0xFF


def test_a_second_program_of_a_chunk_is_seen(bench):
    bench.program(0x100, bytes(32))
    bench.program(0x120, b"\xff" * 16 + bytes(16))
    assert bench.nor.double_programmed == set()
    bench.program(0x100, bytes(32))  # nothing changes
    bench.program(0x138, b"\xff\0")
    assert bench.nor.double_programmed == set()
    bench.program(0x120, b"\x01" * 16)  # a blank chunk, though it was spanned before
    bench.program(0x12F, b"\0" * 2)  # changes the last byte of chunk 0x12, and nothing in 0x13
    assert bench.nor.double_programmed == {0x12}
    bench.erase(0x21, 0)
    assert bench.nor.double_programmed == set()


def test_faults_do_what_they_say(bench):
    bench.nor.faults.drop_page = frozenset({2, 5})
    bench.nor.faults.flip_page = frozenset({3, 4})
    for page in range(5):
        bench.program(page * 256, b"\x5a" * 4)
    assert bytes(bench.content[0:4]) == b"\x5a" * 4
    assert bytes(bench.content[256:260]) == b"\xff" * 4
    assert bytes(bench.content[512:516]) == b"\x5b\x5a\x5a\x5a"
    assert bytes(bench.content[768:772]) == b"\x5b\x5a\x5a\x5a"
    assert bytes(bench.content[1024:1028]) == b"\xff" * 4
    bench.nor.faults.fail_program = frozenset({0x3000})
    bench.program(0x3010, b"\0")
    assert bench.scur == 0x20
    bench.nor.faults.fail_erase = frozenset({0x4000})
    bench.erase(0x21, 0x4000)
    assert bench.scur == 0x60  # P_FAIL stays until the next program starts
    bench.nor.faults.no_wel = True
    bench.enable()
    assert bench.sr == 0


def test_stuck_wip_never_falls(bench):
    bench.nor.faults.stuck_wip = True
    bench.enable()
    bench.frame(0x12, bytes(4), b"\0")
    bench.now += 10**15
    assert bench.sr & 1
    assert bench.nor.next_change(bench.now) is None


def test_undriven_lines_are_neither_all_ones_nor_repeatable_noise(make_bench):
    bench = make_bench()
    first, second = bench.nor.floating.fill(64), bench.nor.floating.fill(64)
    assert first != second
    assert first not in (b"\xff" * 64, bytes(64))
    again = make_bench()
    assert again.nor.floating.fill(64) == first
    assert make_bench(undriven="00").nor.floating.fill(3) == bytes(3)


def test_the_state_survives_a_journal(bench):
    bench.enable()
    bench.frame(0x12, bytes(4), b"\x77" * 16)
    state = json.loads(json.dumps(bench.nor.snapshot()))
    bench.nor.power_off(bench.now)
    bench.content[:] = b"\xff" * len(bench.content)
    bench.nor.restore(state)
    assert bench.sr == 0x03
    bench.wait()
    assert bench.content[:16] == b"\x77" * 16


def test_frames_can_be_sliced_and_are_bounded(bench):
    log = bench.nor.frames
    for _ in range(8200):
        bench.frame(0x05, want=1)
    bench.enable()
    assert len(log) == 8192
    assert [frame.opcode for frame in log[-2:]] == [0x05, 0x06]
    assert log[-1] == list(log)[-1]
    assert not hasattr(log, "append")
    with pytest.raises(TypeError):
        log[0] = log[1]


def test_frames_tell_what_was_sent(bench):
    bench.now = 2_000_000
    bench.frame(0x12, b"\x00\x01\x02\x03", bytes(range(40)))
    frame = bench.nor.frames[-1]
    assert (frame.mode, frame.opcode, frame.address, frame.dummy, frame.length) == ("1S", 0x12, 0x00010203, 0, 40)
    assert frame.data == bytes(range(16))
    assert frame.time == pytest.approx(2e-6)
