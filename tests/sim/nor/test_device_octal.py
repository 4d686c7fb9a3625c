"""The NOR in 8S and 8D: mode switches, inverse opcodes, doubled registers, swapped pairs (hw-flash 1, 2.4, 5)."""

from __future__ import annotations

import pytest

ZERO = bytes(4)


def test_octal_modes_answer_with_their_own_frames(bench):
    bench.octal("8D")
    assert bench.nor.mode == "8D"
    # registers are single rate: a DTR controller samples every byte twice
    assert bench.frame(0x9F, ZERO, want=6, dummy=4, mode="8D") == bytes.fromhex("c2c280803a3a")
    assert bench.frame(0x05, ZERO, want=2, dummy=4, mode="8D") == b"\0\0"
    assert bench.frame(0x9F, want=3) is None


def test_identity_in_8s(bench):
    bench.octal("8S")
    assert bench.frame(0x9F, ZERO, want=6, dummy=4, mode="8S") == bytes.fromhex("c2803ac2803a")
    assert bench.frame(0x9F, b"\0\0\0\1", want=3, dummy=4, mode="8S") is None  # address not zero: nothing is driven


def test_a_wrong_inverse_is_ignored(bench):
    bench.octal("8D")
    bench.frame(0x06, mode="8D", inverse=0x06)
    assert not bench.nor.wel
    bench.frame(0x06, mode="8D")
    assert bench.nor.wel


def test_octal_frames_do_nothing_to_a_part_in_1s(bench):
    for mode in ("8S", "8D"):
        bench.frame(0x06, mode=mode)
        bench.frame(0x66, mode=mode)
        bench.frame(0x99, mode=mode)
    assert not bench.nor.wel
    assert bench.nor.ready_at == 0
    assert [(frame.mode, frame.opcode) for frame in bench.nor.frames][1:3] == [("8S", 0x66), ("8S", 0x99)]


@pytest.mark.parametrize("mode", ["8S", "8D"])
def test_one_line_frames_do_nothing_to_an_octal_part(bench, mode):
    bench.octal(mode)
    for opcode in (0x06, 0x66, 0x99):
        bench.frame(opcode)
    assert not bench.nor.wel
    assert bench.nor.mode == mode
    other = "8S" if mode == "8D" else "8D"
    bench.frame(0x66, mode=other)
    bench.frame(0x99, mode=other)
    assert bench.nor.mode == mode
    bench.frame(0x66, mode=mode)
    bench.frame(0x99, mode=mode)
    assert bench.nor.mode == "1S"


def test_8d_swaps_the_bytes_of_a_pair(bench):
    bench.content[0x100:0x104] = b"\x01\x02\x03\x04"
    bench.octal("8D")
    address = b"\0\0\x01\x01"  # address bit 0 is ignored
    assert bench.frame(0xEE, address, want=4, dummy=20, mode="8D", dqs=True) == b"\x02\x01\x04\x03"
    assert bench.frame(0x5A, ZERO, want=4, dummy=20, mode="8D") == b"FSPD"


def test_8d_program_stores_pairs_swapped_and_refuses_odd_starts(bench):
    bench.octal("8D")
    bench.frame(0x06, mode="8D")
    bench.frame(0x12, b"\0\0\0\1", b"\x11\x22", mode="8D")
    assert bench.nor.wel
    assert not bench.nor.operation
    bench.frame(0x12, b"\0\0\0\0", b"\x11\x22", mode="8D")
    bench.wait()
    assert bench.content[:2] == b"\x22\x11"


def test_8s_reads_and_programs_in_plain_order(bench):
    bench.octal("8S")
    bench.frame(0x06, mode="8S")
    bench.frame(0x12, ZERO, b"\x11\x22\x33", mode="8S")
    bench.wait()
    assert bench.content[:3] == b"\x11\x22\x33"
    assert bench.frame(0xEC, ZERO, want=3, dummy=20, mode="8S") == b"\x11\x22\x33"


@pytest.mark.parametrize(("code", "clocks"), list(enumerate((20, 18, 16, 14, 12, 10, 8, 6))))  # hw-flash 4.3
def test_dummy_code_moves_the_data(bench, code, clocks):
    bench.octal("8S")
    bench.frame(0x06, mode="8S")
    bench.frame(0x72, b"\0\0\3\0", bytes((code,)), mode="8S")
    bench.content[:4] = b"\x01\x02\x03\x04"
    assert bench.frame(0xEC, ZERO, want=2, dummy=clocks, mode="8S") == b"\x01\x02"
    assert bench.frame(0xEC, ZERO, want=2, dummy=clocks + 2, mode="8S") == b"\x03\x04"


def test_both_octal_bits_and_a_direct_change_are_refused_but_cost_wel(bench):
    bench.enable()
    bench.frame(0x72, ZERO, b"\x03")
    assert (bench.nor.mode, bench.nor.wel) == ("1S", False)
    bench.octal("8S")
    bench.frame(0x06, mode="8S")
    bench.frame(0x72, ZERO, b"\x02", mode="8S")
    assert (bench.nor.mode, bench.nor.wel) == ("8S", False)


def test_leaving_8d_takes_two_equal_bytes(bench):
    bench.octal("8D")
    bench.frame(0x06, mode="8D")
    bench.frame(0x72, ZERO, b"\x00", mode="8D")
    assert bench.nor.mode == "8D"
    bench.frame(0x72, ZERO, b"\x00\x00", mode="8D")
    assert bench.nor.mode == "1S"
    assert bench.frame(0x71, ZERO, want=1) == b"\x00"
