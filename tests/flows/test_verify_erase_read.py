"""Verify, erase and read, against a chip made by hand."""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from intelhex import IntelHex

from n6prog.errors import FlashFailure, UsageError, VerifyMismatch
from n6prog.findings import finding
from n6prog.flash_algos.mailbox import Status
from n6prog.flows.board import Board
from tests.flows.conftest import AT, Bench, spec
from tests.helpers.fake_chip import SECTOR, FakeLink


def test_verify_of_what_was_flashed_is_ok_and_writes_nothing(bench: Bench, weights: Path) -> None:
    bench.board.flash(spec(weights))
    bench.link.calls.clear()
    report = bench.board.verify(spec(weights))
    assert report.ok
    assert report.bytes.skipped == 150_000
    assert set(bench.link.names()) <= {"n6_open", "n6_serve", "n6_survey", "n6_read", "n6_close"}


def test_verify_names_the_first_flipped_bit(bench: Bench, weights: Path) -> None:
    bench.board.flash(spec(weights))
    bench.link.nor[AT + 70_001] ^= 0x08
    bench.link.nor[AT + 140_000] ^= 0x08
    with pytest.raises(VerifyMismatch) as caught:
        bench.board.verify(spec(weights))
    found = caught.value.findings[0]
    assert caught.value.exit_code == 7
    assert found.evidence["address"] == 0x71000000 + 70_001
    assert (found.evidence["sectors"], found.evidence["checked"]) == (2, 37)
    wanted = weights.read_bytes()[70_001]
    assert found.evidence["wrote"] == f"{wanted:02x}"
    assert found.evidence["read"] == f"{wanted ^ 8:02x}"
    assert "one bit" in found.text
    assert f"wanted {wanted:02x}, read {wanted ^ 8:02x} (1 byte differs in this sector;" in found.text


def test_verify_does_not_care_about_bytes_beside_the_wanted_ones(bench: Bench, weights: Path) -> None:
    bench.board.flash(spec(weights, 0x71000123))
    bench.link.nor[AT] = 0
    bench.link.nor[AT + 0x123 + 150_000] = 0
    assert bench.board.verify(spec(weights, 0x71000123)).ok


def test_verify_sees_a_wrong_byte_in_a_sector_covered_in_part(bench: Bench, weights: Path) -> None:
    bench.board.flash(spec(weights, 0x71000123))
    bench.link.nor[AT + 0x123] ^= 0xFF
    with pytest.raises(VerifyMismatch) as caught:
        bench.board.verify(spec(weights, 0x71000123))
    assert caught.value.findings[0].evidence["address"] == 0x71000123


def test_verify_of_a_blank_flash_says_so(bench: Bench, weights: Path) -> None:
    with pytest.raises(VerifyMismatch, match="all FF"):
        bench.board.verify(spec(weights))


