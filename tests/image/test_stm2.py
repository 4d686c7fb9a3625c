"""The boot header: read at the offsets of both versions, judged against the bytes behind it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n6prog.findings import Finding
from n6prog.image import read, stm2
from tests.helpers.stm2maker import make_stm2, vectors

FSBL = vectors(0x34200000, 0x34181129, count=150)
APP = vectors(0x34200000, 0x34000DAD, count=150)


def judge(data: bytes) -> tuple[Finding, ...]:
    header = stm2.parse(data)
    assert header is not None
    return stm2.verify(header, data, "a.bin")


def codes(data: bytes) -> list[str]:
    return [found.code for found in judge(data)]


@pytest.mark.parametrize(("version", "size"), [("2.1", 0x200), ("2.3", 0x240)])
def test_both_versions_of_the_n6_are_read(version: str, size: int) -> None:
    header = stm2.parse(make_stm2(FSBL, version=version))
    assert header is not None
    assert (header.version, header.size, header.entry) == (version, size, 0x34181129)
    assert header.total == 0x400 + 608  # 600 bytes of vectors, filled to a multiple of 32
    assert header.load_address == 0xFFFFFFFF
    assert header.binary_type == 0x10
    assert [extension.name for extension in header.extensions] == ["padding"]
    assert judge(make_stm2(FSBL, version=version)) == ()


def test_the_first_stage_sample_has_the_fields_a_hex_dump_shows(data: Path) -> None:
    image = read(data / "LoadAndRun_FSBL-trusted.bin")
    assert image.findings == ()
    assert image.header is not None
    assert (image.header.checksum, image.header.length, image.header.entry) == (0x0067C442, 0xEBC0, 0x34181129)
    assert image.entry == 0x34181129
    assert image.chunks[0].address is None


@pytest.mark.parametrize(
    ("name", "hint"), [("LoadAndRun_FSBL-trusted.bin", 0x70000000), ("LoadAndRun_Appli-trusted.bin", 0x70100000)]
)
def test_real_signed_files_tell_where_they_belong(data: Path, name: str, hint: int) -> None:
    header = read(data / name).header
    assert header is not None
    assert header.load_hint() == hint


@pytest.mark.parametrize(
    ("program", "type_", "hint"),
    [
        (FSBL, 0x10, 0x70000000),
        (FSBL, 0x00, 0x70000000),  # ST's OpenBootloader is signed -t ssbl and boots
        (APP, 0x10, 0x70100000),
        (APP, 0x00, 0x70100000),
        (vectors(0x34200000, 0x70100501, 150), 0x00, 0x70100000),
        (vectors(0x34200000, 0x70080501, 150), 0x00, None),  # another slot: do not guess
        (vectors(0x34200000, 0x90000501, 150), 0x00, 0x70100000),  # runs from PSRAM, where a first stage copies it
    ],
)
def test_the_entry_point_tells_where_an_image_belongs(program: bytes, type_: int, hint: int | None) -> None:
    header = stm2.parse(make_stm2(program, type=type_))
    assert header is not None
    assert header.load_hint() == hint


def test_what_looks_like_a_second_header_in_ciphertext_is_none() -> None:
    twice = make_stm2(make_stm2(FSBL), entry=0x34180501)
    head = stm2.parse(twice)
    assert head is not None
    assert [item.code for item in stm2.verify(head, twice, "a.bin")] == ["E-HDR-TWICE"]
    encrypted = make_stm2(make_stm2(FSBL), entry=0x34180501, flags=0x80000002)
    head = stm2.parse(encrypted)
    assert head is not None
    assert [item.code for item in stm2.verify(head, encrypted, "a.bin")] == ["N-HDR-SIGNED"]


def test_one_changed_byte_of_the_body_is_a_wrong_checksum() -> None:
    changed = bytearray(make_stm2(FSBL))
    changed[0x420] ^= 1
    (found,) = judge(bytes(changed))
    assert found.code == "E-HDR-SUM"
    assert abs(int(found.evidence["stored"] or 0) - int(found.evidence["computed"] or 0)) == 1


def test_a_file_shorter_than_its_header_says_is_refused() -> None:
    content = make_stm2(FSBL)
    (found,) = judge(content[:-32])
    assert found.code == "E-HDR-LENGTH"
    assert found.evidence["present"] == len(content) - 0x240 - 32


def test_signing_without_align_is_recognised_by_the_table_at_0x240() -> None:
    (found,) = judge(make_stm2(FSBL, align=False))
    assert found.code == "E-HDR-ALIGN"
    assert found.evidence == {
        "table": 0x240,
        "stack": 0x34200000,
        "reset": 0x34181129,
        "entry": 0x34181169,  # file 0x404 is vector 113: the default handler
    }
    assert "-align" in found.cure


def test_an_image_without_align_whose_entry_was_given_by_hand_is_sound() -> None:
    assert codes(make_stm2(FSBL, align=False, entry=0x34181129)) == []


def test_an_even_entry_lacks_the_thumb_bit() -> None:
    (found,) = judge(make_stm2(FSBL, entry=0x34181128))
    assert found.code == "E-HDR-ENTRY"
    assert "Thumb" in found.text


def test_an_entry_beside_the_reset_vector_is_a_warning() -> None:
    assert codes(make_stm2(FSBL, entry=0x34181201)) == ["W-HDR-ENTRY"]


def test_an_image_without_a_vector_table_may_start_anywhere() -> None:
    assert codes(make_stm2(b"\x00\xbf" * 400, entry=0x34180401)) == []  # an old Edge Impulse first stage is like this


@pytest.mark.parametrize("version", ["1.0", "2.0", "2.2"])
def test_headers_of_other_stm32_families_are_refused_by_version(version: str) -> None:
    (found,) = judge(make_stm2(FSBL, version=version))
    assert found.code == "E-HDR-VERSION"
    assert version in found.text


def test_an_unknown_version_and_a_stub_of_a_header_are_told_apart() -> None:
    assert codes(make_stm2(FSBL, version_word=0x00990000)) == ["E-HDR-VERSION"]
    for size in (4, 0x48, 0x6C, 0x9F):
        assert codes(make_stm2(FSBL)[:size]) == ["E-HDR-TRUNCATED"]
    assert codes(make_stm2(FSBL, version="2.1")[:0x7F]) == ["E-HDR-TRUNCATED"]


@pytest.mark.parametrize(
    "fields", [{"post_length": 0xFFFFFFF0}, {"post_length": 0x1A1}, {"post_length": 0x20}, {"length": 0}]
)
def test_fields_that_cannot_be_are_named(fields: dict[str, int]) -> None:
    (found,) = judge(make_stm2(FSBL, **fields))
    assert found.code == "E-HDR-FIELD"


def test_a_length_of_four_gigabytes_is_only_a_finding() -> None:
    assert codes(make_stm2(FSBL, length=0xFFFFFFFF)) == ["E-HDR-LENGTH"]


def test_several_faults_are_all_told() -> None:
    assert codes(make_stm2(FSBL, checksum=1, entry=0x34181128, load=0x70000000)) == [
        "E-HDR-SUM",
        "E-HDR-ENTRY",
        "W-HDR-LOAD",
    ]


def test_bytes_behind_the_image_are_noted() -> None:
    content = make_stm2(FSBL)
    (found,) = judge(content + bytes(100))
    assert found.code == "N-HDR-TRAILING"
    assert found.evidence == {"size": 100, "offset": len(content)}


def test_signed_and_encrypted_images_are_noted_and_not_looked_into() -> None:
    encrypted = make_stm2(bytes(range(256)) * 8, flags=0x80000003, entry=0x34181129)
    (found,) = judge(encrypted)
    assert (found.code, "encrypted" in found.text) == ("N-HDR-SIGNED", True)
    assert codes(make_stm2(FSBL, flags=0x80000003, entry=0x34181201)) == ["N-HDR-SIGNED"]  # 0x400 is ciphertext
    signed = bytearray(make_stm2(FSBL))
    signed[4:68] = bytes(range(64))
    assert codes(bytes(signed)) == ["N-HDR-SIGNED"]


def test_a_signature_word_is_not_taken_for_an_old_version() -> None:
    signed = bytearray(make_stm2(FSBL))
    struct.pack_into("<I", signed, 0x48, 0x00020100)
    header = stm2.parse(bytes(signed))
    assert header is not None
    assert header.version == "2.3"


def test_a_first_stage_must_fit_where_the_boot_rom_copies_it() -> None:
    def found(program: bytes) -> list[str]:
        header = stm2.parse(make_stm2(program))
        assert header is not None
        return [f.code for f in stm2.verify_fsbl(header, "a.bin")]

    assert found(FSBL) == []
    assert found(APP) == ["E-HDR-ENTRY"]  # linked for 0x34000400
    assert found(FSBL + bytes(0x80000)) == ["E-HDR-SIZE"]


def test_what_does_not_start_with_the_magic_has_no_header() -> None:
    assert stm2.parse(b"") is None
    assert stm2.parse(b"STM1" + bytes(600)) is None
    assert stm2.parse(FSBL) is None


def test_four_megabytes_are_summed() -> None:
    content = make_stm2(FSBL + b"\x5a" * (4 << 20))
    header = stm2.parse(content)
    assert header is not None
    assert stm2.verify(header, content, "a.bin") == ()


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 0x420), st.integers(0, 255)), max_size=8), st.integers(0, 0x800))
def test_a_mutated_image_never_raises(changes: list[tuple[int, int]], size: int) -> None:
    content = bytearray(make_stm2(FSBL))
    for offset, value in changes:
        content[offset] = value
    data = bytes(content[:size])
    header = stm2.parse(data)
    if header is not None:
        stm2.verify(header, data, "a.bin")
        stm2.verify_fsbl(header, "a.bin")
        header.load_hint()


def test_the_size_to_verify_is_headers_and_body_and_0_where_the_header_does_not_tell() -> None:
    image = make_stm2(FSBL)
    assert stm2.size_to_verify(image[:0x400]) == len(image)
    assert stm2.size_to_verify(make_stm2(FSBL, version="2.2")) == 0
    assert stm2.size_to_verify(make_stm2(FSBL, post_length=0x1A8)) == 0
    assert stm2.size_to_verify(make_stm2(FSBL, length=0)) == 0
    assert stm2.size_to_verify(b"\xff" * 0x400) == 0
    assert stm2.size_to_verify(image[:0x40]) == 0
