"""Faults of wire, probe, power and NOR through the command line: never exit code 0 with a flash that is wrong."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from tests.helpers.cli import NOR_BASE, Bench, expected_nor, n6prog, same
from tests.helpers.files import DEMO_ELF, elf_pieces

pytestmark = pytest.mark.e2e
DONE, UNREACHABLE, FLASH, MISMATCH = 0, 5, 6, 7


def same_pieces(bench: Bench) -> None:
    """The flash holds the file; what a broken run left beside it is nobody's business."""
    content = bench.nor()
    for address, piece in elf_pieces(DEMO_ELF).items():
        offset = address - NOR_BASE
        same(content[offset : offset + len(piece)], piece)


@pytest.mark.parametrize(
    ("link", "fault", "codes"),
    [
        ("cmsis-dap", "flip:1e-4", {DONE, UNREACHABLE}),
        ("stlink", "double-flip:1e-4", {DONE, UNREACHABLE, FLASH, MISMATCH}),
        ("stlink", "repeat@#2000", {DONE, UNREACHABLE, FLASH, MISMATCH}),
        ("stlink", "unplug@#2000", {DONE, UNREACHABLE}),
        ("cmsis-dap", "unplug@#2000", {DONE, UNREACHABLE}),
        ("cmsis-dap", "hang@100ms", {DONE, UNREACHABLE}),
    ],
)
def test_a_bad_link_is_coped_with_or_an_error_and_the_next_run_mends_it(
    tmp_path: Path, link: str, fault: str, codes: set[int]
) -> None:
    bench = Bench(tmp_path / "board")
    done = bench.run("flash", DEMO_ELF, probe_options=f",link={link},fault={fault}")
    assert done.code in codes, done.text
    if done.code == DONE:
        same_pieces(bench)
    assert bench.run("flash", DEMO_ELF, probe_options=f",link={link}").code == 0
    same_pieces(bench)


@pytest.mark.parametrize("fault", ["max-clock:3300k", "left-8d", "left-dpd", "wait@#3000:5"])
def test_what_a_programmer_has_to_cope_with_is_coped_with(tmp_path: Path, fault: str) -> None:
    bench = Bench(tmp_path / "board")
    done = bench.run("flash", DEMO_ELF, "--json", probe_options=f",fault={fault}")
    assert done.code == 0, done.text
    assert fault != "max-clock:3300k" or int(str(done.end["swd_clock_hz"])) <= 3_300_000
    same(bench.nor(), expected_nor(elf_pieces(DEMO_ELF)))


@pytest.mark.parametrize("fault", ["mid-erase:0x100000", "left-suspended:0x100000"])
def test_a_nor_found_at_work_is_flashed_all_the_same(tmp_path: Path, fault: str) -> None:
    bench = Bench(tmp_path / "board")
    assert bench.run("flash", DEMO_ELF, probe_options=f",fault={fault}").code == 0
    same_pieces(bench)


@pytest.mark.parametrize("fault", ["stuck-wip", "no-vddio3", "fail-program:0x100000"])
def test_a_nor_that_does_not_work_is_an_error(tmp_path: Path, fault: str) -> None:
    assert Bench(tmp_path / "board").run("flash", DEMO_ELF, probe_options=f",fault={fault}").code == FLASH


