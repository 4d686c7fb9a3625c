"""Frames no driver means to send: NCS held low, writes in read frames, forbidden commands of a wrong length."""

from __future__ import annotations

import pytest

from n6prog.sim.nor.wire import NONE, Framing, Phase, framing
from tests.sim.nor.bench import CLOCK, MS, US, Bench

TO_THE_DEFAULT = "NOR command 72h (WRCR2) to 0x40000000: cannot be undone on a real part"


# ---- CS# held low: work begins when it rises (hw-flash 2.4, rule 6)


def test_a_program_begins_when_cs_rises_and_not_with_its_last_bit(bench: Bench) -> None:
    bench.enable()
    bench.nor.transaction(bench.now, CLOCK, framing("1S", 4, True), b"\x12" + bytes(4), b"\x5a", 0, 10 * MS)
    assert bench.nor.operation is not None
    assert bench.nor.operation.start == 10 * MS
    assert bench.nor.busy_until == 10 * MS + 152 * US
    bench.now = 10 * MS + US
    assert bench.sr == 3


def test_a_cut_command_begins_at_the_cut(bench: Bench) -> None:
    bench.enable()
    began = bench.now
    bench.nor.transaction(began, CLOCK, framing("1S", 4, dummy=31), b"\x12" + bytes(4), b"", 0, began + 50 * CLOCK)
    assert bench.sr == 2  # 31 bits are no whole bytes
    bench.nor.transaction(began, CLOCK, framing("1S", 4, dummy=8), b"\x12" + bytes(4), b"", 0, began + 48 * CLOCK)
    assert bench.nor.operation is not None
    assert bench.nor.operation.start == began + 48 * CLOCK


# ---- the controller samples, the NOR takes what floats for data


def test_a_register_is_written_by_a_read_frame(make_bench, mode: str) -> None:
    bench = make_bench(undriven="00")
    bench.octal(mode)
    bench.write_cr2(0x300, 3)
    bench.enable()
    bench.frame(0x72, bytes.fromhex("00000300"), want=2 if mode == "8D" else 1, mode=mode)
    assert not bench.nor.wel
    assert bench.nor.registers.cr2[0x300] == 0


def test_a_program_in_a_read_frame_programs_what_floats(make_bench, mode: str) -> None:
    bench = make_bench(undriven="00")
    bench.octal(mode)
    bench.enable()
    began = bench.now
    bench.frame(0x12, bytes.fromhex("00000100"), want=4, mode=mode)
    head, data = {"1S": (40, 32), "8S": (6, 4), "8D": (3, 2)}[mode]
    assert bench.nor.operation is not None
    assert bench.nor.operation.start == began + (head + data) * CLOCK
    bench.wait()
    assert bytes(bench.content[0xFF:0x105]) == b"\xff\0\0\0\0\xff"


def test_dummies_before_the_samples_are_data_too(make_bench) -> None:
    bench = make_bench(undriven="00")
    bench.enable()
    bench.frame(0x12, bytes(4), want=1, dummy=8)
    bench.wait()
    assert bytes(bench.content[:3]) == b"\0\0\xff"
    bench.enable()
    bench.frame(0x12, bytes.fromhex("00000200"), want=1, dummy=7)  # no whole byte
    assert bench.sr == 2


@pytest.mark.parametrize("opcode", [0x21, 0xDC])
def test_an_erase_in_a_read_frame_has_surplus_bits(bench: Bench, mode: str, opcode: int) -> None:
    bench.octal(mode)
    bench.enable()
    bench.frame(opcode, bytes(4), want=2, mode=mode)
    assert bench.sr == 2
    bench.frame(opcode, bytes(2), want=2, mode=mode)  # the lines complete its address
    assert bench.sr == 3


def test_the_tripwire_sees_writes_in_read_frames(make_bench, mode: str) -> None:
    bench = make_bench(undriven="ff")
    bench.octal(mode)
    bench.enable()
    bench.frame(0x72, bytes.fromhex("40000000"), want=2 if mode == "8D" else 1, mode=mode)
    assert bench.tripwire.violations == [TO_THE_DEFAULT]
    bench.tripwire.violations.clear()
    if mode == "1S":
        bench.frame(0x01, want=2)
    else:
        bench.frame(0x01, bytes.fromhex("00000001"), want=2, mode=mode)
    assert bench.tripwire.violations == ["NOR command 01h (WRSR) with CR.TB: cannot be undone on a real part"]
    assert bench.sr == 2


