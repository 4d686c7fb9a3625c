"""ELF by its allocated sections.

Sections and not segments, because a segment may hold what is no program: GNU ld puts the ELF header itself into the
first segment of images that start 0x400 above an aligned address, which every image for this chip does.

The layouts of all headers, their enumerations, classes and byte orders are pyelftools'. It is given only what was
checked first: tables that lie inside the file, with rows of the right size. Only headers come from it: its Section and
Segment objects follow links and read content as they are made, and a broken symbol table must not cost the program.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from n6prog.image.collect import Collector
from n6prog.image.types import Chunk, Cleared, Image, Kind, Origin

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

ADDRESS_LIMIT = 1 << 32
SECTION_LIMIT = 16384
PROGRAM_LIMIT = 4096
ALLOCATED_LIMIT = 4096
SEGMENT_LIMIT = 256
"""Far above what linkers write (a hundred sections, ten segments); a hostile file must not make us parse headers by the
ten thousand or compare millions."""

_HEADER_SIZES = {1: 52, 2: 64}  # by class: Elf32_Ehdr, Elf64_Ehdr
_SHF_ALLOC, _SHF_TLS = 2, 0x400
_NAME_LIMIT = 64
_VECTOR_ALIGNMENT = 0x400

_MACHINES = {
    2: "SPARC",
    3: "x86 (i386)",
    8: "MIPS",
    20: "PowerPC",
    40: "Arm",
    62: "x86-64",
    83: "AVR",
    94: "Xtensa",
    105: "MSP430",
    164: "Hexagon",
    183: "AArch64",
    243: "RISC-V",
    258: "LoongArch",
}
_TYPES = {0: "an ELF without a type", 1: "an object file", 4: "a core dump"}
_PROGRAMS = (2, 3)  # ET_EXEC, ET_DYN


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of headers, all of them inside the file. `shape` is pyelftools' description of a row."""

    elf: ELFFile
    shape: Any
    offset: int
    count: int

    def column(self, field: str) -> list[Any]:
        """One field of every row: a tenth of the time that whole rows take, for tables of tens of thousands."""
        parts = self.shape.subcons
        index = [part.name for part in parts].index(field)
        before = sum(part.sizeof() for part in parts[:index])
        return [self._parse(parts[index], number, before) for number in range(self.count)]

    def row(self, number: int) -> Mapping[str, Any]:
        """All fields of one row."""
        row: Mapping[str, Any] = self._parse(self.shape, number)
        return row

    def _parse(self, shape: Any, number: int, before: int = 0) -> Any:
        self.elf.stream.seek(self.offset + number * self.shape.sizeof() + before)
        return shape.parse_stream(self.elf.stream)


@dataclass(frozen=True, slots=True)
class _Segment:
    """A PT_LOAD with bytes in the file."""

    offset: int
    vaddr: int
    paddr: int
    size: int


@dataclass(frozen=True, slots=True)
class _Section:
    """An allocated section with bytes in the file."""

    name: str
    address: int
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class _Sections:
    """The allocated sections: those with bytes in the file, and those that are cleared when the program starts."""

    stored: tuple[_Section, ...] = ()
    cleared: tuple[_Section, ...] = ()


def read_elf(data: bytes, file: str) -> Image:
    """The image in an ELF file: one chunk a section, at its load address. Never raises; see `Image.findings`.

    The load address of a section is the physical address of its PT_LOAD plus its distance from the segment's start in
    the file, as objcopy takes it. Of a section that is cut off the bytes that are there are given, so placement can
    judge its address too; of another machine's file or an object file nothing is.
    """
    found = Collector(file)
    if not _has_header(data, found):
        return Image((), Kind.ELF, file=file, findings=found.result())

    from elftools.common.exceptions import ELFError
    from elftools.construct import ConstructError
    from elftools.elf.elffile import ELFFile

    try:
        return _read(data, ELFFile(io.BytesIO(data)), found)
    except (ELFError, ConstructError, ValueError, OverflowError) as fault:  # what the checks in front of it let through
        found.add("E-ELF-HEADER", reason=f"pyelftools: {fault}", offset=0)
        return Image((), Kind.ELF, file=file, findings=found.result())


def _read(data: bytes, elf: ELFFile, found: Collector) -> Image:
    machine, usable = _judge(elf, found)
    segments = _segments(data, elf, found)
    sections = _sections(data, elf, found)
    if sections is None:
        chunks = _chunks_of_segments(data, elf, segments, found)
    else:
        chunks = _chunks_of_sections(data, sections.stored, segments, found)
    claimed = sum(chunk.size for chunk in chunks)
    if claimed > len(data):
        found.add("E-ELF-SHARED", claimed=claimed, size=len(data))
        chunks = ()
    cleared = _cleared(sections, found.subject)
    if not usable:
        chunks = cleared = ()
    elif not chunks and not found.has_errors:
        found.add("E-ELF-EMPTY")
    return Image(
        chunks,
        Kind.ELF,
        entry=elf["e_entry"],
        machine=machine,
        file=found.subject,
        findings=found.result(),
        cleared=cleared,
    )


