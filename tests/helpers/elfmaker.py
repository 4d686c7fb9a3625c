"""Small ELF files, sound or broken on purpose, written with struct alone.

Shares nothing with n6prog's reader: offsets are from the ELF specification (System V gABI, chapters 4 and 5).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

PROGBITS, NOBITS, STRTAB = 1, 8, 3
WRITE, ALLOC, EXEC = 1, 2, 4
EXECUTABLE, OBJECT = 2, 1
ARM, X86_64 = 40, 62


@dataclass(frozen=True)
class Section:
    """One section: `lma` is where it is stored (None: at `address`), `claims` overrides the size in its header.

    With `segment=False` it gets no PT_LOAD of its own; `tail` bytes behind a section belong to its PT_LOAD too.
    `offset` overrides its place in the file in the header.
    """

    name: str
    address: int
    data: bytes = b""
    lma: int | None = None
    type: int = PROGBITS
    flags: int = ALLOC
    segment: bool = True
    tail: int = 0
    claims: int | None = None
    offset: int | None = None


def make_elf(
    *sections: Section,
    entry: int | None = None,
    machine: int = ARM,
    type: int = EXECUTABLE,  # noqa: A002 - the specification's word
    bits: int = 32,
    big_endian: bool = False,
    section_headers: bool = True,
    header_in_first_segment: int = 0,
) -> bytes:
    """An ELF with these sections, each in a PT_LOAD of its own.

    `header_in_first_segment` bytes in front of the first section belong to its segment too, starting at file offset 0:
    what GNU ld does for images linked 0x400 above an aligned address. They must have room for the headers.
    """
    order = ">" if big_endian else "<"
    covered = [s for s in sections if s.segment]
    header_size, program_size = (52, 32) if bits == 32 else (64, 56)
    at = max(header_size + program_size * len(covered), header_in_first_segment)
    body = bytearray(at)
    rows, programs = [], []
    names = b"\0"
    for number, section in enumerate(sections):
        offset = len(body) if section.offset is None else section.offset
        size = len(section.data) if section.claims is None else section.claims
        rows.append((len(names), section.type, section.flags, section.address, offset, size))
        names += section.name.encode() + b"\0"
        if section.type != NOBITS:
            body += section.data
        if section.segment:
            stored = section.address if section.lma is None else section.lma
            start, front = (offset, 0) if number or not header_in_first_segment else (0, offset)
            in_file = 0 if section.type == NOBITS else size + front + section.tail
            programs.append((start, section.address - front, stored - front, in_file, size + front + section.tail))
    rows.append((len(names), STRTAB, 0, 0, len(body), len(names) + len(".shstrtab") + 1))
    names += b".shstrtab\0"
    body += names
    table_at = len(body) if section_headers else 0
    if section_headers:
        body += _section_row(order, bits, (0, 0, 0, 0, 0, 0))
        body += b"".join(_section_row(order, bits, row) for row in rows)
    packed = b"".join(_program_row(order, bits, row) for row in programs)
    body[header_size : header_size + len(packed)] = packed
    ident = b"\x7fELF" + bytes([bits // 32, 2 if big_endian else 1, 1]) + bytes(9)
    start_at = entry if entry is not None else (sections[0].address | 1 if sections else 0)
    fields = (
        (type, machine, 1, start_at, header_size if programs else 0, table_at, 0)
        + (header_size, program_size, len(programs))
        + ((40 if bits == 32 else 64, len(rows) + 1, len(rows)) if section_headers else (0, 0, 0))
    )
    layout = "HHIIIIIHHHHHH" if bits == 32 else "HHIQQQIHHHHHH"
    body[:header_size] = ident + struct.pack(order + layout, *fields)
    return bytes(body)


def _section_row(order: str, bits: int, row: tuple[int, int, int, int, int, int]) -> bytes:
    return struct.pack(order + ("10I" if bits == 32 else "2I4Q2I2Q"), *row, 0, 0, 4, 0)


def _program_row(order: str, bits: int, row: tuple[int, int, int, int, int]) -> bytes:
    offset, vaddr, paddr, in_file, in_memory = row
    if bits == 32:
        return struct.pack(order + "8I", 1, offset, vaddr, paddr, in_file, in_memory, 5, 4)
    return struct.pack(order + "2I6Q", 1, 5, offset, vaddr, paddr, in_file, in_memory, 4)
