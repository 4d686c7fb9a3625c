"""Which sectors of a 64 KiB block must be erased and what must be programmed: the twin of `n6_decide` on the chip.

The rule, integers in microseconds so that both sides agree to the last digit:

1. A sector whose bytes are equal needs nothing. A sector in which every differing 16-byte chunk is blank now needs
   programming only. Any other sector must be erased. (A chunk that holds anything is never programmed again: the part
   would switch its ECC off.)
2. Inside a page, at the time of programming, a chunk is P (blank, gets content), B (blank, stays blank: may be spanned)
   or K (not blank: must not be touched). One program command covers a run from the first P to the last P that no K
   interrupts.
3. Candidate A erases exactly the sectors that must be: n * sector + runs * page. Candidate B erases the block and
   programs all that it is to hold: block + runs * page. B only where it is strictly cheaper, and only where every
   sector that is equal is blank: one that is right already and holds something is never erased (unless `force` says
   so). Between erase and program its bytes would be in RAM only, and lost with the power or a NOR that fails, though
   nobody asked for them to be touched. So such a block is done by 4 KiB erases also where those are dearer: to lose
   nothing stands above never being dearer than the block erase.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from n6prog.nor.geometry import BLOCK, CHUNK, PAGE, PAGES, SECTOR, SECTORS, bits
from n6prog.targets.schema import NorPart

NEVER_US = 0xFFFF_FFFF
"""The cost of an erase the part does not have, and the largest cost that is told: the chip has 32 bits for it."""

_BLANK = b"\xff" * BLOCK
_BLANK_SECTOR = _BLANK[:SECTOR]
_BLANK_PAGE = _BLANK[:PAGE]
_BLANK_CHUNK = _BLANK[:CHUNK]

Buffer = bytes | bytearray | memoryview
Run = tuple[int, int]
"""(offset, length) in bytes."""


@dataclass(frozen=True, slots=True)
class RuleTimes:
    """Typical times in whole microseconds: a 4 KiB erase, a 64 KiB erase, a page program."""

    sector_us: int
    block_us: int
    page_us: int


@dataclass(frozen=True, slots=True)
class Need:
    """What one sector needs.

    `must_erase`: it cannot be reached by programming. `runs`, `run_bytes`: program commands and their bytes as long as
    it is not erased (0 where it must be). `fresh_runs`, `fresh_bytes`: the same once it is erased. `keeps`: it is right
    already and holds something, so no block erase may go over it.
    """

    must_erase: bool
    runs: int
    run_bytes: int
    fresh_runs: int
    fresh_bytes: int
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done to one block.

    `erase_block`: the 64 KiB erase is used. `erase_sectors`: bitmap of the 4 KiB erases (0 with `erase_block`).
    `programs`: program commands. `cost_us`: typical time of erases and programs in microseconds.
    """

    erase_block: bool
    erase_sectors: int
    programs: int
    cost_us: int


@dataclass(frozen=True, slots=True)
class Operations:
    """The commands of a decision, in order: first the erases, then the programs; (offset in the block, bytes)."""

    erases: tuple[Run, ...]
    programs: tuple[Run, ...]


def times_of(part: NorPart) -> RuleTimes:
    """The typical times of a part. A 64 KiB erase it lacks costs NEVER_US; without a 4 KiB erase KeyError is raised."""
    sizes = {item.size: item.typ for item in part.erases}
    return RuleTimes(
        sector_us=round(sizes[SECTOR] * 1e6),
        block_us=round(sizes[BLOCK] * 1e6) if BLOCK in sizes else NEVER_US,
        page_us=round(part.program_typ * 1e6),
    )


