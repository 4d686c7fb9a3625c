"""ELF files: sections at their load addresses, judged by readelf and objcopy; broken ones by hand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n6prog.image import Image, Kind, read, read_elf
from tests.helpers.elfmaker import ALLOC, NOBITS, OBJECT, WRITE, X86_64, Section, make_elf
from tests.helpers.files import DEMO_ELF

REAL = ["xip_Appli.elf", "LoadAndRun_FSBL.elf", "LoadAndRun_Appli.elf"]
TEXT = Section(".text", 0x70100400, b"\x00\x00\x10\x34" + bytes(range(60)))
DATA = Section(".data", 0x34000000, b"initial values!!", lma=0x70100440, flags=ALLOC | WRITE)


def codes(image: Image) -> list[str]:
    return [found.code for found in image.findings]


def pieces(image: Image) -> dict[int, bytes]:
    assert all(chunk.address is not None for chunk in image.chunks)
    return {chunk.address: bytes(chunk.data) for chunk in image.chunks if chunk.address is not None}


def test_sections_lie_at_the_physical_address_of_their_segment() -> None:
    image = read_elf(make_elf(TEXT, DATA, entry=0x70100421), "a.elf")
    assert image.findings == ()
    assert (image.kind, image.entry, image.machine) == (Kind.ELF, 0x70100421, "Arm")
    assert pieces(image) == {0x70100400: TEXT.data, 0x70100440: DATA.data}
    text, data = image.chunks
    assert text.run_address is None
    assert data.run_address == 0x34000000
    assert (data.origin.file, data.origin.section) == ("a.elf", ".data")


def test_only_allocated_sections_with_bytes_count() -> None:
    image = read_elf(
        make_elf(
            TEXT,
            Section(".bss", 0x34000100, claims=4096, type=NOBITS),
            Section(".debug_info", 0, b"x" * 100, flags=0, segment=False),
            Section(".empty", 0x20000000, b""),
            Section(".undeclared", 0, claims=1 << 20, type=NOBITS),
        ),
        "a.elf",
    )
    assert pieces(image) == {0x70100400: TEXT.data}
    assert image.findings == ()


def test_the_elf_header_inside_the_first_segment_is_not_taken() -> None:
    content = make_elf(TEXT, header_in_first_segment=0x400)
    assert pieces(read_elf(content, "a.elf")) == {0x70100400: TEXT.data}


def test_without_section_headers_segments_are_taken_but_never_the_elf_header() -> None:
    content = make_elf(TEXT, DATA, header_in_first_segment=0x400, section_headers=False)
    image = read_elf(content, "a.elf")
    assert codes(image) == ["W-ELF-NO-SECTIONS"]
    assert pieces(image) == {0x70100400: TEXT.data, 0x70100440: DATA.data}


def test_a_section_in_no_segment_is_taken_where_it_runs_and_that_is_said() -> None:
    image = read_elf(make_elf(Section(".lost", 0x70108000, b"abcd", segment=False), TEXT), "a.elf")
    assert codes(image) == ["W-ELF-NO-SEGMENT"]
    assert image.findings[0].evidence["section"] == ".lost"
    assert pieces(image)[0x70108000] == b"abcd"


def test_a_section_that_runs_elsewhere_within_one_load_region_lies_where_the_region_does() -> None:
    """What armlink writes: one PT_LOAD a load region, with the sections of all its execution regions in it."""
    image = read_elf(
        make_elf(
            Section("ER_ROM", 0x70100400, bytes(64), tail=16),
            Section("RW_RAM", 0x34000000, b"initial values!!", segment=False),
        ),
        "a.axf",
    )
    assert image.findings == ()
    assert [(c.address, c.run_address) for c in image.chunks] == [(0x70100400, None), (0x70100440, 0x34000000)]


def test_physical_addresses_that_were_never_filled_in_are_not_zero() -> None:
    image = read_elf(
        make_elf(Section(".a", 0x70100400, b"abcd", lma=0), Section(".b", 0x70200400, b"efgh", lma=0)), "a.elf"
    )
    assert pieces(image) == {0x70100400: b"abcd", 0x70200400: b"efgh"}
    alone = read_elf(make_elf(Section(".a", 0x70100400, b"abcd", lma=0)), "a.elf")
    assert pieces(alone) == {0: b"abcd"}  # objcopy believes a single zero
    seed = read_elf(make_elf(TEXT, Section(".pool", 0, b"efgh")), "a.elf")
    assert pieces(seed) == {0x70100400: TEXT.data, 0: b"efgh"}


def test_another_machine_is_named() -> None:
    for content, name in (
        (make_elf(TEXT, machine=X86_64, bits=64), "64-bit x86-64"),
        (make_elf(TEXT, machine=183, bits=64), "64-bit AArch64"),
        (make_elf(TEXT, machine=243), "32-bit RISC-V"),
        (make_elf(TEXT, big_endian=True), "32-bit big-endian Arm"),
        (make_elf(TEXT, machine=9999), "32-bit machine 9999"),
    ):
        image = read_elf(content, "a.elf")
        assert codes(image) == ["E-MACHINE"]
        assert name in image.findings[0].text
        assert image.chunks == ()


def test_an_object_file_is_not_a_program() -> None:
    image = read_elf(make_elf(TEXT, type=OBJECT), "a.o")
    assert codes(image) == ["E-ELF-TYPE"]
    assert "object file" in image.findings[0].text


def test_every_fault_of_a_file_is_told() -> None:
    content = make_elf(
        Section(".end", 0xFFFF_FFF0, bytes(64)),
        Section(".lost", 0x70108000, b"abcd", segment=False),
        TEXT,
        Section(".cut", 0x70200000, b"abcd", claims=5000),
    )
    image = read_elf(content, "a.elf")
    assert sorted(codes(image)) == ["E-ELF-ADDRESS", "E-ELF-TRUNCATED", "W-ELF-NO-SEGMENT"]
    cut = next(f for f in image.findings if f.code == "E-ELF-TRUNCATED")
    assert ".cut" in cut.text
    assert cut.evidence["size"] == len(content)
    both = read_elf(make_elf(Section(".cut", 0, b"x", claims=5000), machine=X86_64, bits=64), "a.elf")
    assert codes(both) == ["E-MACHINE", "E-ELF-TRUNCATED"]


def test_an_elf_cut_anywhere_is_refused() -> None:
    content = make_elf(TEXT, DATA)
    for size in range(4, len(content)):
        image = read_elf(content[:size], "a.elf")
        assert any(f.is_error and f.code.startswith("E-ELF-") for f in image.findings), size


def test_an_elf_that_lost_its_end_still_shows_where_it_wanted_to_go() -> None:
    content = make_elf(TEXT, Section(".pool", 0, bytes(300)))
    image = read_elf(content[:-8], "a.elf")  # the section headers are the last thing in the file
    assert codes(image) == ["E-ELF-TRUNCATED"]
    assert 0 in pieces(image)
    image = read_elf(content[:-100], "a.elf")  # now the row of .pool is gone too
    assert codes(image) == ["E-ELF-TRUNCATED"]
    assert 0 in pieces(image)


def test_nothing_to_program_is_refused() -> None:
    assert codes(read_elf(make_elf(Section(".bss", 0x34000000, claims=64, type=NOBITS)), "a.elf")) == ["E-ELF-EMPTY"]


def test_sections_that_share_file_bytes_are_refused() -> None:
    shared = [Section(f".s{n}", 0x70100000 + n * 0x1000, b"", claims=900, offset=0) for n in range(30)]
    image = read_elf(make_elf(Section(".text", 0x70100000, bytes(1000)), *shared), "a.elf")
    assert "E-ELF-SHARED" in codes(image)
    assert image.chunks == ()


def test_section_names_cannot_write_to_the_terminal() -> None:
    image = read_elf(make_elf(Section("\x1b[2Jx", 0x70100400, b"abcd")), "a.elf")
    assert image.chunks[0].origin.section == "?[2Jx"


def test_headers_by_the_tens_of_thousands_are_refused_by_their_number() -> None:
    import struct

    content = bytearray(make_elf(TEXT))
    content += struct.pack("<8I", 1, 0, 0x70100400, 0x70100400, 4, 4, 5, 4) * 60_000
    programs = len(content) - 60_000 * 32
    sections = len(content)
    content += struct.pack("<10I", 0, 1, 2, 0x70100400, 0, 4, 0, 0, 4, 0) * 60_000
    struct.pack_into("<II", content, 28, programs, sections)
    struct.pack_into("<H", content, 44, 60_000)
    struct.pack_into("<H", content, 48, 60_000)
    image = read_elf(bytes(content), "a.elf")
    assert codes(image) == ["E-ELF-HEADER", "E-ELF-HEADER"]
    assert len(image.findings) < 50


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=12),
    st.integers(0, 700),
    st.booleans(),
)
def test_a_mutated_elf_never_raises_and_never_claims_more_than_the_file(
    changes: list[tuple[int, int]], cut: int, wide: bool
) -> None:
    content = bytearray(make_elf(TEXT, DATA, Section(".x", 0x70200000, b"y" * 99), bits=64 if wide else 32))
    for offset, value in changes:
        content[offset % len(content)] = value
    data = bytes(content[: max(0, len(content) - cut)])
    image = read_elf(data, "a.elf")
    assert image.size <= len(data)
    assert len(image.findings) < 100
    assert image.chunks or any(f.is_error for f in image.findings)


@settings(max_examples=100)
@given(st.binary(max_size=400))
def test_garbage_behind_the_magic_never_raises(tail: bytes) -> None:
    read_elf(b"\x7fELF\x01\x01\x01" + tail, "a.elf")


def test_a_broken_section_that_is_not_programmed_costs_nothing() -> None:
    """pyelftools' Section objects raise for each of these; only their headers are read."""
    symtab, symbol_hash, compressed = 2, 5, 0x800
    broken = [
        Section(".symtab", 0, b"x" * 7, type=symtab, flags=0, segment=False),  # sh_link 0 is no string table
        Section(".hash", 0, b"x", type=symbol_hash, flags=0, segment=False),
        Section(".debug_line", 0, b"", claims=3, flags=compressed, offset=1 << 30, segment=False),
    ]
    image = read_elf(make_elf(TEXT, *broken), "a.elf")
    assert image.findings == ()
    assert pieces(image) == {0x70100400: TEXT.data}


