"""Files that cannot work are refused by `check` and by `flash` alike, every fault named, nothing written."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.helpers.cli import BOARD, Bench, n6prog
from tests.helpers.files import DEMO_ELF

pytestmark = pytest.mark.e2e


def elf(sections: list[tuple[str, int, bytes]], machine: int = 40, bits: int = 1) -> bytes:
    """An executable with these allocated sections (name, address, content), each in a PT_LOAD of its own."""
    names = b"\0.shstrtab\0" + b"".join(name.encode() + b"\0" for name, _, _ in sections)
    at = 52 + 32 * len(sections)
    body, programs, headers = b"", b"", bytes(40)
    for name, address, content in sections:
        programs += struct.pack("<8I", 1, at, address, address, len(content), len(content), 5, 4)
        headers += struct.pack("<10I", names.index(name.encode() + b"\0"), 1, 2, address, at, len(content), 0, 0, 4, 0)
        body += content
        at += len(content)
    headers += struct.pack("<10I", 1, 3, 0, 0, at, len(names), 0, 0, 1, 0)
    at += len(names)
    ident = b"\x7fELF" + bytes([bits, 1, 1]) + bytes(9)
    start = sections[0][1] if sections else 0
    head = ident + struct.pack(
        "<HHIIIIIHHHHHH",
        2,
        machine,
        1,
        start,
        52,
        at,
        0,
        52,
        32,
        len(sections),
        40,
        len(sections) + 2,
        len(sections) + 1,
    )
    return head + programs + body + names + headers


VECTORS = struct.pack("<8I", 0x34100000, 0x70100421, *[0x70100441] * 6)
XIP = (".text", 0x70100400, VECTORS + bytes(512))


def bad_hex() -> bytes:
    return b":020000047100898\n:020000047100\n".replace(b"898", b"89") + b":0400000001020304F3\n:00000001FF\n"


CASES: dict[str, tuple[dict[str, bytes], list[str]]] = {
    "section at 0": ({"a.elf": elf([XIP, (".weights", 0, bytes(300_000))])}, ["E-REGION0"]),
    "section in TCM": ({"a.elf": elf([XIP, (".itcm", 0x1000_0100, bytes(64))])}, ["E-TCM"]),
    "section in PSRAM": ({"a.elf": elf([XIP, (".pool", 0x9000_0000, bytes(64))])}, ["E-PSRAM"]),
    "beyond the part": ({"a.elf": elf([XIP, (".far", 0x73FF_FFF0, bytes(64))])}, ["E-SIZE"]),
    "x86-64": ({"a.elf": elf([XIP], machine=62, bits=2)}, ["E-MACHINE"]),
    "truncated ELF": ({"a.elf": elf([XIP])[:300]}, ["E-ELF"]),
    "bad checksum": ({"a.hex": bad_hex()}, ["E-HEX-CHECKSUM"]),
    "two faults": (
        {"a.elf": elf([XIP, (".weights", 0, bytes(300_000)), (".pool", 0x9000_0000, bytes(64))])},
        ["E-REGION0", "E-PSRAM"],
    ),
}


def refused(bench: Bench, files: list[Path], codes: list[str]) -> None:
    bench.fill(0x7100_0000, b"keep me")
    before = bench.nor()
    checked = n6prog("check", *files, "--board", BOARD)
    flashed = bench.run("flash", *files)
    for outcome in (checked, flashed):
        assert outcome.code == 8, outcome.text
        for code in codes:
            assert code in outcome.text, (code, outcome.text)
    assert bench.nor() == before


@pytest.mark.parametrize("case", CASES)
def test_a_file_that_cannot_work_is_refused(tmp_path: Path, case: str) -> None:
    contents, codes = CASES[case]
    files = []
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        files.append(tmp_path / name)
    refused(Bench(tmp_path / "board"), files, codes)


def test_two_files_that_overlap_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(bytes(16))
    checked = n6prog("check", DEMO_ELF, f"{other}@0x70100410", "--board", BOARD)
    assert checked.code == 8
    assert "E-OVERLAP" in checked.text
    bench = Bench(tmp_path / "board")
    assert bench.run("flash", DEMO_ELF, f"{other}@0x70100410").code == 8
    assert not bench.nor_file.exists()  # refused before any probe was opened


@pytest.mark.parametrize("name", ["LoadAndRun_FSBL.elf", "LoadAndRun_Appli.elf"])
def test_an_elf_for_ram_without_boot_header_is_refused(tmp_path: Path, data: Path, name: str) -> None:
    refused(Bench(tmp_path / "board"), [data / name], ["E-HDR-NONE"])


def test_the_seed_case_names_section_size_linker_warning_and_what_it_is_not(tmp_path: Path) -> None:
    file = tmp_path / "run-9_Appli.elf"
    file.write_bytes(elf([XIP, (".xspi1_pool", 0, bytes(3_324_000))]))
    text = n6prog("check", file).text
    for part in ("E-REGION0", ".xspi1_pool", "0x00000000", "not declared"):
        assert part in text, (part, text)


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    outcome = n6prog("check", tmp_path / "no.elf")
    assert outcome.code == 2
    assert "no.elf" in outcome.err
