"""When the controller samples: dummies, strobe, preamble, clock limits (hw-flash 3, 4.3, 5.3; Verilog model)."""

from __future__ import annotations

import pytest

from n6prog.sim.nor.operation import Operation
from n6prog.sim.nor.timing import shortest_clock
from tests.sim.nor.bench import MS, US, Bench

ROW = bytes.fromhex("8142a53c8142a53c8142a53c8142a53c")


def loaded(make_bench, mode: str, undriven: str = "ff") -> Bench:
    bench = make_bench(undriven=undriven)
    bench.content[:16] = ROW
    bench.octal(mode)
    return bench


def array(bench: Bench, dummy: int, want: int = 4, dqs: bool = False) -> bytes | None:
    """An array read from 0 with so many dummies, as sampled."""
    opcode = {"1S": 0x0C, "8S": 0xEC, "8D": 0xEE}[bench.nor.mode]
    return bench.frame(opcode, bytes(4), want=want, dummy=dummy, mode=bench.nor.mode, dqs=dqs)


def pairs(data: bytes) -> bytes:
    return bytes(data[index ^ 1] for index in range(len(data)))


@pytest.mark.parametrize("off", range(-8, 17))
def test_in_1s_every_dummy_clock_is_a_bit(make_bench, off):
    bench = loaded(make_bench, "1S")
    line = (1 << 128) - 1 << 128 | int.from_bytes(ROW, "big")  # ones, then the row
    want = line >> 128 - 32 - off & 0xFFFF_FFFF
    assert array(bench, 8 + off) == want.to_bytes(4, "big")


@pytest.mark.parametrize("off", range(-6, 7))
def test_in_8s_every_dummy_clock_is_a_byte(make_bench, off):
    bench = loaded(make_bench, "8S")
    assert array(bench, 20 + off) == (b"\xff" * 16 + ROW)[16 + off :][:4]


@pytest.mark.parametrize("off", range(-3, 4))
def test_in_8d_every_dummy_clock_is_a_pair(make_bench, off):
    bench = loaded(make_bench, "8D")
    assert array(bench, 20 + off) == (b"\xff" * 16 + pairs(ROW))[16 + 2 * off :][:4]


def test_an_odd_number_of_8d_bytes_ends_in_the_middle_of_a_pair(make_bench):
    bench = loaded(make_bench, "8D")
    assert array(bench, 20, 3) == b"\x42\x81\x3c"
    assert array(bench, 21, 3) == b"\x3c\xa5\x42"


def test_a_read_of_nothing_gives_nothing(make_bench, mode):
    bench = loaded(make_bench, mode)
    assert array(bench, 8 if mode == "1S" else 20, 0) == b""
    assert array(bench, 5, 0) == b""


def test_the_strobe_makes_up_for_too_few_dummies_but_not_for_too_many(make_bench):
    bench = loaded(make_bench, "8D")
    for dummy in (0, 6, 19, 20):
        assert array(bench, dummy, dqs=True) == pairs(ROW)[:4]
    assert array(bench, 21, dqs=True) == pairs(ROW)[2:6]


def test_in_8s_there_is_a_strobe_only_with_dos(make_bench):
    bench = loaded(make_bench, "8S")
    assert not bench.nor.drives_dqs
    assert array(bench, 18, dqs=True) == b"\xff\xff" + ROW[:2]
    bench.write_cr2(0x200, 1)
    assert not bench.nor.drives_dqs
    bench.write_cr2(0x200, 2)
    assert bench.nor.drives_dqs
    assert array(bench, 18, dqs=True) == ROW[:4]
    assert array(bench, 18) == b"\xff\xff" + ROW[:2]
    bench.write_cr2(0x200, 3)
    assert array(bench, 20, dqs=True) == ROW[:4]  # the pre-cycle is a matter of 8D


def test_in_1s_there_is_none(make_bench):
    bench = loaded(make_bench, "1S")
    bench.write_cr2(0x200, 2)
    assert not bench.nor.drives_dqs
    assert array(bench, 0, dqs=True) == b"\xff" + ROW[:3]


def test_the_strobe_pre_cycle_comes_a_clock_before_the_data(make_bench):
    bench = loaded(make_bench, "8D")
    bench.write_cr2(0x200, 1)
    assert bench.nor.drives_dqs
    assert array(bench, 20, dqs=True) == b"\xff\xff" + pairs(ROW)[:2]
    assert array(bench, 12, dqs=True) == b"\xff\xff" + pairs(ROW)[:2]
    assert array(bench, 20) == pairs(ROW)[:4]


def test_a_missing_address_byte_is_taken_from_the_dummies(make_bench):
    bench = loaded(make_bench, "1S", "00")
    assert bench.frame(0x13, bytes(3), want=2, dummy=8) == ROW[:2]
    assert bench.frame(0x13, bytes(3), want=3) == b"\0" + ROW[:2]
    bench.octal("8S")
    assert bench.frame(0x9F, bytes(2), want=6, dummy=6, mode="8S") == b"\xc2\x80\x3a\xc2\x80\x3a"


