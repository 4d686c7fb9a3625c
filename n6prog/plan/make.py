"""Placement and survey become work: the blocks that must travel, and what that costs at the part's typical times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from n6prog.layout.types import Piece
from n6prog.nor.digest import BLANK_SECTOR, digest
from n6prog.nor.geometry import SECTORS, bits
from n6prog.nor.rule import UNKNOWN, Decision, Need, RuleTimes, choose, need, need_fresh, times_of
from n6prog.plan.coverage import Touched, contents, sectors
from n6prog.plan.types import BLOCK, SECTOR, Block, Cost, Survey, Work
from n6prog.targets.schema import NorPart

EraseMode = Literal["changed", "all-touched", "chip"]
"""`changed`: only what differs. `all-touched`: every touched sector is erased. `chip`: all is erased first."""

ERASE_MODES: tuple[EraseMode, ...] = ("changed", "all-touched", "chip")

_BLANK = b"\xff" * SECTOR


@dataclass(frozen=True, slots=True)
class _Bill:
    """What one block costs."""

    decision: Decision
    programmed: int


def make(
    pieces: Iterable[Piece],
    survey: Survey | None,
    nor: NorPart,
    erase_mode: EraseMode = "changed",
) -> Work:
    """The work that leaves every wanted byte right and, except with `chip`, every other byte as it was.

    `survey` must hold the digest of every touched sector, and the bytes of those that are covered in part and not
    blank; with `chip` it is not looked at and may be None. Raises SurveyError where it has gaps, ValueError for pieces
    that overlap or leave the part, or an unknown `erase_mode`.
    """
    if erase_mode not in ERASE_MODES:
        raise ValueError(f"erase mode {erase_mode!r} is none of {', '.join(ERASE_MODES)}")
    if survey is None and erase_mode != "chip":
        raise ValueError("only a chip erase can be planned without a survey")
    known = None if erase_mode == "chip" else survey
    touched = sectors(pieces, nor)
    wanted = contents(touched, known)
    held = {item.offset: known.sectors[item.offset].digest if known else BLANK_SECTOR for item in touched}
    travelling = [
        item for item in touched if erase_mode == "all-touched" or digest(wanted[item.offset]) != held[item.offset]
    ]
    blocks = tuple(
        _block(start, list(group), wanted)
        for start, group in groupby(travelling, key=lambda item: item.offset // BLOCK * BLOCK)
    )
    times = times_of(nor)
    force = erase_mode == "all-touched"
    bills = [_bill(block, known, held, wanted, times, block.sectors if force else 0) for block in blocks]
    skipped = sum(item.wanted for item in touched) - sum(item.wanted for item in travelling)
    return Work(blocks, skipped, _cost(blocks, bills, nor, chip=erase_mode == "chip"))


def block_digests(block: Block) -> dict[int, int]:
    """The digests a block has once it is written: sector offset -> digest, for the sectors that travel."""
    return {
        block.start + number * SECTOR: digest(block.data[at * SECTOR : (at + 1) * SECTOR])
        for at, number in enumerate(bits(block.sectors))
    }


def _block(start: int, items: Sequence[Touched], wanted: Mapping[int, bytes]) -> Block:
    bitmap = sum(1 << (item.offset - start) // SECTOR for item in items)
    return Block(start, bitmap, b"".join(wanted[item.offset] for item in items))


def _bill(
    block: Block,
    survey: Survey | None,
    held: Mapping[int, int],
    wanted: Mapping[int, bytes],
    times: RuleTimes,
    force: int,
) -> _Bill:
    """What the chip will decide, as far as the host can tell: old bytes it has not seen count as to be erased."""
    needs: list[Need] = []
    for number in range(SECTORS):
        offset = block.start + number * SECTOR
        if offset not in held:
            # A chip erase leaves the neighbours blank: nothing of them is programmed.
            needs.append(UNKNOWN if survey is not None else need(_BLANK, _BLANK))
        else:
            old = survey.sectors[offset].data if survey is not None else None
            needs.append(_need(held[offset], old, wanted[offset], travels=bool(block.sectors >> number & 1)))
    decision = choose(needs, times, force)
    erased = 0xFFFF if decision.erase_block else decision.erase_sectors
    programmed = sum(item.fresh_bytes if erased >> number & 1 else item.run_bytes for number, item in enumerate(needs))
    return _Bill(decision, programmed)


def _need(held: int, old: bytes | None, new: bytes, *, travels: bool) -> Need:
    if not travels:
        return need(new, new)
    if held == BLANK_SECTOR:
        return need(_BLANK, new)
    return need_fresh(new) if old is None else need(old, new)


def _cost(blocks: Sequence[Block], bills: Sequence[_Bill], nor: NorPart, *, chip: bool) -> Cost:
    whole = sum(bill.decision.erase_block for bill in bills)
    single = sum(bill.decision.erase_sectors.bit_count() for bill in bills)
    counts = [(SECTOR, single), (BLOCK, whole), (nor.size, int(chip))]
    return Cost(
        sent=sum(len(block.data) for block in blocks),
        erased=sum(size * count for size, count in counts),
        programmed=sum(bill.programmed for bill in bills),
        erases=tuple((size, count) for size, count in counts if count),
        seconds=sum(bill.decision.cost_us for bill in bills) / 1e6 + (nor.chip_erase_typ if chip else 0.0),
    )
