"""Placement: what is linked for the flash stays there, everything else is refused by name, nothing left unsaid."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n6prog.errors import UsageError
from n6prog.findings import finding
from n6prog.image.types import Image, Kind
from n6prog.layout import Goal, Placement, place
from n6prog.targets.schema import Device

MakeImage = Callable[..., Image]
VECTORS_XIP = struct.pack("<2I", 0x3400_8000, 0x7010_0501) + bytes(56)
VECTORS_LRUN = struct.pack("<2I", 0x3410_0000, 0x3400_0501) + bytes(56)
VECTORS_FSBL = struct.pack("<2I", 0x3420_0000, 0x3418_0501) + bytes(56)


def signed(entry: int, *, body: int = 0x1000, version: int = 0x0002_0300) -> bytes:
    """An STM2 image as STM32_SigningTool writes it (header 2.3, no keys): fields at their offsets, vectors at 0x400."""
    size = body - body % 32
    image = bytearray(0x240 + size)
    image[0:4] = b"STM2"
    struct.pack_into("<2I", image, 0x400, 0x3420_0000, entry)
    struct.pack_into("<4I", image, 0x64, sum(image[0x240:]), version, size, entry)
    struct.pack_into("<I", image, 0x78, 0xFFFF_FFFF)
    struct.pack_into("<3I", image, 0x84, 0x8000_0000, 0x1A0, 0x10)
    struct.pack_into("<2I", image, 0xA0, 0xFFFF_5453, 0x1A0)
    return bytes(image)


def codes(placement: Placement) -> list[str]:
    return [item.code for item in placement.findings]


def errors(placement: Placement) -> list[str]:
    return [item.code for item in placement.findings if item.is_error]


def test_what_is_linked_in_the_flash_stays_there_without_a_header(nucleo: Device, image: MakeImage) -> None:
    app = image(
        (".isr_vector", 0x7010_0400, VECTORS_XIP), (".text", 0x7010_0440, b"code" * 8), (".data", 0x7010_0500, b"x")
    )
    placement = place([app], nucleo)
    assert placement.ok
    assert [(piece.address, bytes(piece.data)) for piece in placement.flash] == [
        (0x7010_0400, VECTORS_XIP + b"code" * 8),
        (0x7010_0500, b"x"),
    ]
    first = placement.flash[0]
    assert (first.slot, first.change, str(first.origin)) == ("app", "", "app.elf .isr_vector .text")
    assert codes(placement) == ["N-APP-HEADER"]


def test_a_section_at_zero_is_named_with_its_size_and_the_way_out(nucleo: Device, image: MakeImage) -> None:
    app = image((".isr_vector", 0x7010_0400, VECTORS_XIP), (".weights", 0, 3_000_000), file="run-9_Appli.elf")
    placement = place([app], nucleo)
    assert errors(placement) == ["E-REGION0"]
    found = next(item for item in placement.findings if item.is_error)
    assert "3000000 bytes of section .weights at address 0x00000000" in found.text
    assert "ITCM" in found.text
    assert "memory region" in found.cure
    assert "not declared" in found.cure
    assert "xSPI1/hyperRAM" in found.cure
    assert "Boot jumpers" in found.not_this or "boot jumpers" in found.not_this


def test_sections_that_follow_one_at_zero_belong_to_the_same_finding(nucleo: Device, image: MakeImage) -> None:
    app = image((".a", 0, 1001), (".b", 0x3EC, 0x5_0000), (".c", 0x5_0400, 16))  # .b 4-aligned; .c beyond the ITCM
    placement = place([app], nucleo)
    assert errors(placement) == ["E-REGION0"]
    assert placement.findings[0].evidence["bytes"] == 1001 + 0x5_0000 + 16
    assert "sections .a .b .c" in placement.findings[0].text


def test_two_faults_of_a_file_are_both_named_and_so_are_those_of_its_reader(nucleo: Device, image: MakeImage) -> None:
    app = image((".text", 0x7010_0400, 64), (".pool", 0x9000_0000, 4096), (".itcm", 0x1000_0000, 128))
    broken = Image(app.chunks, app.kind, file=app.file, findings=(finding("E-NO-FILE", "app.elf", reason="test"),))
    assert errors(place([broken], nucleo)) == ["E-NO-FILE", "E-PSRAM", "E-TCM"]


def test_the_faults_of_all_files_are_gathered(nucleo: Device, image: MakeImage) -> None:
    one = image((".ram", 0x3400_0000, 64), file="one.elf")
    two = image((".rom", 0x0800_0000, 64), file="two.elf")
    three = image(("", 0x0710_0400, 64), file="three.bin", kind=Kind.RAW)
    placement = place([one, two, three], nucleo)
    assert [(item.code, item.subject) for item in placement.findings] == [
        ("E-RAM", "one.elf"),
        ("E-ROM", "two.elf"),
        ("E-TYPO-07", "three.bin"),
    ]
    assert "Did you mean 0x70100400?" in placement.findings[2].text


def test_psram_is_told_from_no_psram(nucleo: Device, dk: Device, image: MakeImage) -> None:
    app = image((".pool", 0x9000_0000, 4096))
    assert "NUCLEO-N657X0-Q has none" in place([app], nucleo).findings[0].text
    assert "32 MiB of the STM32N6570-DK" in place([app], dk).findings[0].text


def test_an_elf_linked_for_ram_needs_the_signed_file(nucleo: Device, image: MakeImage) -> None:
    fsbl = image((".isr_vector", 0x3418_0400, VECTORS_FSBL), (".data", 0x341C_0000, 12), file="FSBL.elf")
    app = image((".isr_vector", 0x3400_0400, VECTORS_LRUN), (".data", 0x3406_4000, 12), file="Appli.elf")
    for header in ("auto", "none"):
        placement = place([fsbl, app], nucleo, header=header)
        assert [(item.code, item.subject) for item in placement.findings] == [
            ("E-HDR-NONE", "FSBL.elf"),
            ("E-HDR-NONE", "Appli.elf"),
        ]
        assert not placement.flash
    first, second = placement.findings
    assert "0x70000000 (slot fsbl)" in first.text
    assert "linked for RAM at 0x34180400" in first.text
    assert "0x70100000 (slot app)" in second.text
    assert "linked for RAM at 0x34000400" in second.text
    assert "-trusted.bin" in first.cure


def test_ram_data_without_a_vector_table_is_ram_data(nucleo: Device, image: MakeImage) -> None:
    assert errors(place([image((".data", 0x3400_0400, 64))], nucleo)) == ["E-RAM"]


@pytest.mark.parametrize("address", [0x7000_0000, 0x7004_0000, 0x7010_0000])
def test_data_at_a_boot_slot_is_refused_unless_asked_for(nucleo: Device, image: MakeImage, address: int) -> None:
    blob = image(("", address, b"\x01\x02\x03\x04" * 64), file="Project.bin", kind=Kind.RAW)
    refused = place([blob], nucleo)
    assert errors(refused) == ["E-HDR-NONE"]
    assert "01 02 03 04" in refused.findings[0].text
    assert place([blob], nucleo, header="none").ok


@pytest.mark.parametrize("address", [0x7000_0000 + 4096, 0x7008_0000, 0x7018_0000, 0x7100_0000])
def test_data_anywhere_else_in_the_flash_is_accepted(nucleo: Device, image: MakeImage, address: int) -> None:
    blob = image(("", address, 256), file="weights.raw", kind=Kind.RAW)
    placement = place([blob], nucleo)
    assert placement.ok
    assert placement.flash[0].address == address


def test_signed_images_find_their_places_by_their_entry_points(nucleo: Device, image: MakeImage) -> None:
    fsbl = image(("", None, signed(0x3418_1129)), file="fsbl-trusted.bin", kind=Kind.STM2)
    app = image(("", None, signed(0x3400_0D35)), file="app-trusted.bin", kind=Kind.STM2)
    placement = place([app, fsbl], nucleo)
    assert placement.ok
    assert [(piece.address, piece.slot, piece.origin.file) for piece in placement.flash] == [
        (0x7000_0000, "fsbl", "fsbl-trusted.bin"),
        (0x7010_0000, "app", "app-trusted.bin"),
    ]


def test_an_address_given_by_hand_wins_over_the_header(nucleo: Device, image: MakeImage) -> None:
    fsbl = image(("", 0x7010_0000, signed(0x3418_1129)), file="fsbl.bin", kind=Kind.STM2)
    placement = place([fsbl], nucleo)
    assert placement.ok
    assert placement.flash[0].address == 0x7010_0000
    assert codes(placement) == ["W-HDR-SLOT"]


def test_an_application_where_the_boot_rom_looks_is_refused(nucleo: Device, image: MakeImage) -> None:
    app = image(("", 0x7000_0000, signed(0x3400_0D35)), file="app.bin", kind=Kind.STM2)
    assert errors(place([app], nucleo)) == ["E-HDR-ENTRY"]


def test_a_header_that_does_not_fit_the_silicon_is_refused_once_it_is_known(nucleo: Device, image: MakeImage) -> None:
    fsbl = image(("", None, signed(0x3418_1129)), file="fsbl.bin", kind=Kind.STM2)
    assert place([fsbl], Device(nucleo.board, nucleo.nor, cut="2.3", measured=True)).ok
    old = place([fsbl], Device(nucleo.board, nucleo.nor, cut="2.1", measured=True))
    assert errors(old) == ["E-HDR-VERSION"]


def test_a_signed_image_inside_a_hex_is_checked_too(nucleo: Device, image: MakeImage) -> None:
    good = bytearray(signed(0x3418_1129))
    assert place([image(("", 0x7000_0000, bytes(good)), file="fsbl.hex", kind=Kind.IHEX)], nucleo).ok
    good[0x500] ^= 1
    placement = place([image(("", 0x7000_0000, bytes(good)), file="fsbl.hex", kind=Kind.IHEX)], nucleo)
    assert errors(placement) == ["E-HDR-SUM"]


def test_a_first_stage_of_more_than_512_kib_is_refused_and_of_more_than_256_warned_about(
    nucleo: Device, image: MakeImage
) -> None:
    big = image(("", None, signed(0x3418_1129, body=0x8_0000)), file="big.bin", kind=Kind.STM2)
    assert errors(place([big], nucleo)) == ["E-HDR-SIZE"]
    spill = place([image(("", None, signed(0x3418_1129, body=0x5_0000)), file="f.bin", kind=Kind.STM2)], nucleo)
    assert spill.ok
    assert codes(spill) == ["W-SLOT-SPILL"]
    assert "fsbl-b" in spill.findings[0].text


def test_a_raw_file_without_an_address_is_not_guessed_at(nucleo: Device, image: MakeImage) -> None:
    placement = place([image(("", None, 4096), file="weights.raw", kind=Kind.RAW)], nucleo)
    assert errors(placement) == ["E-NO-ADDRESS"]
    for address in ("0x70180000", "0x70380000", "0x71000000"):
        assert address in placement.findings[0].cure


def test_a_slot_gives_the_address_a_file_lacks(nucleo: Device, image: MakeImage) -> None:
    blob = image(("", None, 4096), file="weights.raw", kind=Kind.RAW)
    placement = place([blob], nucleo, slot="weights")
    assert placement.ok
    assert (placement.flash[0].address, placement.flash[0].slot) == (0x7100_0000, "weights")
    unknown = place([blob], nucleo, slot="wieghts")
    assert errors(unknown) == ["E-SLOT"]
    assert "fsbl, fsbl-b, app, weights" in unknown.findings[0].cure


def test_each_file_may_name_a_slot_of_its_own(nucleo: Device, image: MakeImage) -> None:
    first = replace(image(("", None, 16), file="a.raw", kind=Kind.RAW), slot="weights")
    second = image(("", None, 16), file="b.raw", kind=Kind.RAW)
    placement = place([first, second], nucleo, slot="app", header="none")
    assert [(piece.address, piece.slot) for piece in placement.flash] == [
        (0x7010_0000, "app"),
        (0x7100_0000, "weights"),
    ]
    unknown = place([replace(first, slot="wieghts")], nucleo, slot="app", header="none")
    assert errors(unknown) == ["E-SLOT"]
    assert unknown.findings[0].subject == "wieghts"


def test_what_leaves_the_part_is_refused_with_its_name_and_size(nucleo: Device, dk: Device, image: MakeImage) -> None:
    app = image((".text", 0x7010_0400, 64), (".weights", 0x73FF_FFF0, 17))
    placement = place([app], nucleo)
    assert errors(placement) == ["E-SIZE"]
    text = next(item.text for item in placement.findings if item.is_error)
    for word in (".weights", "0x74000001", "MX25UM51245G", "64 MiB", "0x74000000", "NUCLEO-N657X0-Q"):
        assert word in text
    assert place([image((".weights", 0x73FF_FFF0, 16))], nucleo).ok
    assert place([app], dk).ok


def test_overlapping_bytes_are_refused_with_both_names_and_the_range(nucleo: Device, image: MakeImage) -> None:
    one = image((".text", 0x7020_0000, 0x100), file="one.elf")
    two = image(("", 0x7020_00FF, 0x100), file="two.bin", kind=Kind.RAW)
    placement = place([one, two], nucleo)
    assert errors(placement) == ["E-OVERLAP"]
    found = placement.findings[0]
    assert "one.elf .text and two.bin overlap at 0x702000ff..0x702000ff (1 bytes)" in found.text
    assert "fsbl 0x70000000" in found.cure


def test_the_range_of_an_overlap_goes_with_its_own_bytes(nucleo: Device, image: MakeImage) -> None:
    one = image((".a", 0x7020_0000, 0x100), (".b", 0x7020_1000, 0x100), file="one.elf")
    two = image(("", 0x7020_00F0, 0x1000), file="two.bin", kind=Kind.RAW)
    found = place([one, two], nucleo).findings[0]
    assert "overlap at 0x702000f0..0x702000ff (16 bytes, 256 in all)" in found.text
    assert found.evidence["bytes"] == 16


def test_a_hex_address_written_as_decimal_is_guessed(nucleo: Device, image: MakeImage) -> None:
    placement = place([image(("", 71_000_000, 64), file="weights.raw", kind=Kind.RAW)], nucleo)
    assert errors(placement) == ["E-NOT-FLASH"]
    assert placement.findings[0].cure.startswith("Did you mean 0x71000000? The flash of this board")
    elsewhere = place([image(("", 0x6000_0000, 64), file="weights.raw", kind=Kind.RAW)], nucleo)
    assert elsewhere.findings[0].cure.startswith("The flash of this board")


def test_sharing_a_sector_is_no_overlap(nucleo: Device, image: MakeImage) -> None:
    one = image((".text", 0x7020_0000, 0x100), file="one.elf")
    two = image(("", 0x7020_0100, 0x100), file="two.bin", kind=Kind.RAW)
    placement = place([one, two], nucleo)
    assert placement.ok
    assert [piece.origin.file for piece in placement.flash] == ["one.elf", "two.bin"]


def test_a_short_piece_inside_a_long_one_does_not_hide_the_next_overlap(nucleo: Device, image: MakeImage) -> None:
    long = image(("", 0x7020_0000, 0x1000), file="long.bin", kind=Kind.RAW)
    inner = image(("", 0x7020_0010, 0x10), file="inner.bin", kind=Kind.RAW)
    late = image(("", 0x7020_0800, 0x10), file="late.bin", kind=Kind.RAW)
    found = [item.evidence["second"] for item in place([late, inner, long], nucleo).findings]
    assert found == ["inner.bin", "late.bin"]


def test_a_map_moves_addresses_and_says_so(nucleo: Device, image: MakeImage) -> None:
    app = image((".isr_vector", 0x3400_0400, VECTORS_LRUN), (".text", 0x3400_0440, 64))
    placement = place([app], nucleo, maps=["0x34000000=0x70200000"])
    assert placement.ok
    assert [(piece.address, piece.size, piece.change) for piece in placement.flash] == [
        (0x7020_0400, 64, "moved from 0x34000400"),
        (0x7020_0440, 64, "moved from 0x34000440"),
    ]
    ranged = place([app], nucleo, maps=["0x34000400+0x40=0x70200000"])
    assert [piece.address for piece in ranged.flash] == [0x7020_0000]
    assert errors(ranged) == ["E-RAM"]
    assert "W-MAP-UNUSED" in codes(place([app], nucleo, maps=["0x20000000=0x70200000"]))


@pytest.mark.parametrize(
    "text",
    ["", "0x34000400", "a=b", "0x10-0x8=0x70000000", "0x0+0=0x70000000", "0x0+0x10=0xfffffff8", "0x_=0x70000000"],
)
def test_a_map_that_cannot_be_read_is_a_usage_error(nucleo: Device, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        place([], nucleo, maps=[text])
    assert caught.value.code == "E-MAP"


def test_a_decimal_map_may_have_leading_zeros(nucleo: Device, image: MakeImage) -> None:
    app = image((".isr_vector", 4096, VECTORS_LRUN))
    assert place([app], nucleo, maps=["04096=0x70200000"]).flash[0].address == 0x7020_0000


def test_files_without_bytes_for_the_flash_are_refused(nucleo: Device, image: MakeImage) -> None:
    assert errors(place([image()], nucleo)) == ["E-NOTHING"]


def test_to_run_ram_is_fine_and_flash_still_goes_to_flash(nucleo: Device, image: MakeImage) -> None:
    app = image((".isr_vector", 0x3400_0400, VECTORS_LRUN), (".itcm", 0x1000_0000, 16), (".xip", 0x7020_0000, 16))
    placement = place([app], nucleo, Goal.RUN)
    assert placement.ok
    assert [chunk.address for chunk in placement.ram] == [0x1000_0000, 0x3400_0400]
    assert [piece.address for piece in placement.flash] == [0x7020_0000]
    assert errors(place([image((".big", 0, 3_000_000))], nucleo, Goal.RUN)) == ["E-REGION0"]


def test_large_pieces_are_not_copied(nucleo: Device, image: MakeImage) -> None:
    data = bytes(5 << 20)
    placement = place([image((".text", 0x7010_0400, 64), (".weights", 0x7010_0440, data))], nucleo)
    assert placement.flash[-1].data.obj is data


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 64), st.integers(1, 64)), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_every_byte_arrives_at_its_load_address_or_an_overlap_is_named(nucleo, image, gaps, rng) -> None:  # type: ignore[no-untyped-def]
    base, chunks, wanted = 0x7030_0000, [], {}
    overlap = False
    for number, (address, size) in enumerate(gaps):
        data = bytes(rng.randrange(256) for _ in range(size))
        start = base + address * 8
        overlap |= any(at in wanted for at in range(start, start + size))
        wanted.update(enumerate(data, start))
        chunks.append((f".s{number}", start, data))
    placement = place([image(*chunks)], nucleo)
    assert placement.ok == (not overlap)
    if not overlap:
        got = {}
        for piece in placement.flash:
            for at, value in enumerate(piece.data, piece.address):
                assert at not in got
                got[at] = value
        assert got == wanted
