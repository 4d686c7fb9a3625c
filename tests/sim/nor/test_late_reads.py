"""What a controller samples that is late, early or begins inside a group: SFDP, registers, the end of the array."""

from __future__ import annotations

from n6prog.sim.nor.parts import MX25UM51245G

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
