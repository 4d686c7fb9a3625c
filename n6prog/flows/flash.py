"""Flashing: place, identify, survey, plan, write, verify."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from n6prog import plan
from n6prog.errors import FlashFailure, N6ProgError, UsageError, VerifyMismatch
from n6prog.events import EventType, OnEvent
from n6prog.findings import finding
from n6prog.flash_algos.mailbox import Status
from n6prog.flows import info
from n6prog.flows.placing import Placing, on_device, on_profile, piece_reports
from n6prog.flows.recorder import Recorder
from n6prog.flows.report import Report
from n6prog.flows.source import Files
from n6prog.flows.survey import mismatch, take
from n6prog.flows.unprotect import unprotect
from n6prog.layout.types import Placement
from n6prog.link.memory import SWD_CLOCKS_A_WORD
from n6prog.loader.protocol import Written
from n6prog.loader.status import Registers, failure
from n6prog.nor.digest import BLANK_SECTOR, digest
from n6prog.nor.geometry import SECTORS, bits
from n6prog.plan import BLOCK, ERASE_MODES, SECTOR, Block, EraseMode, Pair, Survey, Touched, Work
from n6prog.targets.chip import XSPI2_BASE
from n6prog.values import did_you_mean

if TYPE_CHECKING:
    from n6prog.flows.connection import Connection
    from n6prog.loader import Loader

_BY_THE_CHIP = ("E-WEL", "E-PROGRAM-FAIL", "E-ERASE-FAIL", "E-PROTECTED", "E-FLASH-BUSY")
"""What the loader reports of a block; a loader that was started anew may mean something else by them."""
AFTER = ("reset", "halt", "none")


@dataclass(frozen=True, slots=True)
class FlashOptions:
    """`erase`: changed, all-touched or chip. `after`: reset, halt or none. `verify`: the check of the address lines.

    `unprotect`: clear the block protection first, where there is any.
    """

    placing: Placing
    erase: str = "changed"
    verify: bool = True
    after: str = "reset"
    dry_run: bool = False
    unprotect: bool = False


@dataclass(frozen=True, slots=True)
class _Job:
    """One flash run in progress.

    `wanted`: what each touched sector is to hold; `expected`: the digests of that. `shared`: touched sectors that also
    hold bytes nobody asked for. `nor_size`: bytes of the part.
    """

    loader: Loader
    recorder: Recorder
    work: Work
    survey: Survey
    wanted: Mapping[int, bytes]
    expected: Mapping[int, int]
    shared: Collection[int]
    force: bool
    nor_size: int


@dataclass(frozen=True, slots=True)
class _Beside:
    """What was surveyed besides the touched sectors: offset -> digest; and the pairs that show the address lines."""

    digests: Mapping[int, int]
    pairs: Sequence[Pair]


def flash(connection: Connection, on_event: OnEvent, files: Sequence[Files], options: FlashOptions) -> Report:
    """Bring files into the NOR and verify every wanted byte by digest on the chip. See Board.flash.

    What the chip reads, each time for something that the others cannot give:

    - survey, before anything is sent: which sectors differ (only those travel), what the plan says, what the sectors
      beside them held;
    - old content, by the loader just before it changes a block, where it does not know better: the bytes themselves
      decide chunk by chunk what may be programmed without an erase (a digest cannot), and from them sectors nobody
      asked for are put back. It need not be read of sectors that the loader itself saw blank and has not touched since,
      nor further than to the first byte that makes an erase necessary;
    - proof, by the loader right behind it: what the NOR returns now against the buffer, and its digests, which come
      here with every block. It finds a program that did nothing (WEL is not asked for each page) while the failed
      block and its cause are still known;
    - address lines, after the last program, `verify`: a later block may have landed on an earlier one or on bytes
      nobody asked for (an address bit that does not reach the NOR, a part smaller than believed). No proof of one
      block at a time sees that; a pair of sectors for each bit does (n6prog.plan.partners), so that not everything
      needs to be read once more.

    Where the loader had to be started anew in the middle, everything is read once more all the same.
    """
    recorder = Recorder(
        "flash",
        connection,
        on_event,
        files=[str(file) for file in files],
        board=connection.board.name,
        erase=options.erase,
        after=options.after,
        dry_run=options.dry_run,
    )
    recorder.dry_run = options.dry_run
    return recorder.run(lambda: _body(connection, recorder, files, options))


def _body(connection: Connection, recorder: Recorder, files: Sequence[Files], options: FlashOptions) -> None:
    _check_options(options)
    images = on_profile(files, options.placing, connection, recorder)
    about = info.gather(connection, recorder)
    placement = on_device(images, options.placing, connection, recorder)
    loader, _, _ = connection.loader()
    if options.unprotect and not options.dry_run:
        unprotect(connection, recorder)
    if options.erase == "chip" and not options.dry_run:
        _erase_chip(loader, connection, recorder)
    job = _prepare(loader, connection, recorder, placement, options)
    _announce(job, about, placement, options)
    if not options.dry_run:
        if job.work.blocks:
            recorder.doubt = _span(job.work.blocks[0])
        beside = _survey_beside(job)
        _write(job, beside.digests)
        _verify(job, beside, lines=options.verify)
    recorder.stop_virtual_clock()
    connection.close_loader()
    _after(connection, recorder, options)


def _check_options(options: FlashOptions) -> None:
    if options.erase not in ERASE_MODES:
        raise UsageError.of(
            "E-USAGE",
            "erase",
            reason=f"{options.erase!r} is no erase mode",
            cure=did_you_mean(options.erase, ERASE_MODES),
        )
    if options.after == "run":
        raise UsageError.of(
            "E-USAGE",
            "after",
            reason="'run' is not in this version: a program in the NOR cannot be started over the probe yet",
            cure=f"Use --after reset, set the boot pins for flash boot and power-cycle. One of: {', '.join(AFTER)}.",
        )
    if options.after not in AFTER:
        raise UsageError.of(
            "E-USAGE",
            "after",
            reason=f"{options.after!r} is nothing to do afterwards",
            cure=did_you_mean(options.after, AFTER),
        )


def _erase_chip(loader: Loader, connection: Connection, recorder: Recorder) -> None:
    size = connection.device.nor.size
    step = recorder.progress("erase", size)
    loader.erase_chip()
    recorder.bytes.erased += size
    step(size)


def _prepare(
    loader: Loader, connection: Connection, recorder: Recorder, placement: Placement, options: FlashOptions
) -> _Job:
    """Survey what the flash holds and plan. After a chip erase it is surveyed like any other, and must be blank."""
    nor = connection.device.nor
    touched = plan.sectors(placement.flash, nor)
    survey = take(loader, touched, recorder)
    chip = options.erase == "chip"
    if chip and not options.dry_run:
        dirty = [offset for offset, held in survey.sectors.items() if held.digest != BLANK_SECTOR]
        if dirty:
            raise VerifyMismatch.of("E-NOT-BLANK", "chip", address=XSPI2_BASE + dirty[0], count=len(dirty))
    mode = "changed" if chip and not options.dry_run else options.erase
    work = plan.make(placement.flash, None if mode == "chip" else survey, nor, cast(EraseMode, mode))
    wanted = plan.contents(touched, None if mode == "chip" else survey)
    recorder.bytes.skipped = work.skipped
    return _Job(
        loader=loader,
        recorder=recorder,
        work=work,
        survey=survey,
        wanted=wanted,
        expected={offset: digest(data) for offset, data in wanted.items()},
        shared=_shared(touched, survey),
        force=mode == "all-touched",
        nor_size=nor.size,
    )


def _shared(touched: Sequence[Touched], survey: Survey) -> set[int]:
    """Sectors that hold something besides the bytes that are asked for. Erased for those, they may lose it."""
    held = ((item, survey.sectors[item.offset].data) for item in touched)
    return {item.offset for item, old in held if old is not None and item.content(old) != item.content()}


def _announce(job: _Job, about: info.BoardInfo, placement: Placement, options: FlashOptions) -> None:
    """Tell the plan, and what it means for each piece."""
    work, recorder = job.work, job.recorder
    changed = {block.start + number * SECTOR for block in work.blocks for number in bits(block.sectors)}
    recorder.pieces = piece_reports(placement, changed)
    seconds = _estimate(job, about.swd_clock_hz)
    recorder.estimated_seconds = seconds
    recorder.emit(
        EventType.PLAN,
        **about.as_dict(),
        blocks=len(work.blocks),
        sectors=len(changed),
        touched=len(job.wanted),
        bytes={
            "wanted": recorder.bytes.wanted,
            "sent": work.cost.sent,
            "erased": work.cost.erased,
            "programmed": work.cost.programmed,
            "skipped": work.skipped,
        },
        erases=[list(item) for item in work.cost.erases],
        estimated_seconds=seconds,
        dry_run=options.dry_run,
    )
    for piece in recorder.pieces:
        recorder.emit(EventType.REGION, **piece.as_dict())


def _estimate(job: _Job, swd_clock_hz: int) -> float:
    """Seconds: the survey, then the wire or the flash, whichever takes longer; each block is read before and after."""
    blocks, cost = job.work.blocks, job.work.cost
    beside = sum(SECTORS - block.sectors.bit_count() for block in blocks)
    survey = (len(job.wanted) + beside) * job.loader.reading
    wire = cost.sent / 4 * SWD_CLOCKS_A_WORD / swd_clock_hz
    return survey + max(wire, cost.seconds + 2 * len(blocks) * SECTORS * job.loader.reading)


def _survey_beside(job: _Job) -> _Beside:
    """Survey what must come out as it went in: the other sectors of the blocks, and partners of written ones."""
    blocks = job.work.blocks
    written = [block.start + number * SECTOR for block in blocks for number in bits(block.sectors)]
    unset = [
        block.start + number * SECTOR
        for block in blocks
        for number in range(SECTORS)
        if not block.sectors >> number & 1
    ]
    pairs = plan.pairs(written, job.expected, job.nor_size)
    beside = set(unset).union(pair.partner for pair in pairs).difference(job.expected)
    return _Beside(job.loader.survey(sorted(beside)) if beside else {}, pairs)


def _write(job: _Job, beside: Mapping[int, int]) -> None:
    """Write all blocks, checking each as it comes back. `beside`: digests of sectors nobody asked for."""
    step = job.recorder.progress("write", job.work.cost.sent)
    counts = job.recorder.bytes
    blocks = {block.start: block for block in job.work.blocks}
    todo = list(reversed(job.work.blocks))
    for written in _written(job):
        block = blocks[written.start]
        counts.sent += len(block.data)
        counts.erased += written.erased
        counts.programmed += written.programmed
        found = {block.start + number * SECTOR: value for number, value in enumerate(written.digests)}
        _check_block(job, block, written, found, beside)
        todo.remove(block)
        done = XSPI2_BASE + block.start
        job.recorder.at_stake = [at for at in job.recorder.at_stake if at // BLOCK * BLOCK != done]
        job.recorder.doubt = _span(todo[-1]) if todo else None
        step(len(block.data))
    if todo:
        raise failure("write", todo[-1].start, Status.MISMATCH, Registers())


def _written(job: _Job) -> Iterator[Written]:
    """What became of the blocks. Where the chip itself tells of a failure it has begun nothing behind that block."""
    recorder = job.recorder
    try:
        yield from job.loader.write_all(_handed_over(job), force=job.force, blank=_blank(job))
    except FlashFailure as error:
        if recorder.doubt is not None and error.code in _BY_THE_CHIP and not job.loader.recovered:
            failed = recorder.doubt[0] // BLOCK
            recorder.at_stake = [address for address in recorder.at_stake if address // BLOCK == failed]
        raise


def _handed_over(job: _Job) -> Iterator[Block]:
    """The blocks; from now on until its proof, what shares a sector with what a block brings is at stake."""
    for block in job.work.blocks:
        sectors = (block.start + number * SECTOR for number in bits(block.sectors))
        job.recorder.at_stake += [XSPI2_BASE + offset for offset in sectors if offset in job.shared]
        yield block


def _span(block: Block) -> tuple[int, int]:
    """Address and size of the sectors that a block brings, with those between them."""
    numbers = bits(block.sectors)
    first = block.start + numbers[0] * SECTOR
    return XSPI2_BASE + first, block.start + (numbers[-1] + 1) * SECTOR - first


def _blank(job: _Job) -> dict[int, int]:
    """Block start -> bitmap of its set sectors that the survey found blank."""
    held = job.survey.sectors
    return {
        block.start: sum(
            1 << number
            for number in bits(block.sectors)
            if (at := block.start + number * SECTOR) in held and held[at].digest == BLANK_SECTOR
        )
        for block in job.work.blocks
    }


def _check_block(
    job: _Job, block: Block, written: Written, found: Mapping[int, int], beside: Mapping[int, int]
) -> None:
    """The sectors that were asked for hold what they should, and the others what they held. Raises VerifyMismatch."""
    sent = {block.start + number * SECTOR for number in bits(written.sectors)}
    wrong = [offset for offset in sorted(sent) if found[offset] != job.expected[offset]]
    if wrong:
        raise mismatch(job.loader, wrong, lambda offset, _: job.wanted[offset], len(sent))
    travels = {block.start + number * SECTOR for number in bits(block.sectors)}
    rest = (offset for offset in found if offset not in travels)
    _check_neighbours({offset: job.expected.get(offset, beside.get(offset, -1)) for offset in rest}, found)
    if not written.ok or sent != travels:
        raise failure("write", block.start, Status.MISMATCH, Registers())


def _check_neighbours(before: Mapping[int, int], now: Mapping[int, int]) -> None:
    """Sectors nobody asked for hold what they held. Raises VerifyMismatch E-NEIGHBOUR."""
    lost = [offset for offset, value in before.items() if now[offset] != value]
    if lost:
        raise VerifyMismatch.of(
            "E-NEIGHBOUR",
            "flash",
            address=XSPI2_BASE + lost[0],
            block=XSPI2_BASE + lost[0] // BLOCK * BLOCK,
            count=len(lost),
        )


def _verify(job: _Job, beside: _Beside, *, lines: bool) -> None:
    """After the last program: do the address lines all arrive? Raises VerifyMismatch.

    Everything is looked at where the loader had to be started anew, what was proven before included.
    """
    if not job.work.blocks:
        return  # nothing was written since the survey, which found every wanted byte right
    held = {**beside.digests, **job.expected}
    if job.loader.recovered:
        offsets = set(held)
    elif lines:
        offsets = {offset for pair in beside.pairs for offset in (pair.written, pair.partner)}
    else:
        return
    job.recorder.doubt = _span(job.work.blocks[0])
    now = job.loader.survey(sorted(offsets), job.recorder.progress("verify", len(offsets) * SECTOR))
    job.recorder.doubt = None
    wrong = [offset for offset in sorted(offsets) if offset in job.expected and now[offset] != job.expected[offset]]
    if wrong:
        job.recorder.doubt = (XSPI2_BASE + wrong[0], SECTOR)
        raise mismatch(job.loader, wrong, lambda offset, _: job.wanted[offset], len(offsets))
    _check_neighbours({offset: beside.digests[offset] for offset in offsets if offset not in job.expected}, now)


def _after(connection: Connection, recorder: Recorder, options: FlashOptions) -> None:
    """Leave the chip as asked, and say what it takes to start the program. The work is done: no failure any more."""
    if options.dry_run:
        return
    board = connection.board
    pins = board.flash_help or "set the boot pins for flash boot"
    start = f"To start the program from flash: {pins}, then power-cycle."
    found = finding("I-DONE-DEV", board.title, start=start)
    try:
        if (mode := connection.link.chip_info().boot_mode) != "development boot":  # a program opened debug
            found = finding("I-DONE-BOOT", board.title, mode=mode)
        if options.after == "halt":
            connection.link.halt()
        elif options.after == "reset":
            connection.link.reset()
    except FlashFailure:  # the simulated board caught what would have hurt a real one
        raise
    except N6ProgError as error:
        done = {"halt": "halted", "reset": "reset"}.get(options.after, "asked for its boot mode")
        found = finding("W-AFTER", done, reason=error.findings[0].text, start=start)
    recorder.say([found])
