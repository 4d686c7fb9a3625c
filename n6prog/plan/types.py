"""What the flash holds, what must travel, and what it costs. Addresses are offsets from the start of the NOR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SECTOR = 4096
BLOCK = 65536


@dataclass(frozen=True, slots=True)
class Sector:
    """What the flash holds in one 4 KiB sector: its digest (n6prog.nor), and its bytes where they had to be read."""

    digest: int
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """What the flash holds: sector offset (a multiple of 4096) -> Sector."""

    sectors: Mapping[int, Sector]


@dataclass(frozen=True, slots=True)
class Block:
    """One 64 KiB block that must travel.

    `start`: offset in the NOR, a multiple of 65536. `sectors`: bit n set = sector n of the block is in `data`.
    `data`: the full 4096 bytes of every set sector, in order.
    """

    start: int
    sectors: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Cost:
    """What the work costs at the part's typical times. Bytes and seconds; counts of operations."""

    sent: int
    erased: int
    programmed: int
    erases: tuple[tuple[int, int], ...]  # (size in bytes, how many)
    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """What must be done: blocks that travel in ascending order, bytes wanted that are right already, and the cost."""

    blocks: tuple[Block, ...]
    skipped: int
    cost: Cost
