"""What placement gives: pieces of flash content, and why anything was refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from n6prog.findings import Finding
from n6prog.image.types import Chunk, Origin
from n6prog.targets.schema import Device


class Goal(StrEnum):
    """What the placement is for."""

    FLASH = "flash"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Piece:
    """Contiguous bytes at an address of the memory map.

    `slot` is the board slot it fills ("" for none); `change` says what placement did to it ("" when it stays where it
    was linked, "moved from 0x34180400", "header 2.3 added").
    """

    address: int
    data: memoryview
    origin: Origin
    slot: str = ""
    change: str = ""

    @property
    def size(self) -> int:
        """Bytes in the piece."""
        return len(self.data)

    @property
    def end(self) -> int:
        """First address after the piece."""
        return self.address + len(self.data)


@dataclass(frozen=True, slots=True)
class Refused:
    """Bytes that get no place: the finding's code, the address they want, the memory there ("no memory" for none)."""

    code: str
    address: int
    size: int
    region: str
    origin: Origin

    @property
    def end(self) -> int:
        """First address after the bytes."""
        return self.address + self.size


@dataclass(frozen=True, slots=True)
class Placement:
    """Where everything goes on one device. `flash` is sorted by address; without errors nothing in it overlaps.

    `refused` are bytes with an address that cannot be flashed there, sorted by it.
    """

    goal: Goal
    device: Device
    flash: tuple[Piece, ...]
    ram: tuple[Chunk, ...]
    entry: int | None
    findings: tuple[Finding, ...]
    refused: tuple[Refused, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the work may be done."""
        return not any(f.is_error for f in self.findings)

    @property
    def size(self) -> int:
        """Bytes that go to flash."""
        return sum(piece.size for piece in self.flash)