def _cleared(sections: _Sections | None, file: str) -> tuple[Cleared, ...]:
    """The sections without bytes in the file, as far as they end within the address space."""
    return tuple(
        Cleared(section.address, section.size, Origin(file, section.name, section.offset))
        for section in (sections.cleared if sections else ())
        if section.address + section.size <= ADDRESS_LIMIT
    )


def _has_header(data: bytes, found: Collector) -> bool:
    """Whether the file starts with a whole ELF header; reports why not."""
    if data[:4] != b"\x7fELF":
        found.add("E-ELF-HEADER", reason="the magic \\x7fELF is missing", offset=0)
        return False
    bits, order = data[4:6].ljust(2, b"\0")
    if bits not in _HEADER_SIZES or order not in (1, 2):
        found.add("E-ELF-HEADER", reason=f"class {bits}, byte order {order} do not exist", offset=4)
        return False
    if len(data) < _HEADER_SIZES[bits]:
        found.add("E-ELF-TRUNCATED", what="the ELF header", offset=0, end=_HEADER_SIZES[bits], size=len(data))
        return False
    return True


def _judge(elf: ELFFile, found: Collector) -> tuple[str, bool]:
    """The machine's name, and whether the file is a linked program for this core; reports why not."""
    from elftools.elf.enums import ENUM_E_MACHINE, ENUM_E_TYPE

    # pyelftools gives the name of a value that has one, else the number; findings tell the number.
    number, kind = ENUM_E_MACHINE.get(elf["e_machine"], elf["e_machine"]), ENUM_E_TYPE.get(elf["e_type"], elf["e_type"])
    machine = _MACHINES.get(number, f"machine {number}")
    ours = elf["e_machine"] == "EM_ARM" and elf.elfclass == 32 and elf.little_endian
    if not ours:
        form = f"{elf.elfclass}-bit" + ("" if elf.little_endian else " big-endian")
        found.add("E-MACHINE", machine=f"{form} {machine}", e_machine=number)
    if kind not in _PROGRAMS:
        found.add("E-ELF-TYPE", type=_TYPES.get(kind, "an ELF of an unknown type"), e_type=kind)
    return machine, ours and kind in _PROGRAMS


def _table(data: bytes, elf: ELFFile, found: Collector, what: str, shape: Any, place: tuple[int, int, int]) -> _Table:
    """The rows of a header table that are in the file; reports one that is cut off or cannot be."""
    offset, count, stride = place
    if count and stride != shape.sizeof():
        found.add("E-ELF-HEADER", reason=f"{what} of {stride} bytes, and they have {shape.sizeof()}", offset=16)
        count = 0
    end = offset + count * stride
    if count and end > len(data):
        found.add("E-ELF-TRUNCATED", what=f"the table of {count} {what}", offset=offset, end=end, size=len(data))
        count = max(0, len(data) - offset) // stride
    return _Table(elf, shape, offset, count)


def _segments(data: bytes, elf: ELFFile, found: Collector) -> list[_Segment]:
    """Every PT_LOAD with bytes in the file."""
    place = (elf["e_phoff"], elf["e_phnum"], elf["e_phentsize"])
    if elf["e_phnum"] > PROGRAM_LIMIT:
        reason = f"{elf['e_phnum']} program headers, and {PROGRAM_LIMIT} are already too many"
        found.add("E-ELF-HEADER", reason=reason, offset=elf["e_phoff"])
        return []
    table = _table(data, elf, found, "program headers", elf.structs.Elf_Phdr, place)
    loads = [number for number, kind in enumerate(table.column("p_type")) if kind == "PT_LOAD"]
    if len(loads) > SEGMENT_LIMIT:
        reason = f"{len(loads)} loadable segments, and {SEGMENT_LIMIT} are already too many"
        found.add("E-ELF-HEADER", reason=reason, offset=table.offset)
        return []
    # objcopy's rule: physical addresses that are all zero in more than one segment were never filled in.
    stored = "p_vaddr" if len(loads) > 1 and not any(table.column("p_paddr")) else "p_paddr"
    rows = [table.row(number) for number in loads]
    return [_Segment(row["p_offset"], row["p_vaddr"], row[stored], row["p_filesz"]) for row in rows if row["p_filesz"]]


