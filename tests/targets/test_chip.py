"""The memory map as a table."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from n6prog.targets import chip


@pytest.mark.parametrize(
    ("address", "kind", "name"),
    [
        # stm32n657xx.h and the pack
        (0x0000_0000, "itcm", "ITCM"),
        (0x1000_0000, "itcm", "ITCM"),
        (0x0700_0000, "typo07", None),
        (0x0800_0000, "bootrom", "boot ROM"),
        (0x1801_FFFF, "bootrom", "boot ROM"),
        (0x2000_0000, "dtcm", "DTCM"),
        (0x2400_0000, "flexram", "FLEXRAM"),
        (0x3406_3FFF, "flexram", "FLEXRAM"),
        (0x3406_4000, "axisram", "AXISRAM1"),
        (0x3410_0000, "axisram", "AXISRAM2"),
        (0x341F_FFFF, "axisram", "AXISRAM2"),
        (0x3420_0000, "axisram", "AXISRAM3"),
        (0x343B_FFFF, "axisram", "AXISRAM6"),
        (0x343C_0000, "npuram", "NPU cache RAM"),
        (0x3440_0000, "vencram", "VENCRAM"),
        (0x3800_0000, "ahbsram", "AHBSRAM1"),
        (0x3C00_0000, "bkpsram", "BKPSRAM"),
        (0x5602_8000, "peripheral", "peripherals"),
        (0x6000_0000, "fmc", "FMC"),
        (0x7000_0000, "nor", "XSPI2"),
        (0x7FFF_FFFF, "nor", "XSPI2"),
        (0x8000_0000, "xspi3", "XSPI3"),
        (0x9000_0000, "psram", "XSPI1"),
        (0xE000_ED00, "ppb", "private peripherals"),
    ],
)
def test_what_lies_where(address: int, kind: str, name: str | None) -> None:
    region = chip.region_at(address)
    assert region is not None
    assert region.kind == kind
    assert name is None or region.name == name


@pytest.mark.parametrize("address", [0x0004_0000, 0x0802_0000, 0x3E00_0000, 0x3442_0000, 0xA000_0000, 0xFFFF_FFFF])
def test_holes_hold_nothing(address: int) -> None:
    assert chip.region_at(address) is None


def test_regions_do_not_overlap_and_ascend() -> None:
    for low, high in itertools.pairwise(chip.REGIONS):
        assert low.end <= high.start


def test_every_secure_region_lies_0x10000000_above_its_twin() -> None:
    secure = [region for region in chip.REGIONS if region.secure_alias_of is not None]
    assert len(secure) == 16
    for region in secure:
        assert region.secure_alias_of is not None
        twin = chip.region_at(region.secure_alias_of)
        assert twin is not None
        assert (twin.start + 0x1000_0000, twin.size, twin.kind) == (region.start, region.size, region.kind)


@given(st.integers(0, 0xFFFF_FFFF))
def test_region_at_agrees_with_a_plain_search(address: int) -> None:
    found = [region for region in chip.REGIONS if region.start <= address < region.start + region.size]
    assert chip.region_at(address) == (found[0] if found else None)


def test_the_loader_lies_in_axisram1_clear_of_the_boot_rom() -> None:
    blocks = [
        (chip.LOADER_BASE, chip.LOADER_SIZE),
        (chip.LOADER_STACK_TOP - chip.LOADER_STACK_SIZE, chip.LOADER_STACK_SIZE),
        (chip.LOADER_PARAMS, chip.LOADER_PARAMS_SIZE),
        (chip.LOADER_BUFFER, chip.LOADER_BUFFER_SIZE),
        (chip.LOADER_KEEP, chip.LOADER_KEEP_SIZE),
        (chip.LOADER_TABLE, chip.LOADER_TABLE_SIZE),
    ]
    for (start, size), (following, _) in itertools.pairwise(blocks):
        assert start + size <= following
    assert blocks[-1][0] + blocks[-1][1] == chip.LOADER_END
    for start, size in blocks:
        for address in (start, start + size - 1):
            region = chip.region_at(address)
            assert region is not None
            assert region.name == "AXISRAM1"


@pytest.mark.parametrize(
    ("words", "cut", "letter", "header"),
    [
        ((0x100, 0), "1.0", "Z", "2.1"),
        ((0x101, 0), "1.1", "Z", "2.1"),
        ((0x200, 0), "2.0", "B", "2.3"),
        ((0xDEAD, 0x200), "2.0", "B", "2.3"),
    ],
)
def test_revision_words_name_the_cut_and_its_header(words: tuple[int, int], cut: str, letter: str, header: str) -> None:
    found = chip.cut_of(*words)
    assert found is not None
    assert (found.name, found.letter, found.header) == (cut, letter, header)


def test_an_unknown_revision_word_is_no_cut() -> None:
    assert chip.cut_of(0x1000, 0xFFFF_FFFF) is None
