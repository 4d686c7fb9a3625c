"""SFDP of the two parts on ST's boards, as published with their Linux spi-nor drivers (md5 checked); damaged tables."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n6prog.nor.sfdp import SfdpError, parse, part_from_sfdp
from n6prog.targets.schema import Erase

MX25UM51245G = bytes.fromhex(
    """
    53464450 080104fd 00070114 400000ff 8701011c 900000ff 0a000108 000100ff
    05000105 200100ff 84000102 340100ff 00000000 00000000 ffffffff ffffffff
    e5208aff ffffff1f 00ff00ff 00ff00ff eeffffff ffff00ff ffff00ff 0c2010d8
    00ff00ff 8b790100 8f1200e2 cc046746 30b030b0 f4bdd55c 000000ff 10100020
    00000000 00007ca3 48000000 00008888 00000000 00000040 0fd1fff3 0fd1fff3
    00050090 000500b1 002b0095 002b0096 727103b8 727103b8 00000000 90a31882
    00c06996 00000000 00000000 72710098 727100b8 72710099 00000000 72710098
    727100f8 72710099 727100f9 00000000 00000000 011501d0 727106d8 00008650
    00000601 00000000 02000103 00020000 00000601 00000000 00007206 00020000
    00eec069 72727171 00d8f7f6 000a0000 14359c80 43060f00 21dcffff
    """
)


def mx66uw1g45g() -> bytes:
    """Differs from the smaller part in three bytes: size, and the dummy clocks for 133 MHz."""
    image = bytearray(MX25UM51245G)
    image[0x047], image[0x131], image[0x132] = 0x3F, 0x45, 0x98
    return bytes(image)


def test_the_images_are_the_published_ones() -> None:
    assert len(MX25UM51245G) == 316
    assert hashlib.md5(MX25UM51245G).hexdigest() == "75d81c1eb2fd2767634f1d0dfbb3be35"
    assert hashlib.md5(mx66uw1g45g()).hexdigest() == "b89a53266007fce06ba7cc4c0956f917"


def test_the_part_says_what_its_data_sheet_says() -> None:
    # 64 MiB, 256-byte page in 152 us, 4 KiB in 25 ms, 64 KiB in 256 ms, chip in 192 s; maxima 24 and 32 times that.
    found = parse(MX25UM51245G)
    assert found.revision == (1, 8)
    assert (found.size, found.page) == (64 << 20, 256)
    assert found.program_typ == pytest.approx(152e-6)
    assert found.program_max == pytest.approx(4.864e-3)
    assert [(item.size, item.opcode) for item in found.erases] == [(4096, 0x21), (65536, 0xDC)]
    assert [item.typ for item in found.erases] == pytest.approx([0.025, 0.256])
    assert [item.max for item in found.erases] == pytest.approx([0.6, 6.144])
    assert found.chip_erase_typ == pytest.approx(192.0)
    assert found.swaps_pairs
    assert found.fast_read
    assert found.page_program


def test_the_larger_part_differs_in_size_only() -> None:
    assert parse(mx66uw1g45g()).size == 128 << 20
    assert parse(mx66uw1g45g()).erases == parse(MX25UM51245G).erases


def test_what_follows_the_tables_does_not_matter() -> None:
    assert parse(MX25UM51245G + b"\xff" * 196) == parse(MX25UM51245G)


def test_a_part_is_made_from_its_own_tables() -> None:
    part = part_from_sfdp(parse(MX25UM51245G), b"\xc2\x80\x3a")
    assert part.name == "NOR C2 80 3A"
    assert part.jedec == b"\xc2\x80\x3a"
    assert (part.size, part.page, part.dies, part.swaps_pairs) == (64 << 20, 256, 1, True)
    assert part.erase(4096) == Erase(4096, 0x21, pytest.approx(0.025), pytest.approx(0.6))
    assert (part.read_opcode, part.read_dummy, part.program_opcode) == (0x0C, 8, 0x12)
    assert "SFDP" in part.source
    assert part_from_sfdp(parse(MX25UM51245G), b"\xc2\x80\x3a", "MX25UM51245G").name == "MX25UM51245G"


def test_a_density_given_as_a_power_of_two_is_read() -> None:
    image = bytearray(MX25UM51245G)
    image[0x44:0x48] = (0x8000_0000 | 33).to_bytes(4, "little")  # 2**33 bits = 1 GiB
    assert parse(image).size == 1 << 30


def test_a_part_without_a_4_kib_erase_or_4_byte_commands_is_refused() -> None:
    no_small = bytearray(MX25UM51245G)
    no_small[0x5C:0x5E] = b"\x00\xff"  # DW8: erase type 1 not there
    with pytest.raises(SfdpError, match="4 KiB"):
        part_from_sfdp(parse(no_small), b"\xc2\x80\x3a")
    no_program = bytearray(MX25UM51245G)
    no_program[0x134] &= ~0x40 & 0xFF  # 4BAIT DW1 bit 6: 12h
    with pytest.raises(SfdpError, match="12h"):
        part_from_sfdp(parse(no_program), b"\xc2\x80\x3a")
    no_table = bytearray(MX25UM51245G)
    no_table[0x28] = 0x85  # identifier FF84 -> FF85
    with pytest.raises(SfdpError, match="4-byte"):
        parse(no_table)


@pytest.mark.parametrize("data", [b"", b"\xff" * 316, b"\x00" * 316, MX25UM51245G[:6], MX25UM51245G[:20]])
def test_what_is_no_sfdp_is_refused_with_words(data: bytes) -> None:
    with pytest.raises(SfdpError, match=r"SFDP|cut short"):
        parse(data)


def test_a_table_beyond_the_bytes_read_is_refused() -> None:
    with pytest.raises(SfdpError, match="beyond"):
        parse(MX25UM51245G[:0x136])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 315), st.integers(0, 255)), max_size=8), st.integers(0, 316))
def test_damaged_tables_give_a_part_or_an_sfdp_error(hits: list[tuple[int, int]], length: int) -> None:
    image = bytearray(MX25UM51245G)
    for at, value in hits:
        image[at] = value
    try:
        part = part_from_sfdp(parse(image[:length]), b"\xc2\x80\x3a")
    except SfdpError:
        return
    assert part.size >= 0
    assert part.erases