@pytest.mark.parametrize(
    ("fault", "at_stake", "doubt"),
    [
        # 0x100 bytes into a sector of a block, and up to 0x100 bytes into a sector of the next but one
        ("fail-program:0x1000000", [0x7100_0000], 0x7100_0000),
        ("fail-program:0x1020000", [0x7102_0000], 0x7102_0000),
        ("fail-program:0x1010000", [], 0x7101_0000),
        ("fail-erase:0x1000000", [0x7100_0000], 0x7100_0000),
    ],
)
def test_what_nobody_asked_for_and_may_be_lost_is_told_and_all_else_survives(
    tmp_path: Path, fault: str, at_stake: list[int], doubt: int
) -> None:
    rng = random.Random(5)
    start, old, new = 0x7100_0000, rng.randbytes(0x3_0000), rng.randbytes(0x2_0000)
    file = tmp_path / "new.bin"
    file.write_bytes(new)
    bench = Bench(tmp_path / "board")
    bench.fill(start, old)
    done = bench.run("flash", f"{file}@{start + 0x100:#x}", "--json", probe_options=f",fault={fault}")
    assert done.code == FLASH, done.text
    warnings = {item["data"]["code"]: item["data"] for item in done.events if item["type"] == "warning"}
    assert warnings["W-DOUBT"]["evidence"]["start"] == doubt
    told = warnings.get("W-AT-STAKE", {"text": "", "evidence": {}})
    assert [int(place, 16) for place in re.findall("0x[0-9a-f]{8}", told["text"])] == at_stake
    assert told["evidence"].get("address") == (at_stake[0] if at_stake else None)
    assert not at_stake or "not asked for" in told["text"]
    held = bench.nor()[start - NOR_BASE :]
    assert held[0x2_1000 : len(old)] == old[0x2_1000:]  # the same block, and right already
    assert start in at_stake or held[:0x100] == old[:0x100]
    assert 0x7102_0000 in at_stake or held[0x2_0100:0x2_1000] == old[0x2_0100:0x2_1000]


def test_what_is_at_stake_when_the_power_goes_is_told(tmp_path: Path) -> None:
    """Which of the blocks on their way the chip has begun is not known then."""
    rng = random.Random(6)
    file = tmp_path / "new.bin"
    file.write_bytes(rng.randbytes(0x1_0000))
    bench = Bench(tmp_path / "board")
    bench.fill(0x7100_0000, rng.randbytes(0x3_0000))
    done = bench.run("flash", f"{file}@0x71000100", "--json", probe_options=",fault=power-cut@400ms")
    assert done.code == UNREACHABLE, done.text
    warnings = {item["data"]["code"]: item["data"] for item in done.events if item["type"] == "warning"}
    assert warnings["W-DOUBT"]["evidence"]["start"] == 0x7100_0000
    assert re.findall("0x[0-9a-f]{8}", warnings["W-AT-STAKE"]["text"]) == ["0x71000000", "0x71010000"]


def test_a_board_that_lost_its_power_stays_off_until_it_is_switched_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "board")
    bench.fill(0x7010_0000, bytes(0x1_0000))  # so that there is something to erase
    assert bench.run("flash", DEMO_ELF, probe_options=",fault=power-cut@400ms").code == UNREACHABLE
    assert bench.run("verify", DEMO_ELF).code == UNREACHABLE
    assert "power         off" in n6prog("sim", "inspect", bench.folder).out
    assert n6prog("sim", "power", bench.folder, "on").code == 0
    assert bench.run("flash", DEMO_ELF).code == 0
    same_pieces(bench)


@pytest.mark.parametrize("options", [",link=stlink", ",link=cmsis-dap,schedule=eager,fault=max-clock:3300k"])
def test_the_same_run_takes_the_same_virtual_time(tmp_path: Path, options: str) -> None:
    """Whatever the hash seed, the process and the folder's name."""
    ends = []
    for name, hash_seed in (("one", "1"), ("another", "2")):
        done = Bench(tmp_path / name).run(
            "flash", DEMO_ELF, "--json", probe_options=options, env={"PYTHONHASHSEED": hash_seed}
        )
        assert done.code == 0, done.text
        ends.append((done.end["virtual_seconds"], done.end["bytes"], (tmp_path / name / "ram.bin").read_bytes()))
    assert ends[0] == ends[1]


def test_a_wrong_fault_is_a_usage_error() -> None:
    done = n6prog("flash", DEMO_ELF, "--probe", "sim:nucleo-n657x0-q,state=none,fault=unplugg@1s")
    assert done.code == 2
    assert "did you mean unplug?" in done.err