def test_bytes_that_do_not_arrive_as_the_chip_has_them_are_no_mismatch(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "part.bin"
    path.write_bytes(b"part")
    bench.link.program(AT, b"something else" * 10)

    def garble(chip: FakeLink, offset: int, size: int, to: int) -> int:
        chip.write(to, bytes(size))
        return Status.OK

    bench.link.hooks["n6_read"] = garble
    with pytest.raises(FlashFailure) as caught:
        bench.board.verify(spec(path))
    assert caught.value.code == "E-READ"


def test_erase_sets_exactly_the_range_to_ff(bench: Bench) -> None:
    old = bytes([0x5A]) * 0x40000
    bench.link.program(AT, old)
    start, size = 0x1234, 0x2BCDE
    report = bench.board.erase([(0x71000000 + start, size)])
    assert bench.link.nor[AT : AT + start] == old[:start]
    assert bench.link.nor[AT + start : AT + start + size] == b"\xff" * size
    assert bench.link.nor[AT + start + size : AT + 0x40000] == old[start + size :]
    assert report.bytes.wanted == size


def test_erase_inside_one_sector_keeps_both_sides(bench: Bench) -> None:
    bench.link.program(AT, b"\x11" * SECTOR)
    bench.board.erase(["0x71000010+16"])
    assert bench.link.nor[AT : AT + SECTOR] == b"\x11" * 16 + b"\xff" * 16 + b"\x11" * (SECTOR - 32)


def test_overlapping_ranges_count_once(bench: Bench) -> None:
    bench.link.program(AT, b"\x11" * 0x4000)
    report = bench.board.erase([(0x71001000, 0x2000), (0x71000000, 0x2000)])
    assert report.bytes.wanted == 0x3000
    assert bench.link.nor[AT : AT + 0x4000] == b"\xff" * 0x3000 + b"\x11" * 0x1000


def test_blank_sectors_are_not_erased_again(bench: Bench) -> None:
    bench.link.program(AT + 0x3000, b"\x11")
    bench.board.erase([(0x71000000, 0x40000)])
    assert [args for name, args in bench.link.calls if name == "n6_erase"] == [(AT + 0x3000, SECTOR)]


def test_chip_erase_surveys_the_whole_part(bench: Bench) -> None:
    bench.link.program(0x3FFF000, b"last sector")
    report = bench.board.erase(chip=True)
    assert bench.link.nor == b"\xff" * 0x4000000
    assert report.bytes.erased == 0x4000000
    assert sum(args[1] for name, args in bench.link.calls if name == "n6_survey") == 0x4000


@pytest.mark.parametrize("chip", [True, False])
def test_erase_that_did_nothing_is_a_mismatch(bench: Bench, chip: bool) -> None:
    bench.link.program(AT, b"stays")
    bench.link.hooks["EraseChip"] = bench.link.hooks["n6_erase"] = lambda *_: Status.OK
    with pytest.raises(VerifyMismatch):
        bench.board.erase([] if chip else [(0x71000000, 0x1000)], chip=chip)
    assert bench.last("end").data["exit_code"] == 7


@pytest.mark.parametrize(
    "ranges",
    [[(0x74000000, 0x1000)], [(0x73FFF000, 0x2000)], [(0x34000000, 0x1000)], [(0x71000000, 0)], ["0x71000000"], []],
)
def test_range_that_is_no_flash_is_refused_before_the_probe_is_opened(bench: Bench, ranges: list[object]) -> None:
    with pytest.raises(UsageError):
        bench.board.erase(ranges)  # type: ignore[arg-type]
    assert bench.opened == 0
    assert bench.types() == ["begin", "error", "end"]


def test_dry_erase_changes_nothing(bench: Bench) -> None:
    bench.link.program(AT, b"stays")
    assert bench.board.erase([(0x71000000, 0x1000)], dry_run=True).dry_run
    assert bench.link.nor[AT : AT + 5] == b"stays"


def test_read_gives_the_bytes_and_their_digest(bench: Bench) -> None:
    content = random.Random(4).randbytes(0x120000)
    bench.link.program(AT, content)
    assert bench.board.read(0x71000007, 0x110000) == content[7 : 7 + 0x110000]
    (piece,) = bench.last("end").data["pieces"]  # type: ignore[misc]
    assert piece["sha256"] == hashlib.sha256(content[7 : 7 + 0x110000]).hexdigest()


def test_read_of_ram_does_not_start_the_loader(bench: Bench) -> None:
    bench.link.write(0x34000400, b"vectors")
    assert bench.board.read(0x34000400, 7) == b"vectors"
    assert bench.link.calls == []


@pytest.mark.parametrize(
    ("address", "size"), [(0x90000000, 4), (0x60000000, 4), (0x3E000000, 4), (0x58000000, 4), (0x343FFFFF, 2)]
)
def test_read_of_what_may_hang_the_bus_is_refused(bench: Bench, address: int, size: int) -> None:
    with pytest.raises(UsageError):
        bench.board.read(address, size)
    assert bench.opened == 0


@pytest.mark.parametrize(("name", "fmt"), [("out.bin", ""), ("out.HEX", ""), ("out.dat", "hex"), ("out.hex", "bin")])
def test_read_to_writes_the_format_that_is_asked_for(bench: Bench, tmp_path: Path, name: str, fmt: str) -> None:
    content = random.Random(5).randbytes(0x12000)
    bench.link.program(AT, content)
    path = tmp_path / name
    bench.board.read_to(path, 0x71000010, 0x11000, fmt)
    if (fmt or path.suffix.lower()[1:]) == "hex":
        book = IntelHex(str(path))
        assert book.segments() == [(0x71000010, 0x71011010)]
        assert book.tobinstr(start=0x71000010, size=0x11000) == content[0x10:0x11010]
    else:
        assert path.read_bytes() == content[0x10:0x11010]


def test_read_that_fails_leaves_the_old_file_and_no_other(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    path.write_bytes(b"old")
    bench.link.hooks["n6_read"] = lambda *_: Status.TIMEOUT
    with pytest.raises(FlashFailure):
        bench.board.read_to(path, 0x71000000, 0x1000)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_file_that_cannot_be_written_is_told_before_the_probe_is_opened(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        bench.board.read_to(tmp_path / "none" / "out.bin", 0x71000000, 0x1000)
    assert caught.value.code == "E-NO-WRITE"
    with pytest.raises(UsageError):
        bench.board.read_to(tmp_path / "out.bin", 0x71000000, 0x1000, "elf")
    assert bench.opened == 0


def test_info_tells_board_probe_and_flash(bench: Bench) -> None:
    info = bench.board.info()
    assert (info.nor, info.nor_size, info.jedec) == ("MX25UM51245G", 0x4000000, bytes.fromhex("C2803A"))
    assert (info.cut, info.header, info.swd_clock_hz) == ("rev B", "2.3", 8_000_000)
    assert info.sfdp_ok
    assert bench.board.device.measured
    assert bench.types() == ["begin", "plan", "end"]


SLOW = finding("W-SWD-CLOCK", "probe", granted="1 MHz", reason="8 MHz: two reads differ")
FLOWS: dict[str, Callable[[Board, Path], object]] = {
    "info": lambda board, file: board.info(),
    "flash": lambda board, file: board.flash(f"{file}@0x71000000"),
    "verify": lambda board, file: board.verify(f"{file}@0x71000000"),
    "read": lambda board, file: board.read_to(file.with_suffix(".out"), 0x71000000, 0x1000),
    "read RAM": lambda board, file: board.read_to(file.with_suffix(".out"), 0x34000000, 0x1000),
    "erase": lambda board, file: board.erase([(0x72000000, 0x1000)]),
}


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("fails", [False, True])
def test_what_the_link_has_to_say_is_told_once_by_every_flow(
    make_bench: Callable[..., Bench], tmp_path: Path, flow: str, fails: bool
) -> None:
    bench = make_bench(findings=(SLOW,))
    file = tmp_path / "w.bin"
    file.write_bytes(b"w" * 5000)
    bench.link.program(AT, file.read_bytes())
    if fails:
        bench.link.hooks["n6_open"] = lambda *_: Status.TIMEOUT
    with contextlib.suppress(FlashFailure):
        FLOWS[flow](bench.board, file)
    end = bench.last("end").data
    assert end["ok"] is (not fails or flow == "read RAM")
    assert [found["code"] for found in end["findings"]].count("W-SWD-CLOCK") == 1  # type: ignore[attr-defined]
    warnings = [event.data["code"] for event in bench.events if event.type == "warning"]
    assert warnings == ["W-SWD-CLOCK"]
