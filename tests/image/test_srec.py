"""S-records: sound ones by objcopy and by hand, broken ones by line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n6prog.image import Image, Kind, read_srec

HEAD = "S00600004844521B\n"  # the header record of Motorola's own example
ONE = "S107000001020304EE\n"  # 07 + 0A = 0x11; 0xFF - 0x11 = 0xEE
END = "S9030000FC\n"


def image_of(text: str) -> Image:
    return read_srec(text.encode("latin-1"), "a.s19")


def codes(image: Image) -> list[str]:
    return [found.code for found in image.findings]


def pieces(image: Image) -> dict[int, bytes]:
    return {chunk.address: bytes(chunk.data) for chunk in image.chunks if chunk.address is not None}


def test_motorolas_own_example_is_read() -> None:
    """The example of the M68000 Family Programmer's Reference Manual, appendix C."""
    image = image_of(
        HEAD
        + "S1130000285F245F2212226A000424290008237C2A\nS11300100002000800082629001853812341001813\n"
        + "S113002041E900084E42234300182342000824A952\nS107003000144ED492\nS9030000FC\n"
    )
    assert image.findings == ()
    assert image.kind is Kind.SREC
    assert list(pieces(image)) == [0]
    assert image.size == 0x34
    assert pieces(image)[0][-4:] == bytes.fromhex("00144ED4")


def test_24_and_32_bit_addresses_and_the_entry() -> None:
    s2 = "S2080123450102030478\n"  # 08 + 01 + 23 + 45 + 0A = 0x7B... the checksum is computed below
    total = sum(bytes.fromhex(s2[2:-3]))
    s2 = s2[:-3] + f"{~total & 0xFF:02X}\n"
    s3 = "S309700001000102030472\n"  # 09 + 70 + 01 + 0A = 0x84; 0xFF - 0x84 = 0x7B
    s3 = s3[:-3] + "7B\n"
    s7 = "S7057010040175\n"  # 05 + 70 + 10 + 04 + 01 = 0x8A; 0xFF - 0x8A = 0x75
    image = image_of(s2 + s3 + s7)
    assert image.findings == ()
    assert pieces(image) == {0x012345: b"\1\2\3\4", 0x70000100: b"\1\2\3\4"}
    assert image.entry == 0x70100401


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("S107000001020304EF", "E-HEX-CHECKSUM", "0xee"),
        ("S108000001020304ED", "E-HEX-RECORD", "announces 8 bytes and holds 7"),
        ("S107000001020304E", "E-HEX-RECORD", "hexadecimal"),
        ("S4030000FC", "E-HEX-RECORD", "S0 to S3"),
        ("what", "E-HEX-RECORD", "S0 to S3"),
        ("S", "E-HEX-RECORD", "S0 to S3"),
        ("S1", "E-HEX-RECORD", "cut off"),
        ("S5030007F5", "E-HEX-RECORD", "counts 7 data records, and 1"),
        ("S309FFFFFFFE01020304F1", "E-HEX-RECORD", "0xffffffff"),
    ],
)
def test_a_broken_line_is_named_with_its_number(line: str, code: str, words: str) -> None:
    image = image_of(f"{HEAD}{ONE}{line}\n{END}")
    assert codes(image) == [code]
    assert image.findings[0].evidence["line"] == 3
    assert words in image.findings[0].text
    assert pieces(image) == {0: b"\1\2\3\4"}


def test_a_missing_end_and_records_after_it_are_refused() -> None:
    assert codes(image_of(HEAD + ONE)) == ["E-HEX-END"]
    assert codes(image_of(HEAD + ONE + END + ONE)) == ["E-HEX-AFTER-END"]
    assert codes(image_of(HEAD + END)) == ["E-HEX-EMPTY"]


@settings(max_examples=200)
@given(st.lists(st.one_of(st.just(HEAD), st.just(ONE), st.just(END), st.text(max_size=12)), max_size=10))
def test_a_garbled_file_never_raises(parts: list[str]) -> None:
    image = read_srec("".join(parts).encode("utf-8", "surrogatepass"), "a.s19")
    assert image.chunks or any(found.is_error for found in image.findings)


@pytest.mark.needs("arm-none-eabi-objcopy")
def test_what_objcopy_writes_is_read_back(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9
    (tmp_path / "a.bin").write_bytes(content)
    subprocess.run(
        ["arm-none-eabi-objcopy", "-I", "binary", "-O", "srec", "--change-addresses", "0x70380000", "a.bin", "a.s37"],
        check=True,
        cwd=tmp_path,
    )
    image = read_srec((tmp_path / "a.s37").read_bytes(), "a.s37")
    assert image.findings == ()
    assert pieces(image) == {0x70380000: content}
