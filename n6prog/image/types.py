"""What a file holds once it is read: chunks of bytes with addresses and where they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from n6prog.findings import Finding
from n6prog.image.stm2 import Header


class Kind(StrEnum):
    """What a file is, by its content."""

    ELF = "elf"
    IHEX = "ihex"
    SREC = "srec"
    STM2 = "stm2"
    RAW = "raw"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where bytes come from: file name as given, section name ("" where there is none), offset in the file in bytes."""

    file: str
    section: str = ""
    offset: int = 0

    def __str__(self) -> str:
        return f"{self.file} {self.section}".rstrip()


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes with the address they load at.

    `address` is the load address (LMA), or None for bytes whose place is still to be found (a raw file, an STM2 image);
    `run_address` is where they run (VMA) if that differs.
    """

    address: int | None
    data: memoryview
    origin: Origin
    run_address: int | None = None

    @property
    def size(self) -> int:
        """Bytes in the chunk."""
        return len(self.data)

    @property
    def end(self) -> int:
        """First address after the chunk; the chunk must have an address."""
        assert self.address is not None
        return self.address + len(self.data)


@dataclass(frozen=True, slots=True)
class Cleared:
    """Memory that a program uses and its file does not fill: the section, its run address and its size in bytes."""

    address: int
    size: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Image:
    """One input file. `findings` hold what is wrong with it; an image with an error may still hold the readable chunks.

    `header` is the STM2 boot header that the first chunk with one starts with, or None. `cleared` are the sections of
    an ELF without bytes in the file. `slot` is the board's slot that the file was given.
    """

    chunks: tuple[Chunk, ...]
    kind: Kind
    entry: int | None = None
    machine: str = ""
    file: str = ""
    findings: tuple[Finding, ...] = field(default=())
    header: Header | None = None
    cleared: tuple[Cleared, ...] = ()
    slot: str = ""

    @property
    def size(self) -> int:
        """Bytes in all chunks."""
        return sum(chunk.size for chunk in self.chunks)