# ---- forbidden whatever the length


@pytest.mark.parametrize(
    ("opcode", "name"),
    [(0x17, "WRFBR"), (0x28, "WRPASS"), (0x2C, "WRLR"), (0x2F, "WRSCUR"), (0x68, "WPSEL"), (0xE3, "WRSPB")],
)
@pytest.mark.parametrize("count", [0, 1, 3, 8, 9])
def test_the_tripwire_does_not_count_bits(bench: Bench, mode: str, opcode: int, name: str, count: int) -> None:
    bench.octal(mode)
    bench.enable()
    bench.frame(opcode, bytes(4), bytes(count), mode=mode)
    assert [words.split(":")[0] for words in bench.tripwire.violations] == [f"NOR command {opcode:02X}h ({name})"]
    assert bench.sr == 2


def test_wrfbr_with_its_bytes_doubled_is_seen(bench: Bench) -> None:
    bench.octal("8D")
    bench.enable()
    bench.frame(0x17, bytes(4), b"\x55\x55\xaa\xaa\x55\x55\xaa\xaa", mode="8D")
    assert len(bench.tripwire.violations) == 1


@pytest.mark.parametrize("data", [b"\x04", b"\x04\x04\x04"])
def test_a_guarded_register_write_is_seen_with_any_number_of_bytes(bench: Bench, mode: str, data: bytes) -> None:
    bench.octal(mode)
    bench.enable()
    bench.frame(0x72, bytes.fromhex("40000000"), data, mode=mode)
    assert bench.tripwire.violations == [TO_THE_DEFAULT]


def test_a_program_of_no_bytes_into_the_otp_area_is_nothing(bench: Bench) -> None:
    bench.send(0xB1)
    bench.enable()
    bench.frame(0x12, bytes(4))
    assert bench.tripwire.violations == []


def test_eight_line_traffic_trips_in_1s_only_with_the_exact_bits(bench: Bench) -> None:
    """DQ0 carries 0110 1000: 68h. With a bit more a part does not act, and octal traffic often looks so."""
    bits = b"\0\1\1\0\1\0\0\0"
    eight = Phase(8, False)
    bench.nor.transaction(0, CLOCK, Framing.of(NONE, NONE, NONE, eight), b"", bits + b"\0")
    assert bench.tripwire.violations == []
    bench.nor.transaction(MS, CLOCK, Framing.of(NONE, NONE, NONE, eight), b"", bits)
    assert len(bench.tripwire.violations) == 1


@pytest.mark.parametrize(("want", "trips"), [(1, False), (2, True), (3, False), (5000, False)])
def test_samples_of_another_bus_mode_are_bits_too(bench: Bench, want: int, trips: bool) -> None:
    frame = Framing.of(NONE, Phase(8, False, 6), NONE, Phase(8, False))
    bench.nor.transaction(0, CLOCK, frame, b"\0\1\1\0\1\0", b"", want)
    assert bool(bench.tripwire.violations) is trips


# ---- traffic of another bus mode ---------------------------------------------------------------------------------


def foreign(bench: Bench, sent: bytes) -> None:
    """These bytes, as the part in its mode takes them from a frame of another one."""
    mode = bench.nor.mode
    if mode == "1S":  # DQ0 of eight lines, a bit a clock
        bits = bytes(byte >> 7 - bit & 1 for byte in sent for bit in range(8))
        shape, head, data = Framing.of(NONE, NONE, NONE, Phase(8, False)), b"", bits
    elif mode == "8S":  # the rising edges of both
        shape, head, data = Framing.of(NONE, NONE, NONE, Phase(8, True)), b"", bytes(b for b in sent for _ in range(2))
    else:  # data in one edge a clock stand at both edges
        shape = Framing.of(Phase(8, True, 2), NONE, NONE, Phase(8, False))
        head, data = sent[:2], sent[2::2]
    bench.nor.transaction(bench.now, CLOCK, shape, head, data)
    bench.now += MS


# hw-flash 2.2, 2.3: bytes behind the opcode in 1S, 8S and 8D, address and data
BEHIND = {
    0x17: (4, 8, 8), 0x2F: (0, 0, 0), 0x68: (0, 0, 0), 0xE3: (4, 4, 4), 0x2C: (1, 5, 6), 0x28: (12, 12, 12),
}  # fmt: skip


