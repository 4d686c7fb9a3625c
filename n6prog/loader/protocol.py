"""What every loader can do. Addresses are offsets from the start of the NOR, sizes are bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from n6prog.plan.types import SECTOR, Block
from n6prog.targets.schema import NorPart

# How long the chip takes for one sector, in seconds.
SECTOR_READ = SECTOR * 8 / 32e6  # 1S at HCLK5 = 32 MHz as the boot ROM leaves it (hw-soc 7.5)
SECTOR_SURVEY = SECTOR_READ + 0.3e-3  # the digest: 512 words at about 20 cycles and 64 MHz

OnBytes = Callable[[int], None]
"""Called with the number of bytes of flash that were done since the last call."""


def quiet(count: int) -> None:
    """An `OnBytes` that drops everything."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the NOR says of itself: RDID (3 bytes), status and security register, its SFDP table (b"" if unreadable)."""

    jedec: bytes
    sr: int
    scur: int
    sfdp: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """What the chip did with one 64 KiB block, and the digests of all its 16 sectors, read from the NOR afterwards.

    `ok`: the chip itself found every sector as it should be. `erased`, `programmed`: bytes.
    """

    ok: bool
    digests: tuple[int, ...]
    erased: int
    programmed: int
    sector_erases: int
    block_erases: int
    page_programs: int


class Loader(Protocol):
    """Code on the chip that reads and writes the NOR. Every method raises FlashFailure or TargetUnreachable."""

    def open(self, part: NorPart | None = None) -> Identity:
        """Start on the chip, reset the NOR to 1S and identify it; `part` gives opcodes and times (None: as before)."""
        ...

    def survey(self, offsets: Sequence[int], on_bytes: OnBytes = quiet) -> dict[int, int]:
        """Digests of 4 KiB sectors, computed on the chip from what the NOR returns. `offsets` ascend."""
        ...

    def write(self, block: Block, *, force: bool = False, blank: int = 0) -> Written:
        """Make the set sectors of a block hold its data, keeping all others.

        `force` erases every set sector, equal or not. `blank`: bitmap of sectors known to be blank, for the estimate of
        time only.
        """
        ...

    def read(self, offset: int, size: int, on_bytes: OnBytes = quiet) -> bytes:
        """Bytes of the NOR."""
        ...

    def erase(self, offset: int, size: int, on_bytes: OnBytes = quiet) -> None:
        """Erase whole 4 KiB sectors, by 64 KiB where the range covers a block."""
        ...

    def erase_chip(self) -> None:
        """Erase the whole part. Takes minutes."""
        ...

    def close(self) -> None:
        """Leave the NOR mapped in 1S, so that a debugger may read its window."""
        ...


def runs(offsets: Sequence[int], step: int, longest: int) -> list[tuple[int, int]]:
    """Ascending offsets, `step` apart, as (first, count) runs of at most `longest` items."""
    found: list[tuple[int, int]] = []
    for offset in offsets:
        if found:
            first, count = found[-1]
            if offset == first + count * step and count < longest:
                found[-1] = (first, count + 1)
                continue
        found.append((offset, 1))
    return found
