"""Phases, framings, edges, and what each bus mode makes of them."""

from __future__ import annotations

import pytest

from n6prog.sim.nor.wire import NONE, Framing, Phase, as_seen, edges, framing, swap_pairs
from tests.sim.nor.bench import CLOCK, US


def test_phases_count_their_clocks():
    assert [Phase(1, False).clocks(3), Phase(8, False).clocks(3), Phase(8, True).clocks(3)] == [24, 3, 2]
    assert [Phase(4, False).clocks(3), Phase(4, True).clocks(3), Phase(2, False).clocks(1)] == [6, 3, 4]
    assert NONE.clocks(4) == 0
    assert [phase.mode for phase in (Phase(1, False), Phase(8, True), Phase(4, False), NONE)] == ["1S", "8D", "4S", ""]


@pytest.mark.parametrize(
    ("mode", "head", "halves"), [("1S", 8 + 32 + 8, 16), ("8S", 2 + 4 + 8, 2), ("8D", 1 + 2 + 8, 1)]
)
def test_a_framing_knows_its_head_and_the_length_of_a_byte(mode, head, halves):
    shape = framing(mode, 4, True, 8, True)
    assert (shape.mode, shape.head_clocks, shape.byte_halves, shape.dummy, shape.dqs) == (mode, head, halves, 8, True)
    assert framing(mode).byte_halves == 0
    assert not framing(mode).dqs


def test_a_framing_of_two_modes_is_mixed():
    shape = Framing.of(Phase(1, False, 1), Phase(1, False, 3), NONE, Phase(4, False), 8)
    assert (shape.mode, shape.head_clocks, shape.byte_halves) == ("mixed", 40, 4)
    assert Framing.of(NONE, NONE, Phase(8, True, 2), NONE).head_clocks == 1


def test_the_edges_of_a_frame():
    shape = Framing.of(Phase(1, False, 1), Phase(8, True, 3), Phase(4, False, 1), Phase(2, False), 2)
    clocks = edges(shape, b"\xa5\x11\x22\x33\x6f", b"\xe4")
    ones = [(bit, bit) for bit in (1, 0, 1, 0, 0, 1, 0, 1)]
    assert clocks == [*ones, (0x11, 0x22), (0x33, 0), (6, 6), (15, 15), (0, 0), (0, 0), (3, 3), (2, 2), (1, 1), (0, 0)]
    assert edges(Framing.of(NONE, NONE, NONE, Phase(8, False)), b"", b"\x01\x02") == [(1, 1), (2, 2)]
    skipped = Framing.of(NONE, Phase(8, False, 2), NONE, NONE)
    assert edges(skipped, b"\x0a\x0b", b"") == [(10, 10), (11, 11)]


def test_what_each_mode_sees_of_them():
    clocks = [(0x81, 0x7E), (0xFF, 0x100)] + [(1, 0), (0, 1)] * 3 + [(1, 1)]
    assert as_seen("8D", clocks[:2]) == (b"\x81\x7e\xff\x00", 0)
    assert as_seen("8S", [(0x101, 0), (2, 3)]) == (b"\x01\x02", 0)
    assert as_seen("1S", clocks) == (bytes((0b11101010,)), 1)
    assert as_seen("1S", clocks[:7]) == (b"", 7)


def test_pairs_are_swapped_and_an_odd_byte_stays():
    assert swap_pairs(b"\x01\x02\x03\x04\x05") == b"\x02\x01\x04\x03\x05"
    assert swap_pairs(b"") == b""
    assert [swap_pairs(b"\1\2\3\4"[:count]) for count in (1, 2, 3, 4)] == [b"\1", b"\2\1", b"\2\1\3", b"\2\1\4\3"]


def test_a_single_rate_write_reaches_an_8d_part_doubled(bench):
    """A controller that sends the data of WRCR2 in one edge a clock: both edges carry the same byte."""
    bench.octal("8D")
    bench.enable()
    shape = Framing.of(Phase(8, True, 2), Phase(8, True, 4), NONE, Phase(8, False))
    bench.nor.transaction(bench.now, CLOCK, shape, b"\x72\x8d\0\0\3\0", b"\x04")
    assert bench.nor.registers.cr2 == {0x300: 4}
    assert bench.nor.transaction(bench.now + US, CLOCK, shape, b"\x9f\x60\0\0\0\0", b"", 4) is None


def test_a_one_line_frame_with_a_command_in_it_is_decoded_bit_by_bit(bench):
    """Eight lines, single edge: IO0 of eight bytes spells 06h to a part in 1S."""
    shape = Framing.of(NONE, NONE, NONE, Phase(8, False))
    bench.nor.transaction(0, CLOCK, shape, b"", bytes((0, 0, 0, 0, 0, 1, 1, 0)))
    assert bench.nor.wel
    bench.send(0x04)
    bench.nor.transaction(US, CLOCK, shape, b"", bytes((0, 0, 0, 0, 0, 1, 1, 0, 0)))
    assert not bench.nor.wel


def test_a_framing_of_an_opcode_alone_has_nothing_else():
    shape = framing("1S")
    assert shape.head_clocks == 8
    assert (shape.address, shape.alternate, shape.data) == (NONE, NONE, NONE)


def test_an_absent_phase_takes_no_bytes_whatever_its_size():
    shape = Framing.of(Phase(0, False, 2), Phase(8, False, 2), NONE, NONE)
    assert edges(shape, b"\x0a\x0b", b"") == [(10, 10), (11, 11)]
    assert shape.head_clocks == 2
