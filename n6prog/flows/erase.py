"""Erasing ranges or the whole part; bytes outside a range survive, also in a sector that the range covers in part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from n6prog import plan
from n6prog.errors import UsageError, VerifyMismatch
from n6prog.events import EventType, OnEvent
from n6prog.findings import finding
from n6prog.flows import info
from n6prog.flows.ranges import Range, check_nor, parsed
from n6prog.flows.recorder import Recorder
from n6prog.flows.report import PieceReport, Report
from n6prog.flows.survey import mismatch, neighbours, take
from n6prog.flows.unprotect import unprotect
from n6prog.image.types import Origin
from n6prog.layout.types import Piece
from n6prog.loader.protocol import runs
from n6prog.nor.digest import BLANK_SECTOR, digest
from n6prog.plan import BLOCK, SECTOR, Survey, Touched
from n6prog.targets.chip import XSPI2_BASE

if TYPE_CHECKING:
    from n6prog.flows.connection import Connection
    from n6prog.loader import Loader


@dataclass(frozen=True, slots=True)
class EraseOptions:
    """`chip`: the whole part, not ranges. `unprotect`: clear the block protection first, where there is any."""

    chip: bool = False
    dry_run: bool = False
    unprotect: bool = False


def erase(connection: Connection, on_event: OnEvent, ranges: Sequence[Range], options: EraseOptions) -> Report:
    """Set ranges or the whole part to FF, and check that they are. See Board.erase."""
    recorder = Recorder(
        "erase",
        connection,
        on_event,
        ranges=[str(item) for item in ranges],
        board=connection.board.name,
        whole_chip=options.chip,
    )
    recorder.dry_run = options.dry_run
    return recorder.run(lambda: _body(connection, recorder, ranges, options))


def _body(connection: Connection, recorder: Recorder, ranges: Sequence[Range], options: EraseOptions) -> None:
    chip, dry_run = options.chip, options.dry_run
    if chip == bool(ranges):
        raise UsageError.of(
            "E-USAGE", "erase", reason="say what to erase: ranges or the whole chip", cure="One of the two."
        )
    wanted = _merged([parsed(item) for item in ranges])
    for start, length in wanted:
        check_nor(start, length, connection.device.nor)
    about = info.gather(connection, recorder)
    part = connection.device.nor
    wanted = [(XSPI2_BASE, part.size)] if chip else wanted
    for start, length in wanted:
        check_nor(start, length, part)
    loader, _, _ = connection.loader()
    recorder.bytes.wanted = sum(length for _, length in wanted)
    recorder.pieces = tuple(_report(start, length) for start, length in wanted)
    recorder.emit(
        EventType.PLAN, **about.as_dict(), bytes={"wanted": recorder.bytes.wanted}, dry_run=dry_run, whole_chip=chip
    )
    for piece in recorder.pieces:
        recorder.emit(EventType.REGION, **piece.as_dict())
    if options.unprotect and not dry_run:
        unprotect(connection, recorder)
    if dry_run:
        pass
    elif chip:
        _whole(loader, recorder, part.size)
    else:
        _ranges(loader, connection, recorder, wanted)
    recorder.stop_virtual_clock()
    connection.close_loader()


def _whole(loader: Loader, recorder: Recorder, size: int) -> None:
    """Erase the part with its own command, and survey all of it."""
    step = recorder.progress("erase", size)
    loader.erase_chip()
    step(size)
    recorder.bytes.erased += size
    _must_be_blank(loader.survey(range(0, size, SECTOR), recorder.progress("verify", size)))


def _ranges(loader: Loader, connection: Connection, recorder: Recorder, wanted: Sequence[tuple[int, int]]) -> None:
    """Whole sectors are erased where they are not blank; sectors covered in part are written with FF in the range."""
    blank = b"\xff" * max(length for _, length in wanted)
    pieces = [Piece(start, memoryview(blank)[:length], Origin("erase")) for start, length in wanted]
    touched = plan.sectors(pieces, connection.device.nor)
    survey = take(loader, touched, recorder)
    whole = [item.offset for item in touched if item.full and survey.sectors[item.offset].digest != BLANK_SECTOR]
    step = recorder.progress("erase", len(whole) * SECTOR)
    for first, count in runs(whole, SECTOR, len(whole)):
        loader.erase(first, count * SECTOR, step)
        recorder.bytes.erased += count * SECTOR
    _edges(loader, connection, recorder, [item for item in touched if not item.full], survey)
    recorder.bytes.skipped = sum(
        item.wanted for item in touched if item.full and survey.sectors[item.offset].digest == BLANK_SECTOR
    )
    expected = {item.offset: BLANK_SECTOR if item.full else digest(_edge(item, survey)) for item in touched}
    now = loader.survey(sorted(expected), recorder.progress("verify", len(expected) * SECTOR))
    wrong = [offset for offset, value in expected.items() if now[offset] != value]
    by_offset = {item.offset: item for item in touched}
    if wrong:
        raise mismatch(loader, wrong, lambda offset, _: _edge(by_offset[offset], survey), len(expected))


def _edge(item: Touched, survey: Survey) -> bytes:
    """What a sector is to hold: FF in the range, its old bytes elsewhere."""
    return item.content(survey.sectors[item.offset].data)


def _edges(
    loader: Loader, connection: Connection, recorder: Recorder, items: Sequence[Touched], survey: Survey
) -> None:
    """Write the sectors that the ranges cover in part. Raises VerifyMismatch when a neighbour changes."""
    pieces = [
        Piece(XSPI2_BASE + item.offset + start, data, Origin("erase")) for item in items for start, data in item.spans
    ]
    work = plan.make(pieces, survey, connection.device.nor)
    beside = neighbours(loader, work.blocks, Survey({}))
    recorder.bytes.sent += work.cost.sent
    for written in loader.write_all(work.blocks):
        recorder.bytes.erased += written.erased
        recorder.bytes.programmed += written.programmed
        for number, value in enumerate(written.digests):
            offset = written.start + number * SECTOR
            if beside.get(offset, value) != value:
                at = XSPI2_BASE + offset
                raise VerifyMismatch.of("E-NEIGHBOUR", "erase", address=at, block=at // BLOCK * BLOCK, count=1)


def _must_be_blank(found: dict[int, int]) -> None:
    dirty = [offset for offset, value in found.items() if value != BLANK_SECTOR]
    if dirty:
        raise VerifyMismatch(finding("E-NOT-BLANK", "erase", address=XSPI2_BASE + dirty[0], count=len(dirty)))


def _merged(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ascending ranges without overlap that cover the same bytes."""
    found: list[tuple[int, int]] = []
    for start, length in sorted(ranges):
        if found and start <= sum(found[-1]):
            first, before = found[-1]
            found[-1] = (first, max(before, start + length - first))
        else:
            found.append((start, length))
    return found


def _report(start: int, length: int) -> PieceReport:
    sectors = (start + length - 1) // SECTOR - start // SECTOR + 1
    return PieceReport("erase", start, length, "", sectors, sectors)
