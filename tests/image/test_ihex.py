"""Intel HEX: intelhex judges the sound files, the format's own arithmetic the broken ones."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intelhex import IntelHex

from n6prog.image import Image, read, read_ihex
from tests.helpers.files import hex_pieces

END = ":00000001FF\n"
ONE = ":0400000001020304F2\n"  # 04 + 01 + 02 + 03 + 04 = 0x0E; 0x100 - 0x0E = 0xF2
AT_70000000 = ":0200000470008A\n"  # 02 + 04 + 70 = 0x76; 0x100 - 0x76 = 0x8A


def image_of(text: str) -> Image:
    return read_ihex(text.encode("latin-1"), "a.hex")


def pieces(image: Image) -> dict[int, bytes]:
    return {chunk.address: bytes(chunk.data) for chunk in image.chunks if chunk.address is not None}


def codes(image: Image) -> list[str]:
    return [found.code for found in image.findings]


def test_addresses_come_from_linear_and_segment_records() -> None:
    assert pieces(image_of(AT_70000000 + ONE + END)) == {0x70000000: b"\1\2\3\4"}
    segment = ":020000021000EC\n"  # 02 + 02 + 10 = 0x14; base 0x1000 << 4
    assert pieces(image_of(segment + ONE + END)) == {0x10000: b"\1\2\3\4"}


@pytest.mark.parametrize("end_of_line", ["\n", "\r\n", "\r", "  \r\n"])
def test_line_ends_spaces_and_case_do_not_matter(end_of_line: str) -> None:
    text = (AT_70000000 + ONE + "\n" + END).lower().replace("\n", end_of_line)
    image = image_of(text)
    assert pieces(image) == {0x70000000: b"\1\2\3\4"}
    assert image.findings == ()


def test_a_record_may_cross_a_64_kib_border() -> None:
    line = ":04FFFE00010203 04F5\n".replace(" ", "")  # 04 + FF + FE + 0A = 0x20B; 0x100 - 0x0B = 0xF5
    assert pieces(image_of(line + END)) == {0xFFFE: b"\1\2\3\4"}


def test_start_address_records_may_repeat_as_in_merged_files() -> None:
    first, second = ":0400000570000401" + "82\n", ":0400000570100401" + "72\n"  # 04+05+70+04+01=7E; 8E with 10
    image = image_of(first + ONE + second + END)
    assert image.entry == 0x70000401
    assert codes(image) == ["W-HEX-START"]
    assert image.findings[0].evidence["line"] == 3
    assert image_of(":0400000310000020C9\n" + ONE + END).entry == 0x10020  # CS 0x1000, IP 0x0020


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (":0400000001020304F3", "E-HEX-CHECKSUM", "0xf3"),
        (":0400000001020304", "E-HEX-RECORD", "announces 4 data bytes and holds 3"),
        (":04000000010203", "E-HEX-RECORD", "announces 4 data bytes and holds 2"),
        (":0400000001020304F", "E-HEX-RECORD", "hexadecimal"),
        (":0400000001020x04F2", "E-HEX-RECORD", "hexadecimal"),
        (":04000000010203\xb204F2", "E-HEX-RECORD", "hexadecimal"),
        (":040000", "E-HEX-RECORD", "cut off"),
        (":", "E-HEX-RECORD", "empty"),
        ("0400000001020304F2", "E-HEX-RECORD", "colon"),
        ("; a comment", "E-HEX-RECORD", "colon"),
        (":0000000AF6", "E-HEX-RECORD", "type 0A"),
        (":0300000400000000F9"[:17], "E-HEX-RECORD", "type 04 has 2 data bytes, this one 3"),
    ],
)
def test_a_broken_line_is_named_with_its_number(line: str, code: str, words: str) -> None:
    image = image_of(f"{AT_70000000}{ONE}{line}\n{END}")
    assert codes(image) == [code]
    assert image.findings[0].evidence["line"] == 3
    assert words in image.findings[0].text
    assert pieces(image) == {0x70000000: b"\1\2\3\4"}


def test_a_wrong_checksum_tells_the_right_one() -> None:
    found = image_of(":0400000001020304F3\n" + ONE + END).findings[0]
    assert (found.evidence["found"], found.evidence["expected"]) == (0xF3, 0xF2)


def test_data_that_would_pass_the_last_address_are_named() -> None:
    top = ":02000004FFFFFC\n"
    over = ":04FFFE0001020304F5\n"
    image = image_of(top + over + ONE + END)
    assert codes(image) == ["E-HEX-RECORD"]
    assert "0xffffffff" in image.findings[0].text


def test_all_faults_are_told_and_a_flood_is_counted() -> None:
    image = image_of("junk\n" * 50 + ":0400000001020304F3\n" + ONE)
    told = codes(image)
    assert told.count("E-HEX-RECORD") == 20
    assert told.count("N-MORE") == 1
    assert next(f for f in image.findings if f.code == "N-MORE").evidence["count"] == 30
    assert "E-HEX-CHECKSUM" in told
    assert "E-HEX-END" in told


def test_a_file_without_its_end_record_is_cut_off() -> None:
    image = image_of(AT_70000000 + ONE)
    assert codes(image) == ["E-HEX-END"]
    assert image.findings[0].evidence["line"] == 2


def test_files_joined_with_cat_are_refused_with_what_to_do() -> None:
    image = image_of(ONE + END + AT_70000000 + ONE + END)
    assert codes(image) == ["E-HEX-AFTER-END"]
    assert image.findings[0].evidence["line"] == 3
    assert image.findings[0].evidence["count"] == 3
    assert "one by one" in image.findings[0].cure
    assert image_of(ONE + END + "\n\n\x1a").findings == ()


def test_bytes_given_twice_must_be_the_same() -> None:
    other = ":04000200030405 06E8\n".replace(" ", "")  # 04 + 02 + 12 = 0x18 -> E8
    image = image_of(ONE + other + END)
    assert codes(image) == ["W-HEX-REPEAT"]
    assert pieces(image) == {0: b"\1\2\3\4\5\6"}
    wrong = ":0400020004040506E7\n"
    image = image_of(ONE + wrong + END)
    assert codes(image) == ["E-HEX-OVERLAP"]
    assert image.findings[0].evidence == {"size": 2, "address": 2, "line": 1, "other_line": 2}


def test_no_data_is_refused() -> None:
    assert codes(image_of(END)) == ["E-HEX-EMPTY"]


def test_a_file_in_shreds_is_given_up() -> None:
    lines = io.StringIO()
    for high in range(33):
        head = bytes([2, 0, 0, 4, 0x70, high])
        lines.write(f":{head.hex()}{-sum(head) & 0xFF:02X}\n")
        for low in range(0, 0x10000, 32):
            record = bytes([1, low >> 8, low & 0xFF, 0, 0])
            lines.write(f":{record.hex()}{-sum(record) & 0xFF:02X}\n")
    image = image_of(lines.getvalue() + END)
    assert codes(image) == ["E-HEX-SCATTERED"]


RUNS = st.lists(st.tuples(st.integers(0, 0x7FFF_0000), st.binary(min_size=1, max_size=300)), min_size=1, max_size=8)


@settings(max_examples=150)
@given(RUNS, st.sampled_from([1, 5, 16, 32, 255]))
def test_what_intelhex_writes_is_read_back(runs: list[tuple[int, bytes]], width: int) -> None:
    book = IntelHex()
    for address, content in runs:
        book.puts(address, content)
    text = io.StringIO()
    book.write_hex_file(text, byte_count=width)
    image = image_of(text.getvalue())
    assert image.findings == ()
    assert pieces(image) == {start: book.tobinstr(start=start, size=end - start) for start, end in book.segments()}


@settings(max_examples=100)
@given(RUNS, st.randoms(use_true_random=False))
def test_the_order_of_the_records_does_not_matter(runs: list[tuple[int, bytes]], shuffle: object) -> None:
    book = IntelHex()
    for address, content in runs:
        book.puts(address, content)
    lines: list[str] = []
    for address in book.addresses():
        for record in (b"\2\0\0\4" + (address >> 16).to_bytes(2, "big"), None):
            raw = record or b"\1" + (address & 0xFFFF).to_bytes(2, "big") + b"\0" + bytes([book[address]])
            if record is None:
                lines[-1] += f":{raw.hex()}{-sum(raw) & 0xFF:02X}\n"
            else:
                lines.append(f":{raw.hex()}{-sum(raw) & 0xFF:02X}\n")
    shuffle.shuffle(lines)  # type: ignore[attr-defined]
    image = image_of("".join(lines) + END)
    assert image.findings == ()
    assert pieces(image) == {start: book.tobinstr(start=start, size=end - start) for start, end in book.segments()}


@settings(max_examples=300)
@given(st.lists(st.one_of(st.just(ONE), st.just(END), st.just(AT_70000000), st.text(max_size=12)), max_size=12))
def test_a_garbled_file_never_raises(parts: list[str]) -> None:
    image = read_ihex("".join(parts).encode("utf-8", "surrogatepass"), "a.hex")
    assert image.chunks or any(found.is_error for found in image.findings)


@settings(max_examples=150)
@given(st.integers(0, 200), st.integers(0, 255))
def test_one_changed_character_is_never_taken_silently(place: int, value: int) -> None:
    text = (AT_70000000 + ONE + ":100010000102030405060708090A0B0C0D0E0F1058\n" + END).encode()
    changed = bytearray(text)
    changed[place % len(text)] = value
    image = read_ihex(bytes(changed), "a.hex")
    sound = pieces(read_ihex(text, "a.hex"))
    assert pieces(image) == sound or any(found.is_error for found in image.findings)


@pytest.mark.parametrize("name", ["ai_fsbl.hex", "nucleo_network_data.hex"])
def test_real_files_hold_what_intelhex_says(data: Path, name: str) -> None:
    image = read(data / name)
    assert image.findings == ()
    assert pieces(image) == hex_pieces(data / name)