def _fresh_run(page: bytes) -> Run:
    """The program run of a page that is blank now: first to last chunk with content; length 0 if there is none."""
    if page == _BLANK_PAGE:
        return 0, 0
    end = -(-len(page.rstrip(b"\xff")) // CHUNK) * CHUNK
    start = (len(page) - len(page.lstrip(b"\xff"))) // CHUNK * CHUNK
    return start, end - start


def _page_runs(old: bytes, new: bytes) -> list[Run] | None:
    """The program runs that turn a page from `old` into `new` without an erase, or None when only an erase can."""
    if old == _BLANK_PAGE:
        start, length = _fresh_run(new)
        return [(start, length)] if length else []
    if old == new:
        return []
    runs: list[Run] = []
    first = last = -1  # the run being built: its first and last P
    for at in range(0, PAGE, CHUNK):
        was, will = old[at : at + CHUNK], new[at : at + CHUNK]
        if was == _BLANK_CHUNK:
            if will != _BLANK_CHUNK:  # P
                first = at if first < 0 else first
                last = at
        elif was != will:
            return None
        elif first >= 0:  # K ends the run
            runs.append((first, last + CHUNK - first))
            first = -1
    if first >= 0:
        runs.append((first, last + CHUNK - first))
    return runs


def _pages(sector: bytes) -> list[bytes]:
    return [sector[at : at + PAGE] for at in range(0, SECTOR, PAGE)]


def _sector_runs(old: bytes, new: bytes) -> list[Run] | None:
    """As `_page_runs`, for a sector; offsets in the sector."""
    if old == new:
        return []
    runs: list[Run] = []
    for number, (was, will) in enumerate(zip(_pages(old), _pages(new), strict=True)):
        found = _page_runs(was, will)
        if found is None:
            return None
        runs += [(number * PAGE + start, length) for start, length in found]
    return runs


def need_fresh(new: bytes) -> Need:
    """What a sector needs whose old bytes are not known and are not blank: an erase. `new`: 4096 bytes."""
    lengths = [length for _, length in map(_fresh_run, _pages(new)) if length]
    return Need(True, 0, 0, len(lengths), sum(lengths))


def need(old: bytes, new: bytes) -> Need:
    """What a sector needs to turn from `old` into `new`, 4096 bytes each."""
    fresh = need_fresh(new)
    if old == new:
        return Need(False, 0, 0, fresh.fresh_runs, fresh.fresh_bytes, keeps=old != _BLANK_SECTOR)
    if old == _BLANK_SECTOR:
        return Need(False, fresh.fresh_runs, fresh.fresh_bytes, fresh.fresh_runs, fresh.fresh_bytes)
    runs = _sector_runs(old, new)
    if runs is None:
        return fresh
    return Need(False, len(runs), sum(length for _, length in runs), fresh.fresh_runs, fresh.fresh_bytes)


UNKNOWN = Need(False, 0, 0, PAGES, SECTOR, keeps=True)
"""A sector that stays as it is and that nobody has read: it counts as one that holds something."""


def choose(needs: Sequence[Need], times: RuleTimes, force: int = 0) -> Decision:
    """The cheaper of the candidates that may be used for a block, from what each of its 16 sectors needs.

    `force`: bitmap of sectors that must be erased whatever they hold. Raises ValueError unless there are 16 needs.
    """
    if len(needs) != SECTORS:
        raise ValueError(f"a block has {SECTORS} sectors, not {len(needs)}")
    erase = force & 0xFFFF
    for number, item in enumerate(needs):
        erase |= item.must_erase << number
    fresh = sum(item.fresh_runs for item in needs)
    runs = sum(item.fresh_runs if erase >> number & 1 else item.runs for number, item in enumerate(needs))
    sectors_us = erase.bit_count() * times.sector_us + runs * times.page_us
    block_us = times.block_us + fresh * times.page_us
    keeps = any(item.keeps and not erase >> number & 1 for number, item in enumerate(needs))
    if (erase or runs) and not keeps and block_us < sectors_us:
        return Decision(True, 0, fresh, min(block_us, NEVER_US))
    return Decision(False, erase, runs, min(sectors_us, NEVER_US))


def decide(old: Buffer, new: Buffer, times: RuleTimes, force: int = 0) -> Decision:
    """What is done to a block so that it turns from `old` into `new`, 65536 bytes each. Raises ValueError for other
    lengths.

    `force`: bitmap of sectors that are erased even if equal.
    """
    was, will = _block(old), _block(new)
    starts = range(0, BLOCK, SECTOR)
    return choose([need(was[at : at + SECTOR], will[at : at + SECTOR]) for at in starts], times, force)


def operations(old: Buffer, new: Buffer, decision: Decision) -> Operations:
    """The erase and program commands of a decision made for these bytes. Raises ValueError if it does not fit them."""
    was, will = _block(old), _block(new)
    erased = 0xFFFF if decision.erase_block else decision.erase_sectors
    erases = [(0, BLOCK)] if decision.erase_block else [(number * SECTOR, SECTOR) for number in bits(erased)]
    programs: list[Run] = []
    for number, at in enumerate(range(0, BLOCK, SECTOR)):
        now = _BLANK_SECTOR if erased >> number & 1 else was[at : at + SECTOR]
        runs = _sector_runs(now, will[at : at + SECTOR])
        if runs is None:
            raise ValueError(f"sector {number} cannot be reached without an erase")
        programs += [(at + start, length) for start, length in runs]
    return Operations(tuple(erases), tuple(programs))


def apply(old: Buffer, new: Buffer, decision: Decision) -> bytes:
    """What the block holds after the decision: erased to ones, programmed by AND, as the NOR does it."""
    held = bytearray(_block(old))
    will = _block(new)
    todo = operations(old, new, decision)
    for start, length in todo.erases:
        held[start : start + length] = _BLANK[:length]
    for start, length in todo.programs:
        now = int.from_bytes(held[start : start + length], "little") & int.from_bytes(
            will[start : start + length], "little"
        )
        held[start : start + length] = now.to_bytes(length, "little")
    return bytes(held)


def _block(data: Buffer) -> bytes:
    if len(data) != BLOCK:
        raise ValueError(f"a block has {BLOCK} bytes, not {len(data)}")
    return bytes(data)
