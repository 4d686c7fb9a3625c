"""The loader that is called: one entry of the flash algorithm at a time, arguments and results through RAM."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING

from n6prog.errors import FlashFailure, N6ProgError, TargetUnreachable
from n6prog.flash_algos import LoaderImage, mailbox
from n6prog.flash_algos.mailbox import (
    BLOCK_SIZE,
    JOB_ERASE_ALL_SET,
    LOADER_BUFFER,
    LOADER_PARAMS,
    LOADER_STACK_TOP,
    LOADER_TABLE,
    NO_OFFSET,
    NOR_BASE,
    SECTOR_SIZE,
    SECTORS_PER_BLOCK,
    BoardSetup,
    Job,
    NorSetup,
    Result,
    Status,
)
from n6prog.loader.image import load, send
from n6prog.loader.protocol import SECTOR_READ, SECTOR_SURVEY, Identity, OnBytes, Written, quiet, runs
from n6prog.loader.setup import board_setup, nor_setup
from n6prog.loader.status import Registers, failure, stuck, written
from n6prog.loader.times import GRACE, PATIENCE, erase_span, write_span
from n6prog.nor.digest import PRIME
from n6prog.nor.geometry import bits
from n6prog.plan.types import Block
from n6prog.targets import schema
from n6prog.targets.schema import BoardProfile, NorPart

if TYPE_CHECKING:
    from n6prog.link import Link

_NOR_SETUP = LOADER_PARAMS
_BOARD_SETUP = _NOR_SETUP + NorSetup.SIZE
_IDENTITY = _BOARD_SETUP + BoardSetup.SIZE
_JOB = LOADER_PARAMS + 0x800
_RESULT = LOADER_PARAMS + 0x840

_UNTOUCHED = b"\xff"  # no digest is this large, no status is -1: what the chip did not write is seen

_OPEN_TIMEOUT = 4.0  # three resets of at most 0.1 s each, RDID, SFDP

_REGISTER_TIMEOUT = 1.0  # the status register takes 40 ms at most (hw-flash 4.1)

_SURVEY_MOST = 1024  # sectors a call: more than a second of work, and a step of the progress bar


class ClassicLoader:
    """`Loader` over the CMSIS-style call: set registers, let the core run, poll until it halts at the return address.

    `part` is what the NOR is taken for until it is identified; None takes the board profile's.
    `image` is the code to run; None takes the one that ships. Raises FlashFailure for a damaged image.
    """

    def __init__(
        self,
        link: Link,
        board: BoardProfile,
        part: NorPart | None = None,
        image: LoaderImage | str | PathLike[str] | None = None,
    ) -> None:
        self._link = link
        self._board = board
        self._part = part or schema.load_part(board.part)
        self._image = load(image)
        self._loaded = False
        self.recovered = 0

    @property
    def reading(self) -> float:
        """Seconds to read a sector and digest it."""
        return SECTOR_SURVEY

    def open(self, part: NorPart | None = None) -> Identity:
        """Send the code, check it in RAM, start it, reset the NOR to 1S, identify it.

        Raises FlashFailure: E-LOADER-RAM, E-FLASH-ID, E-LOADER-STATUS.
        """
        self._part = part or self._part
        if not self._loaded:
            self._link.prepare()
            send(self._link, self._image)
            self._loaded = True
        setups = nor_setup(self._part).pack() + board_setup(self._board).pack()
        setups += _UNTOUCHED * 4  # over the status
        self._link.write(_NOR_SETUP, setups)
        if self._link.read(_NOR_SETUP, len(setups)) != setups:  # what is in there goes to pads and to the NOR
            raise FlashFailure.of("E-LOADER-ANSWER", "open", address=NOR_BASE)
        status = self._call("n6_open", _NOR_SETUP, _BOARD_SETUP, _IDENTITY, timeout=_OPEN_TIMEOUT)
        found = mailbox.Identity.unpack(self._link.read(_IDENTITY, mailbox.Identity.SIZE))
        jedec = bytes(found.jedec[:3])
        if status == Status.NO_ANSWER:
            raise FlashFailure.of("E-FLASH-ID", self._board.name, rdid=jedec.hex(" ").upper(), board=self._board.name)
        registers = Registers(found.sr, found.scur)
        if status != Status.OK:
            raise failure("open", 0, status, registers, _OPEN_TIMEOUT)
        if found.status != status:
            raise FlashFailure.of("E-LOADER-ANSWER", "open", address=NOR_BASE)
        return Identity(jedec, found.sr, found.scur, bytes(found.sfdp[: min(found.sfdp_bytes, mailbox.SFDP_SIZE)]))

    def survey(self, offsets: Sequence[int], on_bytes: OnBytes = quiet) -> dict[int, int]:
        """Digests of sectors as the NOR returns them: offset -> digest. `offsets` ascend and are multiples of 4096."""
        found: dict[int, int] = {}
        for first, count in runs(offsets, SECTOR_SIZE, _SURVEY_MOST):
            self._link.write(LOADER_TABLE, _UNTOUCHED * (8 * count))
            expect = count * SECTOR_SURVEY
            self._must("survey", first, "n6_survey", first, count, LOADER_TABLE, expect=expect)
            table = memoryview(self._link.read(LOADER_TABLE, 8 * count)).cast("Q").tolist()
            if max(table) >= PRIME:
                raise FlashFailure.of("E-LOADER-ANSWER", "survey", address=NOR_BASE + first)
            found.update(zip(range(first, first + count * SECTOR_SIZE, SECTOR_SIZE), table, strict=True))
            on_bytes(count * SECTOR_SIZE)
        return found

    def write_all(
        self, blocks: Iterable[Block], *, force: bool = False, blank: Mapping[int, int] | None = None
    ) -> Iterator[Written]:
        """Write blocks one by one; see Loader.write_all."""
        for block in blocks:
            yield self.write(block, force=force, blank=(blank or {}).get(block.start, 0))

    def write(self, block: Block, *, force: bool = False, blank: int = 0) -> Written:
        """Send a block's sectors and let the chip erase and program what differs.

        Gives the digests of all 16 sectors, also when the chip itself found that they are not as wanted (`ok` False).
        """
        at = 0
        for first, count in runs(bits(block.sectors), 1, SECTORS_PER_BLOCK):
            size = count * SECTOR_SIZE
            self._link.write(LOADER_BUFFER + first * SECTOR_SIZE, block.data[at : at + size])
            at += size
        flags = JOB_ERASE_ALL_SET if force else 0
        job = Job(offset=block.start, sectors=block.sectors, flags=flags, data=LOADER_BUFFER)
        self._link.write(_JOB, job.pack().ljust(_RESULT - _JOB, b"\0") + _UNTOUCHED * Result.SIZE)
        span = write_span(self._part, block.sectors, 0 if force else blank, SECTOR_SURVEY)
        status = self._call("n6_write_block", _JOB, _RESULT, expect=span.expected, timeout=span.longest)
        result = Result.unpack(self._link.read(_RESULT, Result.SIZE))
        if result.status != status:
            raise FlashFailure.of("E-LOADER-ANSWER", "write", address=NOR_BASE + block.start)
        if status not in (Status.OK, Status.MISMATCH):
            offset = block.start if result.failed_at == NO_OFFSET else result.failed_at
            raise failure("write", offset, status, Registers(result.sr, result.scur), span.longest)
        return written(job, result)

    def read(self, offset: int, size: int, on_bytes: OnBytes = quiet) -> bytes:
        """Bytes of the NOR, `size` of them from `offset`; whole sectors travel."""
        start, end = offset // SECTOR_SIZE * SECTOR_SIZE, -(-(offset + size) // SECTOR_SIZE) * SECTOR_SIZE
        pieces = []
        for at in range(start, end, BLOCK_SIZE):
            count = min(BLOCK_SIZE, end - at)
            self._must("read", at, "n6_read", at, count, LOADER_BUFFER, expect=count / SECTOR_SIZE * SECTOR_READ)
            pieces.append(self._link.read(LOADER_BUFFER, count))
            on_bytes(count)
        return b"".join(pieces)[offset - start : offset - start + size]

    def erase(self, offset: int, size: int, on_bytes: OnBytes = quiet) -> None:
        """Erase whole sectors; `offset` and `size` are multiples of 4096. One call a 64 KiB block."""
        at, end = offset, offset + size
        while at < end:
            count = min(at // BLOCK_SIZE * BLOCK_SIZE + BLOCK_SIZE, end) - at
            span = erase_span(self._part, count // SECTOR_SIZE)
            self._must("erase", at, "n6_erase", at, count, expect=span.expected, timeout=span.longest)
            on_bytes(count)
            at += count

    def erase_chip(self) -> None:
        """Erase everything, with the part's own chip erase where it has one."""
        timeout = self._part.chip_erase_max * 1.1 + GRACE
        self._must("erase", 0, "EraseChip", expect=self._part.chip_erase_typ, timeout=timeout)

    def unprotect(self) -> None:
        """Clear the block-protection bits; see Loader.unprotect."""
        self._must("unprotect", 0, "n6_unprotect", timeout=_REGISTER_TIMEOUT)

    def close(self) -> None:
        """Leave the NOR mapped in 1S; the code must be opened again before it works again."""
        self._must("close", 0, "n6_close")

    def moved(self, link: Link) -> None:
        """Go on over another link to the same chip, whose state is the same."""
        self._link = link

    def abandon(self) -> None:
        """Nothing runs on the chip between two calls."""

    def _must(
        self, action: str, offset: int, entry: str, *args: int, expect: float = 0.0, timeout: float = 0.0
    ) -> None:
        """Call an entry; anything but OK is a FlashFailure, with block protection where that was the reason."""
        longest = timeout or expect * PATIENCE + GRACE
        status = self._call(entry, *args, expect=expect, timeout=longest)
        if status != Status.OK:
            registers = self._registers() if status == Status.PROTECTED else Registers()
            raise failure(action, offset, status, registers, longest)

    def _registers(self) -> Registers:
        """SR after a failure. Opening again resets the NOR: the other bits are gone by then, block protection stays."""
        try:
            identity = self.open()
        except N6ProgError:
            return Registers()  # the failure itself is what counts
        return Registers(identity.sr)

    def _call(self, entry: str, *args: int, expect: float = 0.0, timeout: float) -> int:
        """Run one entry. Raises FlashFailure for code that crashes, does not end, or hangs the bus."""
        address = self._image.entries[entry]
        try:
            return self._link.call(address, *args, stack=LOADER_STACK_TOP, timeout=timeout, expect=expect, name=entry)
        except TargetUnreachable as error:
            if error.code != "E-NO-HALT":
                raise
            raise stuck(entry, error) from error
