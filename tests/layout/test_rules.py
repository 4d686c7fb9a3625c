"""The table of address rules covers the whole memory map, and says of each region what users are told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n6prog.findings import TABLE
from n6prog.layout.rules import RULES, TO_FLASH, TO_RAM, Place, rule_for
from n6prog.layout.types import Goal
from n6prog.targets.chip import REGIONS


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: f"{region.name} {region.start:#x}")
def test_every_region_of_the_map_has_a_rule_at_both_ends(region: object) -> None:
    for address in (region.start, region.end - 1):  # type: ignore[attr-defined]
        assert rule_for(Place(address)).kind == region.kind  # type: ignore[attr-defined]


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from(Goal))
def test_every_address_gets_a_verdict(address: int, from_zero: bool, goal: Goal) -> None:
    verdict = rule_for(Place(address, from_zero)).verdict(goal)
    assert verdict in (TO_FLASH, TO_RAM) or verdict in TABLE


def test_every_refusal_is_an_error_in_the_table_of_findings() -> None:
    for rule in RULES:
        for verdict in (rule.flash, rule.run):
            assert verdict in (TO_FLASH, TO_RAM) or TABLE[verdict].exit_code == 8


@pytest.mark.parametrize(
    ("address", "verdict"),
    [
        (0x7000_0000, TO_FLASH),
        (0x7FFF_FFFF, TO_FLASH),
        (0x0000_0400, "E-TCM"),
        (0x1000_0000, "E-TCM"),
        (0x2000_0000, "E-TCM"),
        (0x3000_0000, "E-TCM"),
        (0x3400_0000, "E-RAM"),
        (0x2400_0400, "E-RAM"),
        (0x3417_FFFF, "E-RAM"),
        (0x3418_03FF, "E-RAM"),
        (0x3418_0400, "E-HDR-NONE"),
        (0x341F_FFFF, "E-HDR-NONE"),
        (0x2418_0400, "E-HDR-NONE"),
        (0x3420_0000, "E-RAM"),
        (0x343B_FFFF, "E-RAM"),
        (0x3800_0000, "E-RAM"),
        (0x3C00_0000, "E-RAM"),
        (0x3440_0000, "E-RAM"),
        (0x9000_0000, "E-PSRAM"),
        (0x9FFF_FFFF, "E-PSRAM"),
        (0x8000_0000, "E-NOT-FLASH"),
        (0x6000_0000, "E-NOT-FLASH"),
        (0x0800_0000, "E-ROM"),
        (0x1801_FFFF, "E-ROM"),
        (0x0700_0000, "E-TYPO-07"),
        (0x07FF_FFFF, "E-TYPO-07"),
        (0x4002_0000, "E-NOT-FLASH"),
        (0x5602_8000, "E-NOT-FLASH"),
        (0xE000_ED00, "E-NOT-FLASH"),
        (0x3E00_0000, "E-NOT-FLASH"),
    ],
)
def test_what_a_load_address_means_for_flash(address: int, verdict: str) -> None:
    assert rule_for(Place(address)).flash == verdict


def test_bytes_that_go_on_from_zero_are_an_undeclared_region_also_beyond_the_itcm() -> None:
    assert rule_for(Place(0, from_zero=True)).flash == "E-REGION0"
    assert rule_for(Place(0x10_0000, from_zero=True)).flash == "E-REGION0"


def test_a_vector_table_at_the_load_and_run_base_makes_ram_bytes_an_application() -> None:
    vectors = frozenset({0x3400_0400})
    assert rule_for(Place(0x3400_0400, vectors=vectors)).slot == "app"
    assert rule_for(Place(0x3410_0000, vectors=vectors)).slot == "app"
    assert rule_for(Place(0x3418_0400, vectors=vectors)).slot == "fsbl"
    assert rule_for(Place(0x3400_0400, vectors=frozenset({0x3400_0000}))).flash == "E-RAM"