def test_an_allocated_section_marked_compressed_is_taken_as_it_stands() -> None:
    packed = Section(".packed", 0x70100400, b"no header of a compressed section", flags=ALLOC | 0x800)
    assert pieces(read_elf(make_elf(packed), "a.elf")) == {0x70100400: packed.data}


def test_a_name_without_an_end_is_cut_off() -> None:
    content = make_elf(Section("n" * 5000, 0x70100400, b"abcd"))
    assert read_elf(content, "a.elf").chunks[0].origin.section == "n" * 64
    elsewhere = bytearray(make_elf(Section(".text", 0x70100400, b"abcd")))
    elsewhere[50:52] = b"\xfe\xff"  # e_shstrndx: no such section
    image = read_elf(bytes(elsewhere), "a.elf")
    assert (image.findings, image.chunks[0].origin.section) == ((), "?")


@pytest.mark.parametrize("kind", ["ELFParseError", "ConstructError", "UnicodeDecodeError", "OverflowError"])
def test_what_pyelftools_cannot_read_is_a_finding(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    from elftools.common.exceptions import ELFParseError
    from elftools.construct import ConstructError

    faults = [ELFParseError("x"), ConstructError("x"), UnicodeDecodeError("utf-8", b"x", 0, 1, "x"), OverflowError("x")]
    fault = next(f for f in faults if type(f).__name__ == kind)

    def refuse(stream: object) -> None:
        raise fault

    monkeypatch.setattr("elftools.elf.elffile.ELFFile", refuse)
    image = read_elf(make_elf(TEXT), "a.elf")
    assert (codes(image), image.chunks) == (["E-ELF-HEADER"], ())


def test_pyelftools_and_intelhex_are_loaded_only_for_a_file_that_needs_them() -> None:
    program = (
        "import sys, n6prog.image as i; i.read_elf(b'no', 'a'); i.read_ihex(b':00000001FF', 'a');"
        "sys.exit(bool({'elftools', 'intelhex'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=Path(__file__).parents[2]).returncode == 0


def readelf_pieces(path: Path) -> dict[int, bytes]:
    """Load address -> bytes of every allocated section that is stored in the file, by what readelf prints."""
    text = subprocess.run(["arm-none-eabi-readelf", "-SlW", path], check=True, capture_output=True, text=True).stdout
    number = r"\s+0x([0-9a-f]+)"
    loads = [
        [int(n, 16) for n in m] for m in re.findall(rf"^  LOAD{number}{number}{number}{number}", text, re.MULTILINE)
    ]
    row = re.compile(
        r"^  \[ *\d+\] (\S+) +(\S+) +([0-9a-f]{8}) ([0-9a-f]+) ([0-9a-f]+) [0-9a-f]{2} +([A-Z]*)", re.MULTILINE
    )
    content, pieces = path.read_bytes(), {}
    for _, kind, _, *numbers, flags in row.findall(text):
        offset, size = (int(n, 16) for n in numbers)
        if "A" in flags and kind != "NOBITS" and size:
            start, _, stored, _ = next(s for s in loads if s[0] <= offset and offset + size <= s[0] + s[3])
            pieces[stored + offset - start] = content[offset : offset + size]
    return pieces


@pytest.mark.needs("arm-none-eabi-readelf")
@pytest.mark.parametrize("name", REAL)
def test_real_files_hold_what_readelf_says(data: Path, name: str) -> None:
    image = read(data / name)
    assert image.findings == ()
    assert pieces(image) == readelf_pieces(data / name)


@pytest.mark.needs("arm-none-eabi-readelf")
def test_the_demo_holds_what_readelf_says() -> None:
    assert len(pieces(read(DEMO_ELF))) > 0
    assert pieces(read(DEMO_ELF)) == readelf_pieces(DEMO_ELF)


@pytest.mark.needs("arm-none-eabi-objcopy")
@pytest.mark.parametrize("name", ["", *REAL])
def test_real_files_become_what_objcopy_makes_of_them(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    source = request.getfixturevalue("data") / name if name else DEMO_ELF
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", source, tmp_path / "a.bin"], check=True)
    binary, held = (tmp_path / "a.bin").read_bytes(), pieces(read(source))
    first = min(held)
    assert len(binary) == max(address - first + len(content) for address, content in held.items())
    for address, content in held.items():
        assert binary[address - first :][: len(content)] == content


def test_initialised_data_of_the_xip_sample_is_stored_behind_the_code(data: Path) -> None:
    chunk = next(c for c in read(data / "xip_Appli.elf").chunks if c.origin.section == ".data")
    assert (chunk.address, chunk.size, chunk.run_address, chunk.origin.offset) == (0x7010BD64, 0x68, 0x34000000, 0xC000)


@pytest.mark.needs("arm-none-eabi-objcopy")
def test_an_elf_becomes_what_objcopy_makes_of_it(tmp_path: Path) -> None:
    source = tmp_path / "a.elf"
    source.write_bytes(make_elf(TEXT, DATA, Section(".far", 0x70101000, b"far away")))
    binary = tmp_path / "a.bin"
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", source, binary], check=True)
    for address, content in pieces(read(source)).items():
        start = address - 0x70100400
        assert binary.read_bytes()[start : start + len(content)] == content
    assert len(binary.read_bytes()) == 0x1008 - 0x400  # nothing in it that we do not see


@pytest.mark.needs("arm-none-eabi-gcc")
def test_a_section_sent_to_an_undeclared_region_is_seen_at_address_zero(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text(
        '__attribute__((section(".xspi1"))) const unsigned w[9] = {1};\nvoid start(void) { for (;;) ; }\n'
    )
    (tmp_path / "a.ld").write_text(
        "MEMORY { ROM (rx) : ORIGIN = 0x70100400, LENGTH = 1M }\nENTRY(start)\n"
        "SECTIONS { .text : { *(.text*) } > ROM\n .xspi1 : { KEEP(*(.xspi1)) } > XSPI1\n }\n"
    )
    elf = tmp_path / "run-9_Appli.elf"
    subprocess.run(
        ["arm-none-eabi-gcc", "-mcpu=cortex-m33", "-mthumb", "-nostdlib", "-T", "a.ld", "a.c", "-o", elf],
        check=True,
        cwd=tmp_path,
        capture_output=True,
    )
    image = read(elf)
    pool = next(chunk for chunk in image.chunks if chunk.origin.section == ".xspi1")
    assert (pool.address, pool.size) == (0, 36)
