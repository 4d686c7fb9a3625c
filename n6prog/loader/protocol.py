"""What every loader can do. Addresses are offsets from the start of the NOR, sizes are bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

    `start`: its offset; `sectors`: bitmap of those that were sent, all that were asked for unless it went wrong. `ok`:
    the chip itself found every sector as it should be. `erased`, `programmed`: bytes.
    """

    start: int
    sectors: int
    ok: bool
    digests: tuple[int, ...]
    erased: int
    programmed: int
    sector_erases: int
    block_erases: int
    page_programs: int


class Loader(Protocol):
    """Code on the chip that reads and writes the NOR. Every method raises FlashFailure or TargetUnreachable.

    `recovered`: how often it had to be started anew on its own account. What was written before that was proven, but
    not since.
    """

    recovered: int

    @property
    def reading(self) -> float:
        """Seconds the chip takes to read a sector and digest it."""
        ...

    def open(self, part: NorPart | None = None) -> Identity:
        """Start on the chip, reset the NOR to 1S and identify it; `part` gives opcodes and times (None: as before)."""
        ...

    def survey(self, offsets: Sequence[int], on_bytes: OnBytes = quiet) -> dict[int, int]:
        """Digests of 4 KiB sectors, computed on the chip from what the NOR returns. `offsets` ascend."""
        ...

    def write_all(
        self, blocks: Iterable[Block], *, force: bool = False, blank: Mapping[int, int] | None = None
    ) -> Iterator[Written]:
        """Make the set sectors of blocks hold their data, keeping all others. Gives what became of each block.

        Each is proven by what the NOR returns; one that is not as wanted comes with `ok` False, and nothing is written
        behind it. `force` erases every set sector, equal or not. `blank`: block start -> bitmap of sectors known to be
        blank, for the estimate of time only.
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

    def unprotect(self) -> None:
        """Clear the block-protection bits of the NOR's status register, where they are set: a non-volatile write.

        For parts of Macronix; the loader refuses others. E-PROTECTED when the bits stay set.
        """
        ...

    def close(self) -> None:
        """Leave the NOR mapped in 1S, so that a debugger may read its window."""
        ...

    def abandon(self) -> None:
        """End what still runs on the chip, after a failure: a block in work is finished. It is not to be used again."""
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