def _sections(data: bytes, elf: ELFFile, found: Collector) -> _Sections | None:
    """The allocated sections; None where the file has no section headers that can be read."""
    offset, count = elf["e_shoff"], elf["e_shnum"]
    if not offset:
        found.add("W-ELF-NO-SECTIONS")
        return None
    if not count or count > SECTION_LIMIT:
        reason = f"a section table at {offset:#x} with {count} entries"
        found.add("E-ELF-HEADER", reason=reason, offset=48 if elf.elfclass == 32 else 60)
        return None
    place = (offset, count, elf["e_shentsize"])
    table = _table(data, elf, found, "section headers", elf.structs.Elf_Shdr, place)
    if table.count < count:
        return None
    columns = list(zip(*map(table.column, ("sh_flags", "sh_type", "sh_size")), strict=True))
    wanted = [number for number, (f, t, size) in enumerate(columns) if f & _SHF_ALLOC and t != "SHT_NULL" and size]
    if len(wanted) > ALLOCATED_LIMIT:
        reason = f"{len(wanted)} allocated sections, and {ALLOCATED_LIMIT} are already too many"
        found.add("E-ELF-HEADER", reason=reason, offset=offset)
        return _Sections()
    names = table.row(elf["e_shstrndx"]) if elf["e_shstrndx"] < count else None
    at, end = (names["sh_offset"], names["sh_offset"] + names["sh_size"]) if names else (0, 0)
    rows = list(map(table.row, wanted))
    stored, cleared = (
        tuple(
            _Section(_name(data, at + row["sh_name"], end), row["sh_addr"], row["sh_offset"], row["sh_size"])
            for row in rows
            if (row["sh_type"] == "SHT_NOBITS") is empty and not (empty and row["sh_flags"] & _SHF_TLS)
        )
        for empty in (False, True)
    )
    return _Sections(stored, cleared)


def _name(data: bytes, start: int, end: int) -> str:
    """The section name at `start`, without characters that a terminal would act on.

    Not pyelftools' `Section.name`: that follows a name to its NUL, wherever in the file it is, once a section.
    """
    limit = min(end, start + _NAME_LIMIT, len(data))
    if start >= limit:
        return "?"
    raw = data[start:limit].partition(b"\0")[0]
    text = raw.decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in text) or "?"


def _chunks_of_sections(
    data: bytes, sections: Sequence[_Section], segments: list[_Segment], found: Collector
) -> tuple[Chunk, ...]:
    view, size = memoryview(data), len(data)
    chunks = []
    for section in sections:
        if section.end > size:
            what = f"section {section.name}"
            found.add("E-ELF-TRUNCATED", what=what, offset=section.offset, end=section.end, size=size)
        address = _load_address(section, segments)
        if address is None:
            address = section.address
            found.add("W-ELF-NO-SEGMENT", section=section.name, size=section.size, address=address)
        if address + section.size > ADDRESS_LIMIT:
            found.add("E-ELF-ADDRESS", section=section.name, size=section.size, address=address)
        elif section.offset < size:
            run_address = section.address if section.address != address else None
            origin = Origin(found.subject, section.name, section.offset)
            chunks.append(Chunk(address, view[section.offset : section.end], origin, run_address))
    return tuple(chunks)


def _load_address(section: _Section, segments: list[_Segment]) -> int | None:
    """The load address by the segment that holds the section's bytes; of two, the one that has its run address too.

    That the run address agrees is not asked for: armlink writes one segment a load region, whatever runs where.
    """
    holding = [s for s in segments if s.offset <= section.offset and section.end <= s.offset + s.size]
    if not holding:
        return None
    agreeing = [s for s in holding if section.address - s.vaddr == section.offset - s.offset]
    segment = (agreeing or holding)[0]
    return segment.paddr + section.offset - segment.offset


def _chunks_of_segments(data: bytes, elf: ELFFile, segments: list[_Segment], found: Collector) -> tuple[Chunk, ...]:
    """One chunk a segment, without the ELF header and program headers that a segment may start with.

    The zeros that follow them up to the next multiple of 0x400 are the linker's filling in front of the vector table.
    """
    view = memoryview(data)
    headers_end = elf.structs.Elf_Ehdr.sizeof()
    if elf["e_phoff"] <= headers_end:
        headers_end = max(headers_end, elf["e_phoff"] + elf["e_phnum"] * elf["e_phentsize"])
    chunks = []
    for segment in segments:
        start, end = segment.offset, segment.offset + segment.size
        if end > len(data):
            what = f"the segment for {segment.paddr:#010x}"
            found.add("E-ELF-TRUNCATED", what=what, offset=start, end=end, size=len(data))
            end = len(data)
        if start < headers_end:
            address = segment.paddr + headers_end - start
            start = headers_end
            filling = -address % _VECTOR_ALIGNMENT
            if not any(view[start : start + filling]):
                start += filling
        if start >= end:
            continue
        address, run_address = (base + start - segment.offset for base in (segment.paddr, segment.vaddr))
        if address + end - start <= ADDRESS_LIMIT:
            origin = Origin(found.subject, "", start)
            chunks.append(Chunk(address, view[start:end], origin, run_address if run_address != address else None))
    return tuple(chunks)