def test_with_an_address_byte_too_many_the_data_come_too_early(make_bench):
    bench = loaded(make_bench, "1S")
    assert bench.frame(0x03, bytes(4), want=2) == ROW[1:3]


def test_undriven_lines_keep_what_was_driven_last(bench):
    bench.content[:4] = b"\x00\x00\x00\x55"
    bench.read(0, 4)
    assert bench.nor.floating.last == 0x55
    bench.frame(0x9F, mode="8S", want=3)
    assert bench.nor.floating.last == 0x55


# ---- preamble ------------------------------------------------------------------------------------------------------


def trained(make_bench, mode: str, select: int = 0, undriven: str = "00") -> Bench:
    bench = loaded(make_bench, mode, undriven)
    bench.nor.registers.cr |= 0x10
    bench.nor.registers.cr2[0x500] = select | 0x70
    return bench


def level(bits: str, third: str) -> bytes:
    """A byte for each bit of the pattern, DQ3 from its own."""
    return bytes(0xF7 * int(one) | int(other) << 3 for one, other in zip(bits, third, strict=True))


# hw-flash 3: 0x349A on each line, DQ3 0x3514; 0x5555
FIRST = level("0011010010011010", "0011010100010100")
SECOND = level("0101010101010101", "0101010101010101")


@pytest.mark.parametrize(("select", "pattern"), [(0, FIRST), (1, SECOND)])
def test_the_preamble_fills_the_dummies_after_the_fourth_in_8s(make_bench, select, pattern):
    bench = trained(make_bench, "8S", select)
    assert array(bench, 0, 22) == bytes(4) + pattern + ROW[:2]
    bench.nor.registers.cr2[0x300] = 6
    assert array(bench, 3, 7) == b"\0" + pattern[:4] + ROW[:2]
    bench.nor.registers.cr &= ~0x10
    assert array(bench, 0, 9) == bytes(8) + ROW[:1]


@pytest.mark.parametrize(("select", "pattern"), [(0, FIRST), (1, SECOND)])
def test_the_preamble_goes_out_on_both_edges_in_8d_and_repeats(make_bench, select, pattern):
    bench = trained(make_bench, "8D", select, "ff")
    assert array(bench, 0, 42) == b"\xff" * 8 + pattern * 2 + pairs(ROW)[:2]
    assert array(bench, 19, 4) == pattern[14:] + pairs(ROW)[:2]


def test_in_1s_it_fills_six_of_the_eight_clocks(make_bench):
    bench = trained(make_bench, "1S")
    assert array(bench, 0, 2) == bytes((0b00_001101, ROW[0]))
    bench.nor.registers.cr2[0x500] = 1
    assert array(bench, 0, 2) == bytes((0b00_010101, ROW[0]))
    assert array(bench, 3, 1) == bytes((0b10101_100,))


def test_the_preamble_pattern_is_the_first_unless_another_was_chosen(make_bench):
    bench = make_bench(undriven="00")
    bench.nor.registers.cr |= 0x10
    # hw-flash 3: 349Ah, the first six of its bits in the last six of eight clocks
    assert bench.frame(0x0C, bytes(4), want=1) == bytes((0b00_001101,))


@pytest.mark.parametrize(("opcode", "there"), [(0x0B, True), (0x0C, True), (0x5A, True), (0x27, False)])
def test_fast_reads_have_a_preamble_and_other_reads_none(make_bench, opcode, there):
    bench = trained(make_bench, "1S")
    bench.individual()
    answer = bench.frame(opcode, bytes(3 if opcode in (0x0B, 0x5A) else 4), want=1)
    assert answer == (b"\x0d" if there else b"\0")


def test_octal_sfdp_has_one_behind_twenty_dummies(make_bench):
    bench = trained(make_bench, "8S")
    bench.nor.registers.cr2[0x300] = 7
    assert bench.frame(0x5A, bytes(4), want=20, dummy=2, mode="8S") == bytes(2) + FIRST + b"SF"
    assert bench.frame(0x9F, bytes(4), want=5, dummy=0, mode="8S") == bytes(4) + b"\xc2"


# ---- clock limits --------------------------------------------------------------------------------------------------

# hw-flash 4.3, VM column; the model's periods in ns
LIMITS = [(20, 5_000), (18, 6_000), (16, 6_000), (14, 7_500), (12, 9_600), (10, 9_600), (8, 11_900), (6, 15_100)]


