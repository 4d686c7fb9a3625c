"""CCR, TCR, IR, AR and ABR as a frame (hw-soc 7.2)."""

from __future__ import annotations

import pytest

from n6prog.sim.nor.wire import NONE, Phase
from n6prog.sim.soc.xspi_frame import frame_at, framing_of, head_sent


def test_a_one_line_read_with_dummies():
    frame = framing_of(0x0100_3101, 8)
    assert frame.instruction == Phase(1, False, 1)
    assert frame.address == Phase(1, False, 4)
    assert (frame.alternate, frame.data) == (NONE, Phase(1, False, 0))
    assert (frame.dummy, frame.dqs, frame.mode, frame.head_clocks, frame.byte_halves) == (8, False, "1S", 48, 16)


def test_an_octal_dtr_read():
    frame = framing_of(0x2C00_3C1C, 20)
    assert frame.instruction == Phase(8, True, 2)
    assert frame.address == Phase(8, True, 4)
    assert frame.data == Phase(8, True, 0)
    assert (frame.dqs, frame.mode, frame.head_clocks, frame.byte_halves) == (True, "8D", 1 + 2 + 20, 1)


@pytest.mark.parametrize(("code", "lines"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16)])
def test_line_codes(code, lines):
    assert framing_of(code << 24, 0).data.lines == lines
    assert framing_of(1 | code << 24, 0).lines == lines


@pytest.mark.parametrize("code", [0, 6, 7])
def test_codes_without_lines(code):
    assert framing_of(1 | code << 8, 0).address == NONE


@pytest.mark.parametrize("shift", [0, 8, 16])
def test_every_phase_has_its_mode_its_rate_and_its_size(shift):
    frame = framing_of((4 | 1 << 3 | 2 << 4) << shift, 0)
    phases = [frame.instruction, frame.address, frame.alternate]
    assert phases.pop(shift // 8) == Phase(8, True, 3)
    assert phases == [NONE, NONE]
    assert framing_of((1 | 3 << 4) << shift, 0).head_clocks == 32
    assert framing_of((1 | 1 << 3) << shift, 0).head_clocks == 4  # one line, both edges


def test_head_bytes_are_right_aligned_and_big_endian():
    # 16-bit instruction, 32-bit address, 16-bit alternate on two lines
    frame, head = frame_at(0x0012_3C1C, 3, 0xFFFF_EE11, 0x1234_5678, 0xFFFF_A55A)
    assert frame == framing_of(0x0012_3C1C, 3)
    assert head == bytes.fromhex("ee11 12345678 a55a")
    assert frame_at(0x0012_3C1C, 3, 0xFFFF_EE11, 0x1234_5679, 0xFFFF_A55A)[1] == bytes.fromhex("ee11 12345679 a55a")
    assert frame_at(0x2101, 0, 0x5A, 0x0112_3456, 9)[1] == bytes.fromhex("5a 123456")
    assert frame_at(0x0400, 0, 0x5A, 0x77, 9)[1] == b"\x77"


def test_of_a_head_whole_bytes_are_out_after_so_many_clocks():
    frame = framing_of(0x0100_2101, 8)  # 8 + 24 clocks
    head = b"\x5a\1\2\3"
    out = {clocks: head_sent(frame, head, clocks) for clocks in (0, 7, 8, 15, 16, 31, 32, 40)}
    assert out == {0: b"", 7: b"", 8: head[:1], 15: head[:1], 16: head[:2], 31: head[:3], 32: head, 40: head}
    octal = framing_of(0x2C00_3C1C, 20)
    head = bytes.fromhex("ee11 12345678")
    assert [head_sent(octal, head, clocks) for clocks in range(5)] == [b"", head[:2], head[:4], head, head]
    odd = framing_of(0x0000_2800 | 0x400, 0)  # 24 bits in 8D: a clock and a half
    assert [len(head_sent(odd, b"\1\2\3", clocks)) for clocks in range(3)] == [0, 2, 3]
    quad = framing_of(0x0303, 0)  # 2 + 2 clocks
    assert [len(head_sent(quad, b"\1\2", clocks)) for clocks in range(5)] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("ccr", "memory_type", "swapped"),
    [
        (0x0C00_0000, 0, False),  # Micron
        (0x0C00_0000, 1, True),  # Macronix
        (0x0C00_0000, 2, False),  # standard
        (0x0C00_0000, 3, True),  # Macronix RAM
        (0x0C00_0000, 4, False),
        (0x0400_0000, 1, False),  # 8S
        (0x0900_0000, 1, False),  # one line, DTR
        (0x0D00_0000, 1, False),  # 16 lines
    ],
)
def test_pairs_are_swapped_in_8d_by_the_memory_type(bench, ccr, memory_type, swapped):
    bench.xw(0x08, memory_type << 24)
    bench.fake.answer = b"\1\2"
    given = b"\2\1" if swapped else b"\1\2"
    wire, frame = bench.xspi.wire, framing_of(ccr, 0)
    assert wire.get(0, 1, frame, b"\5", 2) == (given, True)
    wire.put(0, 1, frame, b"\2", b"\1\2")
    assert bench.heard[-1][3] == given


@pytest.mark.parametrize("mode", [5 | 1 << 3, 6, 7, 6 | 1 << 3])
@pytest.mark.parametrize("write", [True, False])
def test_data_on_lines_that_are_none_are_over_at_once(bench, mode, write):
    # CCR.DMODE 5 is 16 lines, here on both edges; 6 and 7 are reserved (hw-soc 7.2)
    bench.fake.answer = bytes(8)
    bench.xw(0x00, 1 if write else 0x1000_0001)
    bench.setup(0x4 | mode << 24, 0x02, 8)
    for _ in range(2):
        if write:
            bench.xw(0x50, 0)
        else:
            bench.wait(10)
            assert bench.xr(0x50) == 0
    bench.wait(10)
    assert not bench.sr() & 0x20


@pytest.mark.parametrize("mode", [6, 7])
def test_the_window_on_lines_that_are_none(bench, mode):
    bench.xw(0x00, 1)
    bench.setup(0x4 | mode << 24, 0x03)
    bench.xw(0x00, 0x3000_0001)
    for at in range(0, 12, 4):
        bench.soc.read(0x7000_0000 + at, 4)
    assert bench.sr() & 0x20
