"""Flashing, against a chip made by hand: what is written, what is proved, what is told."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from n6prog.errors import FlashFailure, ImageRefused, TargetUnreachable, UsageError, VerifyMismatch
from n6prog.flash_algos.mailbox import Status
from tests.flows.conftest import AT, Bench, spec
from tests.helpers.fake_chip import SECTOR, FakeLink
from tests.helpers.files import DEMO_ELF


def test_first_run_writes_all_and_second_run_nothing(bench: Bench, weights: Path) -> None:
    data = weights.read_bytes()
    first = bench.board.flash(spec(weights))
    assert bench.link.nor[AT : AT + len(data)] == data
    assert first.ok
    assert (first.bytes.wanted, first.bytes.skipped) == (150_000, 0)
    assert first.bytes.sent == 37 * SECTOR  # 150000 / 4096 = 36.6
    before = bench.link.names().count("n6_write_block")
    second = bench.board.flash(spec(weights))
    assert bench.link.names().count("n6_write_block") == before
    assert (second.bytes.sent, second.bytes.skipped, second.bytes.programmed) == (0, 150_000, 0)
    assert [piece.changed for piece in second.pieces] == [0]


def test_only_sectors_that_differ_travel(bench: Bench, weights: Path) -> None:
    bench.board.flash(spec(weights))
    bench.link.nor[AT + 5 * SECTOR + 7] ^= 1
    report = bench.board.flash(spec(weights))
    assert report.bytes.sent == SECTOR
    assert report.pieces[0].sectors == 37
    assert report.pieces[0].changed == 1
    assert bench.link.nor[AT : AT + 150_000] == weights.read_bytes()


def test_bytes_of_a_sector_that_were_not_asked_for_survive(bench: Bench, tmp_path: Path) -> None:
    old = random.Random(2).randbytes(0x30000)
    bench.link.program(AT, old)
    small = tmp_path / "small.bin"
    small.write_bytes(b"small" * 20)
    for mode in ("changed", "all-touched"):
        bench.board.flash(spec(small, 0x70000000 + AT + 0x11123), erase=mode)
        assert bench.link.nor[AT : AT + 0x11123] == old[:0x11123]
        assert bench.link.nor[AT + 0x11123 : AT + 0x11123 + 100] == b"small" * 20
        assert bench.link.nor[AT + 0x11123 + 100 : AT + 0x30000] == old[0x11123 + 100 :]


def test_all_touched_writes_what_is_right_already(bench: Bench, weights: Path) -> None:
    bench.board.flash(spec(weights))
    report = bench.board.flash(spec(weights), erase="all-touched")
    assert report.bytes.sent == 37 * SECTOR
    assert report.bytes.erased == 37 * SECTOR


def test_chip_mode_erases_first_and_leaves_the_rest_blank(bench: Bench, weights: Path) -> None:
    bench.link.program(0, b"old" * 5000)
    report = bench.board.flash(spec(weights), erase="chip")
    names = bench.link.names()
    assert names.index("EraseChip") < names.index("n6_survey")
    assert bench.link.nor[:15000] == b"\xff" * 15000
    assert bench.link.nor[AT : AT + 150_000] == weights.read_bytes()
    assert report.bytes.erased >= bench.link.size


def test_chip_erase_that_left_something_is_not_believed(bench: Bench, weights: Path) -> None:
    bench.link.program(AT, b"old" * 5000)
    bench.link.hooks["EraseChip"] = lambda *_: Status.OK
    with pytest.raises(VerifyMismatch) as caught:
        bench.board.flash(spec(weights), erase="chip")
    assert caught.value.code == "E-NOT-BLANK"


def test_dry_run_plans_and_writes_nothing(bench: Bench, weights: Path) -> None:
    for mode in ("changed", "all-touched", "chip"):
        report = bench.board.flash(spec(weights), erase=mode, dry_run=True)
        assert report.dry_run
        assert report.bytes.sent == 0
    assert set(bench.link.names()) == {"n6_open", "n6_serve", "n6_survey", "n6_close"}
    plan = bench.last("plan").data
    assert plan["bytes"]["sent"] == 37 * SECTOR  # type: ignore[index]
    bench.board.flash(spec(weights), after="halt", dry_run=True)
    assert not {"reset", "halt"} & set(bench.link.log)


def test_refused_file_never_opens_the_probe(bench: Bench, weights: Path) -> None:
    with pytest.raises(ImageRefused):
        bench.board.flash(spec(weights, 0x70000000 + bench.link.size - 1000))
    assert bench.opened == 0
    assert bench.types() == ["begin", "error", "end"]
    assert bench.last("end").data["exit_code"] == 8


def test_absent_file_is_a_usage_error_and_never_opens_the_probe(bench: Bench) -> None:
    with pytest.raises(UsageError):
        bench.board.flash("no-such-file.bin@0x71000000")
    assert bench.opened == 0
    assert bench.last("end").data["exit_code"] == 2


@pytest.mark.parametrize("options", [{"erase": "everything"}, {"after": "run"}, {"after": "dance"}])
def test_unknown_option_is_refused_before_the_probe_is_opened(
    bench: Bench, weights: Path, options: dict[str, str]
) -> None:
    with pytest.raises(UsageError):
        bench.board.flash(spec(weights), **options)  # type: ignore[arg-type]
    assert bench.opened == 0


def test_events_tell_the_whole_run_and_end_comes_last(bench: Bench, weights: Path) -> None:
    report = bench.board.flash(spec(weights))
    assert bench.types() == ["begin", "progress", "plan", "region", "progress", "end"]
    for event in bench.events:
        json.loads(event.as_json())
    end = bench.last("end").data
    assert end["ok"] is True
    assert (end["exit_code"], end["code"], end["swd_clock_hz"]) == (0, None, 8_000_000)
    assert end["seconds"] == report.seconds
    assert end["virtual_seconds"] is None
    assert set(end["bytes"]) == {"wanted", "sent", "erased", "programmed", "skipped"}  # type: ignore[call-overload]
    (piece,) = end["pieces"]  # type: ignore[misc]
    assert (piece["start"], piece["length"]) == (0x71000000, 150_000)
    assert piece["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    done = [event.data for event in bench.events if event.type == "progress" and event.data["phase"] == "write"]
    assert [item["done"] for item in done] == [0, 65536, 131072, 151552]
    assert {item["total"] for item in done} == {151552}


def test_final_pass_is_left_out_only_when_asked(bench: Bench, weights: Path) -> None:
    bench.board.flash(spec(weights))
    assert bench.link.names()[-2:] == ["n6_survey", "n6_close"]
    bench.link.nor[AT] ^= 0xFF
    bench.link.calls.clear()
    bench.board.flash(spec(weights), verify=False)
    assert bench.link.names()[-2:] == ["n6_write_block", "n6_close"]


@pytest.mark.parametrize("verify", [True, False])
def test_dropped_page_is_a_mismatch_even_without_the_final_pass(bench: Bench, weights: Path, verify: bool) -> None:
    program = bench.link.program

    def drop(offset: int, data: bytes) -> None:
        program(offset, data)
        if offset == AT + 3 * SECTOR:
            program(offset + 0x200, b"\xff" * 256)

    bench.link.program = drop  # type: ignore[method-assign]
    with pytest.raises(VerifyMismatch) as caught:
        bench.board.flash(spec(weights), verify=verify)
    found = caught.value.findings[0]
    assert found.code == "E-VERIFY"
    assert found.evidence["address"] == 0x71000000 + 3 * SECTOR + 0x200
    assert "lost" in found.text
    assert bench.last("end").data["exit_code"] == 7


def test_flash_that_changes_after_it_was_written_is_caught_by_the_final_pass(bench: Bench, weights: Path) -> None:
    def decay(chip: FakeLink, job: int, out: int) -> int:
        status = chip.n6_write_block(job, out)
        chip.nor[AT + 9] ^= 0x40
        return status

    bench.link.hooks["n6_write_block"] = decay
    with pytest.raises(VerifyMismatch, match="one bit"):
        bench.board.flash(spec(weights))


def test_changed_neighbour_is_told_as_such(bench: Bench, tmp_path: Path) -> None:
    small = tmp_path / "small.bin"
    small.write_bytes(b"x" * SECTOR)

    def careless(chip: FakeLink, job: int, out: int) -> int:
        chip.nor[AT + 0xF123] = 0
        return chip.n6_write_block(job, out)

    bench.link.hooks["n6_write_block"] = careless
    with pytest.raises(VerifyMismatch) as caught:
        bench.board.flash(spec(small))
    assert caught.value.code == "E-NEIGHBOUR"
    assert caught.value.findings[0].evidence["address"] == 0x7100F000


def test_chip_that_complains_although_all_digests_are_right_is_not_believed(bench: Bench, weights: Path) -> None:
    def complain(chip: FakeLink, job: int, out: int) -> int:
        chip.n6_write_block(job, out)
        chip.write(out, chip.result(AT, Status.MISMATCH))
        return Status.MISMATCH

    bench.link.hooks["n6_write_block"] = complain
    with pytest.raises(FlashFailure, match="not what was wanted"):
        bench.board.flash(spec(weights))


def test_failure_of_the_flash_ends_with_its_code(bench: Bench, weights: Path) -> None:
    def no_wel(chip: FakeLink, job: int, out: int) -> int:
        chip.write(out, chip.result(AT, Status.WEL_NOT_SET))
        return Status.WEL_NOT_SET

    bench.link.hooks["n6_write_block"] = no_wel
    with pytest.raises(FlashFailure):
        bench.board.flash(spec(weights))
    end = bench.last("end").data
    assert (end["ok"], end["exit_code"], end["code"]) == (False, 6, "E-WEL")
    assert bench.last("error").data["code"] == "E-WEL"
    assert bench.events[-1].type == "end"


def test_defect_of_our_own_still_ends_with_an_end_event(bench: Bench, weights: Path) -> None:
    def broken(*_: object) -> int:
        raise RuntimeError("boom")

    bench.link.hooks["n6_survey"] = broken
    with pytest.raises(RuntimeError):
        bench.board.flash(spec(weights))
    assert bench.last("end").data["code"] == "E-INTERNAL"


@pytest.mark.parametrize(
    ("after", "log"), [("reset", ["prepare", "reset"]), ("halt", ["prepare", "halt"]), ("none", ["prepare"])]
)
def test_after(bench: Bench, weights: Path, after: str, log: list[str]) -> None:
    bench.board.flash(spec(weights), after=after)
    assert bench.link.log == log
    assert bench.link.names()[-1] == "n6_close"


def test_other_part_than_the_profile_says_is_used_with_a_warning(
    make_bench: Callable[..., Bench], weights: Path
) -> None:
    # hw-flash 1: the 1 Gbit part of the DK answers C2 81 3B
    bench = make_bench(size=0x8000000, jedec=bytes.fromhex("C2813B"))
    report = bench.board.flash(spec(weights))
    assert [found.code for found in report.findings if found.severity == "warning"] == ["E-WRONGPART"]
    assert bench.board.device.nor.name == "MX66UW1G45G"
    assert bench.link.nor_setup.size == 0x8000000
    assert bench.last("warning").data["code"] == "E-WRONGPART"


def test_smaller_part_than_the_profile_says_refuses_what_does_not_fit(
    make_bench: Callable[..., Bench], weights: Path
) -> None:
    bench = make_bench("stm32n6570-dk")
    with pytest.raises(ImageRefused):
        bench.board.flash(spec(weights, 0x75000000))
    assert "n6_write_block" not in bench.link.names()


def test_unknown_part_without_sfdp_is_refused(make_bench: Callable[..., Bench], weights: Path) -> None:
    bench = make_bench(jedec=b"\x12\x34\x56")
    with pytest.raises(FlashFailure) as caught:
        bench.board.flash(spec(weights))
    assert caught.value.code == "E-NOR-UNKNOWN"
    assert bench.last("end").data["exit_code"] == 6


@pytest.mark.parametrize("options", [{"slot": "foo"}, {"maps": ["0x34000000=x"]}, {"at": "0x71000000"}])
def test_mistake_in_the_options_is_a_usage_error_also_when_placement_finds_it(
    bench: Bench, weights: Path, options: dict[str, str]
) -> None:
    file = f"{DEMO_ELF}@{options.pop('at')}" if "at" in options else spec(weights)
    with pytest.raises(UsageError) as caught:
        bench.board.flash(file, **options)  # type: ignore[arg-type]
    assert caught.value.exit_code == 2
    assert bench.last("end").data["exit_code"] == 2


def test_flash_that_is_done_does_not_fail_because_the_chip_cannot_be_reset(
    bench: Bench, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed() -> None:
        raise TargetUnreachable.of("E-AP1-CLOSED", "probe")

    monkeypatch.setattr(bench.link, "reset", closed)
    report = bench.board.flash(spec(weights))
    assert report.ok
    (found,) = report.findings
    assert found.code == "W-AFTER"
    assert "verified" in found.text
    assert "could not be reset" in found.text
    assert bench.last("warning").data["code"] == "W-AFTER"


def test_what_the_simulated_board_catches_in_the_reset_is_still_a_failure(
    bench: Bench, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tripped() -> None:
        raise FlashFailure.of("E-SIM-TRIPWIRE", "probe", reason="3.3 V rail set to 1.8 V")

    monkeypatch.setattr(bench.link, "reset", tripped)
    with pytest.raises(FlashFailure):
        bench.board.flash(spec(weights))


def test_estimate_is_the_survey_and_the_slower_of_wire_and_flash(
    make_bench: Callable[..., Bench], weights: Path
) -> None:
    # 150000 bytes from the start of a block: 37 sectors in 3 blocks, 11 sectors beside them. A sector takes 4096 bytes
    # at 32 Mbit/s and 0.13 ms of digest: 1.154 ms; each block is read twice. MX25UM51245G: 152 us a page (586 of them).
    flash = 586 * 152e-6 + 2 * 48 * 1.154e-3
    for clock, wire in ((8_000_000, 37 * 1024 * 46 / 8e6), (24_000_000, 37 * 1024 * 46 / 24e6)):
        bench = make_bench(swd_clock_hz=clock)
        estimate = bench.board.flash(spec(weights), dry_run=True).estimated_seconds
        assert estimate == pytest.approx(48 * 1.154e-3 + max(wire, flash), rel=0.01)