@pytest.mark.parametrize("octal", ["8S", "8D"])
@pytest.mark.parametrize(("code", "limit"), list(enumerate(LIMITS)))
def test_an_octal_read_is_wrong_above_the_clock_of_its_dummy_code(make_bench, octal, code, limit):
    dummy, period = limit
    bench = loaded(make_bench, octal, "last")
    bench.write_cr2(0x300, code)
    right = ROW if octal == "8S" else pairs(ROW)
    opcode = 0xEC if octal == "8S" else 0xEE
    bench.clock = period
    assert array(bench, dummy, 16) == right
    assert bench.nor.keeps_up(opcode, period)
    assert not bench.nor.keeps_up(opcode, period - 1)
    bench.clock = period - 1
    if period > 5_000:
        wrong = array(bench, dummy, 16)
        assert wrong is not None
        assert wrong != right
        assert len(wrong) == 16
        assert array(bench, dummy, 1) != right[:1]
        assert array(bench, dummy, 0) == b""
        bench.clock = 5_000
        assert bench.get(0x9F, 0, 3) == b"\xc2\x80\x3a"
    else:
        assert array(bench, dummy, 16) is None


@pytest.mark.parametrize(("opcode", "period"), [(0x03, 15_200), (0x13, 15_200), (0x0B, 7_500), (0x0C, 7_500)])
def test_one_line_reads_have_their_own_limits(bench, opcode, period):
    bench.content[:8] = ROW[:8]
    bench.clock = period
    assert bench.get(opcode, 0, 8) == ROW[:8]
    bench.clock = period - 1
    assert bench.get(opcode, 0, 8) != ROW[:8]
    assert bench.nor.keeps_up(opcode, period)
    assert not bench.nor.keeps_up(opcode, period - 1)
    assert not bench.nor.keeps_up(0xAA, period)


@pytest.mark.parametrize(("mode", "period"), [("1S", 7_500), ("8S", 5_000), ("8D", 5_000)])
def test_above_133_and_200_mhz_nothing_is_heard(bench, mode, period):
    bench.octal(mode)
    bench.clock = period - 1
    bench.enable()
    assert not bench.nor.wel
    assert bench.get(0x05) is None
    bench.clock = period
    bench.enable()
    assert bench.sr == 2
    bench.send(0x66)
    bench.clock = period - 1
    bench.send(0x00)
    bench.clock = period
    bench.send(0x99)
    assert bench.nor.ready_at == 0


def test_lock_bit_reads_are_bound_by_the_dummy_code_too(bench):
    from n6prog.sim.nor.commands import COMMANDS

    for opcode in (0xE0, 0xE2):
        assert shortest_clock(COMMANDS[opcode], "8D", 7) == 15_100
        assert shortest_clock(COMMANDS[opcode], "1S", 7) == 7_500
    for opcode in (0x05, 0x27, 0x5A):
        assert shortest_clock(COMMANDS[opcode], "8S", 7) == 5_000


# ---- what follows a command at once ---------------------------------------------------------------------------------


def test_a_second_command_within_20_ns_cancels_a_program(bench):
    for gap, done in ((20_000, True), (19_999, False)):
        bench.enable()
        bench.send(0x12, 0, b"\x0f")
        bench.now = bench.ended + gap
        status = bench.sr
        assert status == (3 if done else 2)
        bench.wait()
        assert bench.content[0] == (0x0F if done else 0xFF)
        bench.content[0] = 0xFF
    for opcode in (0x21, 0xDC):
        bench.enable()
        bench.send(opcode, 0)
        bench.now = bench.ended + 1
        assert bench.sr == 3
        bench.wait()


def test_a_resumed_program_is_not_cancelled(bench):
    bench.enable()
    bench.send(0x12, 0, b"\x0f")
    bench.now += 20 * US
    bench.send(0xB0)
    bench.wait()
    bench.send(0x30)
    bench.now = bench.ended + 1
    assert bench.sr == 3
    bench.wait()
    assert bench.content[0] == 0x0F


def test_the_time_to_the_next_change_is_told(bench):
    assert bench.nor.next_change(0) is None
    bench.enable()
    bench.send(0x21, 0)
    end = bench.nor.busy_until
    assert end == bench.ended + 25 * MS
    assert bench.nor.next_change(end - 1) == end
    assert bench.nor.next_change(end) is None
    bench.nor.faults.stuck_wip = True
    assert bench.nor.next_change(0) is None
    bench.nor.faults.stuck_wip = False
    bench.reset()
    ready = bench.nor.ready_at
    assert bench.nor.next_change(ready - 1) == ready
    assert bench.nor.next_change(ready) is None
    bench.nor.faults.stuck_wip = True
    assert bench.nor.next_change(ready - 1) == ready


@pytest.mark.parametrize(
    ("moment", "ready", "told"),
    [(0, 5, 5), (0, 20, 10), (9, 20, 10), (10, 20, 20), (15, 20, 20), (20, 20, None), (5, 5, 10), (0, 10, 10)],
)
def test_of_two_changes_the_next_is_told(bench, moment, ready, told):
    bench.nor.operation = Operation("sector", 0, 10)
    bench.nor.ready_at = ready
    assert bench.nor.next_change(moment) == told
