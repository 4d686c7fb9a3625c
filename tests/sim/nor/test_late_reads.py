"""What a controller samples that is late, early or begins inside a group: SFDP, registers, the end of the array."""

from __future__ import annotations

from n6prog.sim.nor.parts import MX25UM51245G
from tests.sim.nor.bench import MS, Bench

SFDP = MX25UM51245G.sfdp  # its md5 is the published one, test_parts


def test_late_identity_bytes_come_in_the_order_of_the_group(bench):
    bench.octal("8S")
    assert bench.frame(0x9F, bytes(4), want=4, dummy=5, mode="8S") == b"\x80\x3a\xc2\x80"
    assert bench.frame(0x9F, bytes(4), want=4, dummy=8, mode="8S") == b"\x80\x3a\xc2\x80"


def test_late_sfdp_bytes_are_those_further_on(bench):
    bench.octal("8S")
    assert bench.frame(0x5A, b"\0\0\0\4", want=4, dummy=22, mode="8S") == SFDP[6:10]


def test_sfdp_may_begin_at_an_odd_address_in_single_rate(bench, mode):
    bench.octal(mode)
    if mode != "8D":
        assert bench.get(0x5A, 1, 4) == SFDP[1:5]
        assert bench.get(0x5A, 3, 4) == SFDP[3:7]


def test_in_8d_sfdp_begins_at_the_pair_like_the_array(bench):
    """hw-flash 5.1: address bit 0 is ignored, the odd byte of a pair goes first."""
    bench.octal("8D")
    assert bench.frame(0x5A, bytes(4), want=4, dummy=20, mode="8D") == b"FSPD"
    assert bench.frame(0x5A, b"\0\0\0\1", want=4, dummy=20, mode="8D") == b"FSPD"
    assert bench.frame(0x5A, b"\0\0\0\2", want=4, dummy=20, mode="8D") == b"PD" + SFDP[5:3:-1]
    assert bench.frame(0x5A, b"\0\0\0\3", want=2, dummy=20, mode="8D") == b"PD"


def test_a_late_read_goes_over_the_end_of_the_part(bench, mode):
    bench.content[-4:] = b"\xa1\xa2\xa3\xa4"
    bench.content[:6] = b"\x01\x02\x03\x04\x05\x06"
    bench.octal(mode)
    dummy, four = {"1S": (8, 32), "8S": (20, 4), "8D": (20, 2)}[mode]  # clocks of four bytes
    opcode = {"1S": 0x0C, "8S": 0xEC, "8D": 0xEE}[mode]
    answer = bench.frame(opcode, b"\0\3\xff\xfe", want=4, dummy=dummy + four, mode=mode)
    assert answer == (b"\x04\x03\x06\x05" if mode == "8D" else b"\x03\x04\x05\x06")


def test_the_preamble_pattern_is_the_first_unless_another_was_chosen(make_bench):
    bench = make_bench(undriven="00")
    bench.nor.registers.cr |= 0x10
    # hw-flash 3: 349Ah, the first six of its bits in the last six of eight clocks
    assert bench.frame(0x0C, bytes(4), want=1) == bytes((0b00_001101,))


def test_every_byte_of_what_is_in_hand_is_undefined(bench):
    """Also the first one of a read that begins in the middle of it."""
    bench.content[:0x2000] = b"\x5a" * 0x2000
    bench.enable()
    bench.send(0x21, 0)
    bench.now += MS
    bench.send(0xB0)
    bench.wait()
    assert {bench.read(0x100 + 16 * index, 4)[0] for index in range(8)} != {0x5A}


def test_bits_that_ecc_corrects_are_counted_even_when_nothing_else_is_wrong(bench):
    bench.nor.faults.ecc_one = frozenset({0x40})
    assert bench.read(0x40, 4) == b"\xff" * 4
    assert bench.cr2(0x800) == 0x91


def test_only_the_array_is_served_as_content_and_only_its_own_frame(bench, mode):
    from n6prog.sim.nor.wire import NONE, Framing, Phase, framing

    def serves(shape: Framing, head: bytes) -> bool:
        return bench.nor.serves_content(shape, head, bench.now)

    bench.octal(mode)
    second = b"" if mode == "1S" else b"\xa5"
    assert not serves(
        framing(mode, 3 if mode == "1S" else 4, True, 8 if mode == "1S" else 20),
        b"\x5a" + second + bytes(3 if mode == "1S" else 4),
    )
    missing = {"1S": b"\xec", "8S": b"\x13\xec", "8D": b"\x13\xec"}[mode]  # not there in this mode, without address
    assert not serves(framing(mode, 0, True), missing)
    if mode == "1S":
        shape = Framing.of(Phase(8, False, 1), Phase(8, False, 4), NONE, Phase(8, False), 43)
        assert shape.head_clocks == 8 + 32 + 8
        assert not serves(shape, b"\x0c" + bytes(4))
    else:
        opcode = {"8S": 0xEC, "8D": 0xEE}[mode]
        assert not serves(framing(mode, 4, True, 20), bytes((opcode, 0xFF)) + bytes(4))


def test_a_late_poll_sees_the_end_and_ends_the_row_of_polls(bench: Bench, mode: str) -> None:
    """WIP falls between the opcode and the first data byte."""
    bench.octal(mode)
    bench.enable()
    bench.send(0x21, 0)
    assert bench.sr == 3
    assert bench.nor.status_polls == 1
    head = {"1S": 8, "8S": 2 + 4 + 4, "8D": 1 + 2 + 4}[mode] * bench.clock
    bench.now = bench.nor.busy_until - head + (0 if mode == "1S" else bench.clock)
    assert bench.sr == 0
    assert bench.nor.status_polls == 0
    bench.nor.status_polls = 5
    assert bench.sr == 0
    assert bench.nor.status_polls == 0


def test_other_commands_end_a_row_of_polls(bench, mode):
    bench.octal(mode)
    bench.nor.status_polls = 5
    bench.send(0x04)
    assert bench.nor.status_polls == 0


def test_a_reset_ends_a_row_of_polls(bench):
    assert bench.nor.status_polls == 0
    bench.enable()
    bench.send(0x21, 0)
    assert bench.sr == 3
    bench.nor.drive_reset(True, bench.now)
    assert bench.nor.status_polls == 0
