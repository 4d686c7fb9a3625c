"""The loader that stays: one call on the chip takes jobs until it is told to stop, while the core runs."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING

from n6prog.errors import FlashFailure, N6ProgError
from n6prog.flash_algos import LoaderImage
from n6prog.flash_algos.mailbox import (
    BLOCK_SIZE,
    BUS_8D,
    JOB_DEFLATE,
    JOB_ERASE_ALL_SET,
    LOADER_BUFFER,
    LOADER_TABLE,
    NO_OFFSET,
    NOR_BASE,
    OP_ERASE,
    OP_READ,
    OP_SURVEY,
    SECTOR_SIZE,
    Descriptor,
    Outcome,
    Status,
)
from n6prog.link.memory import SWD_CLOCKS_A_WORD
from n6prog.loader.classic import ClassicLoader
from n6prog.loader.image import load
from n6prog.loader.packing import packed
from n6prog.loader.pieces import split
from n6prog.loader.protocol import SECTOR_READ, Identity, OnBytes, Written, quiet, runs
from n6prog.loader.ring import Order, write_order
from n6prog.loader.runner import Runner, Work
from n6prog.loader.service import Service
from n6prog.loader.status import Registers, failure, written
from n6prog.loader.times import erase_span, operation_longest, write_span
from n6prog.nor.digest import PRIME
from n6prog.plan.types import Block
from n6prog.targets import schema
from n6prog.targets.schema import BoardProfile, NorPart

if TYPE_CHECKING:
    from n6prog.link import Link

_SURVEY_JOB = 256  # sectors; the table holds 32 of these jobs
_TABLE_JOBS = 0x10000 // 8 // _SURVEY_JOB
_READ_BUFFERS = (LOADER_BUFFER, LOADER_TABLE)
_OCTAL_READ = SECTOR_SIZE / 64e6  # 8D at 32 MHz
_DIGEST = 0.13e-3  # 512 words at about 13 instructions, 1.3 cycles each, 64 MHz

Relink = Callable[[N6ProgError], "Link"]
"""Brings a lost link back, a step slower, without touching the core; raises when it cannot."""


class ResidentLoader:
    """`Loader` over the resident service, which is started with the first job.

    Arguments as for ClassicLoader. `relink`: see `Relink`; None: a lost link is the end. `recovered` counts how often
    the service had to be started anew: what was acknowledged before is in the flash, and is to be looked at again.
    """

    def __init__(
        self,
        link: Link,
        board: BoardProfile,
        part: NorPart | None = None,
        image: LoaderImage | str | PathLike[str] | None = None,
        relink: Relink | None = None,
    ) -> None:
        self._link = link
        self._board = board
        self._part = part or schema.load_part(board.part)
        self._image = load(image)
        self._relink = relink
        self._classic = ClassicLoader(link, board, self._part, self._image)
        self._service: Service | None = None
        self.recovered = 0

    def open(self, part: NorPart | None = None) -> Identity:
        """Send the code, check it, reset the NOR to 1S, identify it. Raises as ClassicLoader.open."""
        self._stop()
        self._part = part or self._part
        return self._classic.open(part)

    def survey(self, offsets: Sequence[int], on_bytes: OnBytes = quiet) -> dict[int, int]:
        """Digests of sectors as the NOR returns them: offset -> digest. `offsets` ascend, multiples of 4096."""
        if len(offsets) > _SURVEY_JOB:
            return self._survey_many(offsets, on_bytes)
        works = list(self._survey_works(offsets))
        for work, outcome in self._runner().run(works):
            self._must("survey", work, outcome)
            on_bytes(work.order.descriptor.count * SECTOR_SIZE)
        return dict(zip(offsets, self._table(LOADER_TABLE, offsets), strict=True))

    def _survey_many(self, offsets: Sequence[int], on_bytes: OnBytes) -> dict[int, int]:
        """Digests are fetched while the chip computes the next ones."""
        found: dict[int, int] = {}
        for work, outcome in self._runner().run(self._survey_works(offsets), depth=_TABLE_JOBS // 2):
            job = work.order.descriptor
            self._must("survey", work, outcome)
            sectors = range(job.offset, job.offset + job.count * SECTOR_SIZE, SECTOR_SIZE)
            found.update(zip(sectors, self._table(job.to, sectors), strict=True))
            on_bytes(job.count * SECTOR_SIZE)
        return found

    def _survey_works(self, offsets: Sequence[int]) -> Iterator[Work]:
        """One job for each run of sectors; their digests lie side by side, round and round the table."""
        at = 0
        for first, count in runs(offsets, SECTOR_SIZE, _SURVEY_JOB):
            at = 0 if at + count > _TABLE_JOBS * _SURVEY_JOB else at
            order = Order(Descriptor(op=OP_SURVEY, offset=first, count=count, to=LOADER_TABLE + 8 * at))
            yield Work(order, count * self._reading())
            at += count

    def _table(self, address: int, offsets: Sequence[int]) -> list[int]:
        """The digests of these sectors, from the chip's table."""
        table: list[int] = memoryview(self._fetched(address, 8 * len(offsets))).cast("Q").tolist() if offsets else []
        for offset, value in zip(offsets, table, strict=True):
            if value >= PRIME:
                raise FlashFailure.of("E-LOADER-ANSWER", "survey", address=NOR_BASE + offset)
        return table

    def write_all(
        self, blocks: Iterable[Block], *, force: bool = False, blank: Mapping[int, int] | None = None
    ) -> Iterator[Written]:
        """Send blocks and give what became of each, in order; see Loader.write_all."""
        parts: dict[int, list[Written]] = {}
        rest: dict[int, int] = {}
        for work, outcome in self._runner().run(self._write_works(blocks, rest, blank or {}, force=force)):
            start = work.tag
            parts.setdefault(start, []).append(self._written(work, outcome))
            rest[start] -= 1
            if not rest[start] or not parts[start][-1].ok:
                yield _merged(parts.pop(start))

    def _write_works(
        self, blocks: Iterable[Block], rest: dict[int, int], blank: Mapping[int, int], *, force: bool
    ) -> Iterator[Work]:
        """The jobs of blocks; counts in `rest` how many there are for each."""
        flags = JOB_ERASE_ALL_SET if force else 0
        speed = self._link.swd_clock_hz / SWD_CLOCKS_A_WORD * 4
        for block, pieces in split(blocks, {} if force else blank):
            rest[block.start] = len(pieces)
            for piece in pieces:
                known = 0 if force else blank.get(block.start, 0)
                span = write_span(self._part, piece.sectors, known, self._reading())
                small = packed(piece.data, speed) if len(piece.data) / speed > span.expected else None
                packing = 0 if small is None else JOB_DEFLATE
                order = write_order(piece.start, piece.sectors, piece.data, flags | packing, small)
                yield Work(order, span.expected, tag=block.start)

    def _written(self, work: Work, outcome: Outcome) -> Written:
        if outcome.status not in (Status.OK, Status.MISMATCH):
            raise self._failure("write", work, outcome)
        return written(work.order.descriptor, outcome)

    def read(self, offset: int, size: int, on_bytes: OnBytes = quiet) -> bytes:
        """Bytes of the NOR; one buffer is filled while the other is fetched."""
        start, end = offset // SECTOR_SIZE * SECTOR_SIZE, -(-(offset + size) // SECTOR_SIZE) * SECTOR_SIZE
        works = (
            self._read_work(number, at, min(BLOCK_SIZE, end - at))
            for number, at in enumerate(range(start, end, BLOCK_SIZE))
        )
        pieces: dict[int, bytes] = {}
        for work, outcome in self._runner().run(works, depth=len(_READ_BUFFERS)):
            job = work.order.descriptor
            self._must("read", work, outcome)
            pieces[job.offset] = self._fetched(job.to, job.count)
            on_bytes(job.count)
        return b"".join(pieces[at] for at in sorted(pieces))[offset - start : offset - start + size]

    def _read_work(self, number: int, offset: int, count: int) -> Work:
        to = _READ_BUFFERS[number % len(_READ_BUFFERS)]
        order = Order(Descriptor(op=OP_READ, offset=offset, count=count, to=to))
        return Work(order, count / SECTOR_SIZE * self._reading(digest=False))

    def erase(self, offset: int, size: int, on_bytes: OnBytes = quiet) -> None:
        """Erase whole sectors; `offset` and `size` are multiples of 4096. One job a 64 KiB block."""
        for work, outcome in self._runner().run(self._erase_works(offset, offset + size)):
            self._must("erase", work, outcome)
            on_bytes(work.order.descriptor.count)

    def _erase_works(self, at: int, end: int) -> Iterator[Work]:
        while at < end:
            count = min(at // BLOCK_SIZE * BLOCK_SIZE + BLOCK_SIZE, end) - at
            order = Order(Descriptor(op=OP_ERASE, offset=at, count=count))
            yield Work(order, erase_span(self._part, count // SECTOR_SIZE).expected)
            at += count

    def erase_chip(self) -> None:
        """Erase everything, with the part's own chip erase where it has one."""
        self._stop()
        self._classic.erase_chip()

    def unprotect(self) -> None:
        """Clear the block-protection bits; see Loader.unprotect."""
        self._stop()
        self._classic.unprotect()

    def close(self) -> None:
        """End the service and leave the NOR mapped in 1S; the code must be opened again before it works again."""
        self._stop()
        self._classic.close()

    def abandon(self) -> None:
        """End the service after a failure; the chip is as the failure left it."""
        self._stop()

    def _stop(self) -> None:
        service, self._service = self._service, None
        if service is not None:
            service.stop(operation_longest(self._part))

    def _runner(self) -> Runner:
        """A runner on the service, which is started now if it was not."""
        if self._service is None:
            self._service = self._started()
        return Runner(lambda: self._link, self._service, self._mend, operation_longest(self._part))

    def _started(self) -> Service:
        # A word that differs from run to run, and is the same in the same run on a simulated board.
        session = zlib.crc32(f"{self._link.now()!r} {self.recovered}".encode()) | 1
        service = Service(self._link, self._image, session)
        service.start()
        return service

    def _mend(self, error: N6ProgError) -> tuple[Service, bool]:
        """See Runner."""
        service, self._service = self._service, None  # nothing is there to be ended while there is no link
        reset = error.findings[0].evidence.get("AP1") == "closed"  # no link that was lost: nothing of ours runs now
        if self._relink is None or service is None or reset:
            raise error
        self._link = self._relink(error)
        self._classic.moved(self._link)
        if service.moved(self._link):
            self._service = service
            return service, False
        self.recovered += 1
        self._classic = ClassicLoader(self._link, self._board, self._part, self._image)
        self._classic.open()
        self._service = self._started()
        return self._service, True

    def _fetched(self, address: int, size: int) -> bytes:
        """What a job left in RAM."""
        return self._link.read(address, size)

    @property
    def reading(self) -> float:
        """Seconds to read a sector and digest it, over the bus as it is."""
        return self._reading()

    def _reading(self, *, digest: bool = True) -> float:
        """Seconds to read a sector (and digest it) over the bus as it is."""
        octal = self._service is not None and self._service.state.bus == BUS_8D
        return (_OCTAL_READ if octal else SECTOR_READ) + (_DIGEST if digest else 0.0)

    def _must(self, action: str, work: Work, outcome: Outcome) -> None:
        job = work.order.descriptor
        if outcome.status != Status.OK:
            raise self._failure(action, work, outcome)
        if outcome.count != job.count:
            raise FlashFailure.of("E-LOADER-ANSWER", action, address=NOR_BASE + job.offset)

    def _failure(self, action: str, work: Work, outcome: Outcome) -> N6ProgError:
        offset = work.order.descriptor.offset if outcome.failed_at == NO_OFFSET else outcome.failed_at
        registers = Registers(outcome.sr, outcome.scur)
        return failure(action, offset, outcome.status, registers, operation_longest(self._part))


def _merged(parts: Sequence[Written]) -> Written:
    """Jobs of one block as one: all that was done, and what the block holds after the last."""
    last = parts[-1]
    return Written(
        start=last.start,
        sectors=sum(part.sectors for part in parts),
        ok=all(part.ok for part in parts),
        digests=last.digests,
        erased=sum(part.erased for part in parts),
        programmed=sum(part.programmed for part in parts),
        sector_erases=sum(part.sector_erases for part in parts),
        block_erases=sum(part.block_erases for part in parts),
        page_programs=sum(part.page_programs for part in parts),
    )
