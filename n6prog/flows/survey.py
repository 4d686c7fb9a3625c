"""What the flash holds now, and what it looks like where it is not what it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from n6prog import plan
from n6prog.errors import FlashFailure, N6ProgError, VerifyMismatch
from n6prog.findings import finding
from n6prog.flows.compare import difference
from n6prog.loader.protocol import OnBytes, quiet, runs
from n6prog.nor.digest import digest
from n6prog.nor.geometry import SECTORS
from n6prog.plan import SECTOR, Block, Sector, Survey, Touched
from n6prog.targets.chip import XSPI2_BASE

if TYPE_CHECKING:
    from n6prog.flows.recorder import Recorder
    from n6prog.loader import Loader


def take(loader: Loader, touched: Sequence[Touched], recorder: Recorder) -> Survey:
    """Digests of all touched sectors, and the old bytes of those that are covered in part and not blank.

    Raises FlashFailure E-READ when bytes do not arrive as the chip has them.
    """
    digests = loader.survey([item.offset for item in touched], recorder.progress("survey", len(touched) * SECTOR))
    wanted = plan.to_read(touched, digests)
    old = read_sectors(loader, wanted, digests, recorder.progress("read", len(wanted) * SECTOR) if wanted else quiet)
    return Survey({offset: Sector(value, old.get(offset)) for offset, value in digests.items()})


def read_sectors(
    loader: Loader, offsets: Sequence[int], digests: Mapping[int, int], on_bytes: OnBytes = quiet
) -> dict[int, bytes]:
    """Bytes of sectors, each checked against the digest the chip gave for it. Raises FlashFailure E-READ."""
    found: dict[int, bytes] = {}
    for first, count in runs(offsets, SECTOR, SECTORS):
        data = loader.read(first, count * SECTOR, on_bytes)
        for number in range(count):
            offset = first + number * SECTOR
            found[offset] = data[number * SECTOR : (number + 1) * SECTOR]
            if digest(found[offset]) != digests[offset]:
                raise FlashFailure.of("E-READ", "read", address=XSPI2_BASE + offset)
    return found


def neighbours(loader: Loader, blocks: Iterable[Block], survey: Survey) -> dict[int, int]:
    """Digests of the other sectors of the same 64 KiB blocks: they must come out as they went in."""
    known = {offset: held.digest for offset, held in survey.sectors.items()}
    unset = [
        block.start + number * SECTOR
        for block in blocks
        for number in range(SECTORS)
        if not block.sectors >> number & 1
    ]
    found = loader.survey([offset for offset in unset if offset not in known])
    return {offset: known.get(offset, found.get(offset, -1)) for offset in unset}


def mismatch(
    loader: Loader,
    wrong: Sequence[int],
    content: Callable[[int, bytes], bytes],
    checked: int,
    *,
    written: bool = True,
) -> VerifyMismatch:
    """The exception for sectors that are not as wanted: the first is read back and its pattern named.

    `wrong`: sector offsets, ascending. `content(offset, read)`: what the sector is to hold, given what was read (bytes
    that nobody asked for are taken from there). `checked`: how many sectors were compared. `written`: whether this
    flow wrote them.
    """
    offset = wrong[0]
    shown: dict[str, str | int | float | None] = {"sectors": len(wrong), "checked": checked}
    shown |= {"verb": "wrote" if written else "wanted", "differ": "bytes differ"}
    try:
        read = loader.read(offset, SECTOR)
    except N6ProgError as error:
        shown |= {"address": XSPI2_BASE + offset, "wrote": "?", "read": f"nothing ({error.code})", "bytes": "?"}
        shown |= {"pattern": "the digest differs, and the bytes cannot be read", "advice": "Power-cycle the board."}
        return VerifyMismatch(finding("E-VERIFY", "flash", **shown))
    found = difference(content(offset, read), read, written=written)
    if found is None:
        shown |= {"address": XSPI2_BASE + offset, "wrote": "?", "read": "the same bytes", "bytes": 0}
        shown |= {
            "pattern": "the digest on the chip differs, the bytes read are right: unstable",
            "advice": "Run flash again; if it stays, power-cycle the board with BOOT1=1.",
        }
        return VerifyMismatch(finding("E-VERIFY", "flash", **shown))
    shown |= {
        "address": XSPI2_BASE + offset + found.offset,
        "wrote": found.wrote.hex(" "),
        "read": found.read.hex(" "),
        "bytes": found.count,
        "differ": "byte differs" if found.count == 1 else "bytes differ",
        "pattern": found.pattern,
        "advice": found.advice,
    }
    return VerifyMismatch(finding("E-VERIFY", "flash", **shown))