@pytest.mark.parametrize("opcode", sorted(BEHIND))
def test_foreign_traffic_trips_at_the_exact_length_only(bench: Bench, mode: str, opcode: int) -> None:
    bench.octal(mode)
    count = BEHIND[opcode][("1S", "8S", "8D").index(mode)]
    step = 2 if mode == "8D" else 1  # whole clocks
    head = bytes((opcode,)) if mode == "1S" else bytes((opcode, opcode ^ 0xFF))
    for other in (count - step, count + step):
        if other >= 0:
            foreign(bench, head + bytes(other))
            assert bench.tripwire.violations == []
    foreign(bench, head + bytes(count))
    assert len(bench.tripwire.violations) == 1


@pytest.mark.parametrize(("want", "heard"), [(8, True), (12, False), (4232, True), (4236, False)])
def test_low_lines_of_a_foreign_read_are_a_program_when_the_bits_are_whole(
    bench: Bench, want: int, heard: bool
) -> None:
    """Eight lines spell 12h and an address on DQ0; then the controller samples, a bit a byte, and nobody drives."""
    bench.enable()
    bits = bytes(byte >> 7 - bit & 1 for byte in b"\x12\x00\x00\x01\x00" for bit in range(8))
    shape = Framing.of(NONE, Phase(8, False, 40), NONE, Phase(8, False))
    bench.nor.transaction(bench.now, CLOCK, shape, bits, b"", want)
    bench.now += MS
    bench.nor.settle(bench.now)
    count = min(want // 8, 256) if heard else 0
    assert bytes(bench.content[0x100:0x200]) == bytes(count) + b"\xff" * (256 - count)
    assert bench.sr == (0 if heard else 2)


def test_a_lone_byte_of_eight_lines_in_eight_clocks_is_no_one_line_command(make_bench, mode: str) -> None:
    bench = make_bench(undriven="ff")
    bench.octal(mode)
    shape = Framing.of(Phase(8, False, 1), NONE, NONE, NONE, dummy=7)
    assert bench.nor.transaction(bench.now, CLOCK, shape, b"\x06") is None
    assert not bench.nor.wel
    shape = Framing.of(Phase(8, False, 1), NONE, NONE, Phase(8, False), dummy=7)
    assert bench.nor.transaction(bench.now + MS, CLOCK, shape, b"\x05", b"", 1) is None


@pytest.mark.parametrize("octal", ["8S", "8D"])
def test_a_second_byte_of_ones_is_no_inverse(bench: Bench, octal: str) -> None:
    bench.octal(octal)
    bench.frame(0x06, mode=octal, inverse=0xFF)
    assert not bench.nor.wel


# ---- one line: more or less than the documented frame


@pytest.mark.parametrize(("octal", "per_clock"), [("8S", 1), ("8D", 2)])
def test_octal_dummies_before_the_data_of_a_program_are_data(make_bench, octal: str, per_clock: int) -> None:
    bench = make_bench(undriven="00")
    bench.octal(octal)
    bench.enable()
    bench.frame(0x12, bytes(4), b"\x5a\x5a", dummy=2, mode=octal)
    bench.wait()
    zeros = 2 * per_clock
    assert bytes(bench.content[: zeros + 3]) == bytes(zeros) + b"\x5a\x5a\xff"


def test_a_write_enable_with_clocks_after_it_is_not_answered(bench: Bench) -> None:
    assert bench.frame(0x06, want=1) is None


def test_a_status_read_of_no_or_two_bytes(bench: Bench) -> None:
    assert bench.frame(0x05) == b""
    assert bench.sr == 0
    bench.enable()
    assert bench.frame(0x05, want=2) == b"\x02\x02"


def test_what_floats_completes_an_address(make_bench) -> None:
    bench = make_bench(undriven="ff")
    bench.content[0x01FF] = 0x42
    assert bench.frame(0x13, bytes.fromhex("000001"), want=1, dummy=8) == b"\x42"


def test_an_address_byte_too_many_is_no_part_of_the_address(bench: Bench) -> None:
    bench.content[0x100:0x103] = b"\x11\x22\x33"
    assert bench.frame(0x03, bytes.fromhex("00010055"), want=2) == b"\x22\x33"


def test_an_odd_tail_of_an_8d_program_is_lost(bench: Bench) -> None:
    bench.octal("8D")
    bench.enable()
    bench.frame(0x12, bytes(4), b"\x11\x22\x33", mode="8D")
    bench.wait()
    assert bytes(bench.content[:4]) == b"\x22\x11\xff\xff"  # hw-flash 5.1
