"""The speed table: its limits by hand, and that it tells what is too slow."""

from __future__ import annotations

import pytest
import speed_table
from speed.cases import Case, all_cases, wire


def by_name(start: str) -> Case:
    """The one case whose name starts so."""
    (found,) = [case for case in all_cases() if case.name.startswith(start)]
    return found


def test_wire_time_is_46_clocks_a_word() -> None:
    assert wire(4 << 20, 8_000_000) == pytest.approx(6.029312)  # 1048576 words * 46 / 8 MHz


@pytest.mark.parametrize(
    ("start", "floor", "limit"),
    [
        # 64 blocks * 256 ms + 16384 pages * 152 us; the wire is quicker at both clocks
        ("4 MiB onto other content, 8 MHz", 18.874368, 19.8180864),
        ("4 MiB onto other content, 24 MHz", 18.874368, 19.8180864),
        ("4 MiB onto blank flash, 8 MHz", 6.029312, 6.75282944),
        ("4 MiB onto blank flash, 24 MHz", 2.490368, 3.2374784),
    ],
)
def test_limits_follow_from_sfdp_times_and_the_wire(start: str, floor: float, limit: float) -> None:
    case = by_name(start)
    assert case.floor == pytest.approx(floor)
    assert case.limit == pytest.approx(limit)


def test_a_figure_above_what_was_promised_or_kept_is_too_slow() -> None:
    name = by_name("4 MiB unchanged").name
    fine = {"stlink": {name: {"n6prog": 0.30, "pyOCD 4K": 9.0}}}
    assert speed_table._slow(fine, {}) == []
    assert speed_table._slow(fine, {"stlink": {name: {"n6prog": 0.2999}}}) == []
    (worse,) = speed_table._slow(fine, {"stlink": {name: {"n6prog": 0.25}}})
    assert "kept" in worse
    (slow,) = speed_table._slow({"stlink": {name: {"n6prog": 0.36}}}, {})
    assert "promised" in slow
    (ratio,) = speed_table._slow({"stlink": {name: {"n6prog": 0.34, "pyOCD 4K": 5.0}}}, {})
    assert "best other" in ratio
