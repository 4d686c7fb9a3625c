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
