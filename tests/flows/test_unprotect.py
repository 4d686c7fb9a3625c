"""--unprotect, against a chip made by hand: only when it is asked for, only where a bit is set, and told."""

from __future__ import annotations

from pathlib import Path

import pytest

from n6prog.errors import FlashFailure
from n6prog.flash_algos.mailbox import Status
from tests.flows.conftest import Bench

AT = 0x71000000


@pytest.fixture
def weights(tmp_path: Path) -> str:
    path = tmp_path / "weights.bin"
    path.write_bytes(bytes(range(1, 101)))
    return f"{path}@{AT:#x}"


def test_protection_is_cleared_before_anything_is_written(bench: Bench, weights: str) -> None:
    bench.link.sr = 0x3C
    report = bench.board.flash(weights, unprotect=True)
    assert report.ok
    told = {found.code: found for found in report.findings}["W-UNPROTECTED"]
    assert told.evidence == {"bp": "1111", "before": "0x3c", "after": "0x00"}
    names = bench.link.names()
    assert names.index("n6_unprotect") < names.index("n6_write_block")


def test_an_erase_can_do_it_too(bench: Bench) -> None:
    bench.link.sr = 0x04
    bench.link.nor[0x1000:0x2000] = bytes(0x1000)
    report = bench.board.erase([(0x7000_1000, 0x1000)], unprotect=True)
    assert [found.evidence["bp"] for found in report.findings if found.code == "W-UNPROTECTED"] == ["0001"]
    assert bench.link.nor[0x1000:0x2000] == b"\xff" * 0x1000


@pytest.mark.parametrize(("sr", "options"), [(0x3C, {}), (0x00, {"unprotect": True}), (0xC3, {"unprotect": True})])
def test_it_is_not_done_unasked_nor_where_no_bit_is_set(
    bench: Bench, weights: str, sr: int, options: dict[str, bool]
) -> None:
    bench.link.sr = sr
    report = bench.board.flash(weights, **options)
    assert "n6_unprotect" not in bench.link.names()
    assert "W-UNPROTECTED" not in {found.code for found in report.findings}


def test_a_dry_run_leaves_the_bits(bench: Bench, weights: str) -> None:
    bench.link.sr = 0x3C
    bench.board.flash(weights, unprotect=True, dry_run=True)
    bench.board.erase([(AT, 0x1000)], unprotect=True, dry_run=True)
    assert bench.link.sr == 0x3C


@pytest.mark.parametrize("status", [Status.PROTECTED, Status.OK])
def test_bits_that_stay_are_a_failure_before_anything_is_written(bench: Bench, weights: str, status: int) -> None:
    bench.link.sr = 0x14
    bench.link.hooks["n6_unprotect"] = lambda *_: status
    with pytest.raises(FlashFailure) as caught:
        bench.board.flash(weights, unprotect=True)
    assert caught.value.code == "E-UNPROTECT"
    evidence = caught.value.findings[0].evidence
    assert (evidence["bp"], evidence["sr"], evidence["rdid"]) == ("0101", "0x14", "C2 80 3A")
    assert "n6_write_block" not in bench.link.names()


def test_a_register_write_that_does_not_end_is_told_as_that(bench: Bench, weights: str) -> None:
    bench.link.sr = 0x3C
    bench.link.hooks["n6_unprotect"] = lambda *_: Status.TIMEOUT
    with pytest.raises(FlashFailure) as caught:
        bench.board.flash(weights, unprotect=True)
    assert caught.value.code == "E-FLASH-BUSY"
