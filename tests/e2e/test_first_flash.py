"""An ELF becomes verified bytes in the NOR of a simulated board, through the command line."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.helpers.cli import NOR_BASE, Bench, expected_nor, same
from tests.helpers.elfmaker import Section, make_elf
from tests.helpers.files import DEMO_ELF, elf_pieces, hex_pieces
from tests.helpers.stm2maker import make_stm2, vectors

pytestmark = pytest.mark.e2e


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "board, one")  # a comma in the path is written %2C


def flip_bit(bench: Bench, address: int) -> None:
    old = bench.nor()[address - NOR_BASE]
    bench.poke(address, bytes([old ^ 0x10]))


def test_an_elf_is_flashed_exactly_then_found_unchanged_then_verified_and_read_back(
    bench: Bench, tmp_path: Path
) -> None:
    pieces = elf_pieces(DEMO_ELF)
    done = bench.run("flash", DEMO_ELF)
    assert done.code == 0, done.text
    same(bench.nor(), expected_nor(pieces))

    again = bench.run("flash", DEMO_ELF, "--json")
    assert again.code == 0, again.text
    counted = again.end["bytes"]
    assert counted["programmed"] == counted["erased"] == counted["sent"] == 0  # type: ignore[index]
    assert counted["skipped"] == counted["wanted"] == sum(map(len, pieces.values()))  # type: ignore[index]
    assert "unchanged" in bench.run("flash", DEMO_ELF).text

    assert bench.run("verify", DEMO_ELF).code == 0
    address = min(pieces)
    out = tmp_path / "back.bin"
    assert bench.run("read", f"{address:#x}+0x100", "-o", out).code == 0
    assert out.read_bytes() == bytes(expected_nor(pieces)[address - NOR_BASE :][:0x100])

    flip_bit(bench, address + 5)
    broken = bench.run("verify", DEMO_ELF)
    assert broken.code == 7, broken.text
    assert f"{address + 5:#x}" in broken.text.lower().replace("_", "")
    assert bench.run("flash", DEMO_ELF).code == 0
    same(bench.nor(), expected_nor(pieces))


def test_a_real_elf_for_execution_in_place(bench: Bench, data: Path) -> None:
    elf = data / "xip_Appli.elf"
    pieces = elf_pieces(elf)
    assert 0x7010BD64 in pieces  # .data, stored behind the code and run at 0x34000000
    done = bench.run("flash", elf)
    assert done.code == 0, done.text
    content = bench.nor()
    same(content, expected_nor(pieces))
    assert content[0x100000:0x100400] == b"\xff" * 0x400  # nothing of the ELF header in front of the vectors
    assert bench.run("flash", elf, "--json").end["bytes"]["programmed"] == 0  # type: ignore[index]
    assert bench.run("verify", elf).code == 0
    flip_bit(bench, 0x7010BD64)
    assert bench.run("verify", elf).code == 7


def test_weights_and_boot_loader_in_one_command(bench: Bench, data: Path) -> None:
    files = [data / "nucleo_network_data.hex", data / "ai_fsbl.hex"]
    done = bench.run("flash", *files)
    assert done.code == 0, done.text
    same(bench.nor(), expected_nor({k: v for file in files for k, v in hex_pieces(file).items()}))
    assert bench.run("verify", *files).code == 0


@pytest.mark.parametrize(
    ("name", "address"), [("LoadAndRun_FSBL-trusted.bin", 0x7000_0000), ("LoadAndRun_Appli-trusted.bin", 0x7010_0000)]
)
def test_a_signed_image_finds_its_place_by_its_header(bench: Bench, data: Path, name: str, address: int) -> None:
    done = bench.run("flash", data / name)
    assert done.code == 0, done.text
    same(bench.nor(), expected_nor({address: (data / name).read_bytes()}))
    assert bench.run("verify", data / name).code == 0


def test_three_megabytes_of_weights_at_an_address(bench: Bench, tmp_path: Path) -> None:
    weights = tmp_path / "weights.bin"
    weights.write_bytes(random.Random(3).randbytes(3 << 20))
    done = bench.run("flash", f"{weights}@0x71000000")
    assert done.code == 0, done.text
    same(bench.nor(), expected_nor({0x7100_0000: weights.read_bytes()}))
    assert bench.run("verify", f"{weights}@0x7100_0000").code == 0


@pytest.mark.parametrize("mode", ["changed", "all-touched"])
def test_bytes_that_were_not_asked_for_survive(bench: Bench, tmp_path: Path, mode: str) -> None:
    block = 0x7102_0000
    old = random.Random(4).randbytes(2 * 65536)
    bench.fill(block, old)
    part = tmp_path / "part.bin"
    part.write_bytes(random.Random(5).randbytes(61440 + 777))
    start = block + 4096 + 1234
    done = bench.run("flash", f"{part}@{start:#x}", "--erase", mode)
    assert done.code == 0, done.text
    wanted = expected_nor({block: old, start: part.read_bytes()})
    same(bench.nor(), wanted)


def test_chip_erase_leaves_nothing_but_what_was_asked_for(bench: Bench, tmp_path: Path) -> None:
    bench.fill(0x7300_0000, b"old" * 1000)
    part = tmp_path / "part.bin"
    part.write_bytes(b"new" * 1000)
    done = bench.run("flash", f"{part}@0x71000000", "--erase", "chip")
    assert done.code == 0, done.text
    same(bench.nor(), expected_nor({0x7100_0000: part.read_bytes()}))


def test_the_dk_has_its_own_part_and_all_of_it_can_be_written(tmp_path: Path) -> None:
    dk = Bench(tmp_path / "dk", "stm32n6570-dk")
    top = tmp_path / "top.bin"
    top.write_bytes(random.Random(6).randbytes(5000))
    done = dk.run("flash", f"{top}@0x77FFE000", "--board", "stm32n6570-dk")
    assert done.code == 0, done.text
    assert "MX66UW1G45G" in done.text
    content = dk.nor()
    assert len(content) == 128 << 20
    assert content[0x7FFE000:][:5000] == top.read_bytes()


def test_erase_gives_back_blank_sectors_and_spares_the_neighbours(bench: Bench) -> None:
    bench.fill(0x7100_0000, b"\x00" * 0x40000)
    done = bench.run("erase", "0x71010000+68K")
    assert done.code == 0, done.text
    wanted = expected_nor({0x7100_0000: b"\x00" * 0x10000, 0x7102_1000: b"\x00" * 0x1F000})
    same(bench.nor(), wanted)


def test_a_dry_run_writes_nothing(bench: Bench) -> None:
    bench.fill(0x7010_0400, b"\x55" * 5000)
    before = bench.nor()
    done = bench.run("flash", DEMO_ELF, "--dry-run")
    assert done.code == 0, done.text
    same(bench.nor(), before)


def test_the_end_event_tells_what_a_script_needs(bench: Bench) -> None:
    end = bench.run("flash", DEMO_ELF, "--json", "-f", "8M").end
    assert end["ok"] is True
    assert end["exit_code"] == 0
    assert end["swd_clock_hz"] == 8_000_000
    assert end["virtual_seconds"] > 0  # type: ignore[operator]
    assert {"seconds", "code", "bytes", "pieces"} <= end.keys()
    for piece in end["pieces"]:  # type: ignore[attr-defined]
        assert {"name", "start", "length", "sha256"} <= piece.keys()


def test_the_granted_clock_is_shown_not_the_wanted_one(bench: Bench) -> None:
    done = bench.run("flash", DEMO_ELF, "-f", "9M")  # a V3 rounds down to a step it has
    assert done.code == 0
    assert "8 MHz" in done.text
    assert "9 MHz" not in done.text


def test_a_first_stage_gets_its_header_on_the_way(bench: Bench, tmp_path: Path) -> None:
    """An ELF linked for RAM is what a build leaves; the signing tool is a step that many forget."""
    program = vectors(0x34200000, 0x34180501, 160)
    elf = tmp_path / "fsbl.elf"
    elf.write_bytes(make_elf(Section(".isr_vector", 0x34180400, program)))
    assert bench.run("flash", elf).code == 8
    done = bench.run("flash", elf, "--header", "2.3")
    assert done.code == 0, done.text
    assert "header 2.3 added" in done.text
    same(bench.nor(), expected_nor({0x70000000: make_stm2(program)}))
    assert bench.run("verify", elf, "--header", "2.3").code == 0
    wrong = bench.run("flash", elf, "--header", "2.1")  # this board has silicon cut 2.0
    assert wrong.code == 8
    assert "E-HDR-VERSION" in wrong.text
