"""What can be told of the program at run time: memory that is not there, and code that is linked for another place."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

from n6prog.findings import Finding, finding
from n6prog.image import stm2
from n6prog.image.types import Chunk, Cleared, Image, Kind
from n6prog.layout.refusals import names_of
from n6prog.layout.types import Piece
from n6prog.layout.vectors import is_vector_table
from n6prog.targets.chip import XSPI1_BASE, region_at
from n6prog.targets.schema import Device

_ITCM_DEFAULT = 64 << 10
_NOTHING_THERE = ("typo07", "bootrom", "fmc", "xspi3")


def check_memory(image: Image, device: Device) -> list[Finding]:
    """Memory that the program uses at run time and that this board does not have. One warning a region."""
    used = [*image.cleared, *(_at_run_time(chunk) for chunk in image.chunks if chunk.run_address is not None)]
    from_zero = _from_zero(used)
    found = []
    if from_zero and (end := max(item.address + item.size for item in from_zero)) > _ITCM_DEFAULT:
        found.append(_warning("W-RUN-REGION0", image.file, from_zero, last=end - 1))
    groups: dict[str, list[Cleared]] = {}
    for item in used:
        if item not in from_zero and _is_missing(item, device):
            region = region_at(item.address)
            groups.setdefault(region.name if region else "no memory", []).append(item)
    return found + [
        _warning("W-RUN-MEMORY", image.file, items, region=region, board=device.board.title)
        for region, items in groups.items()
    ]


def _at_run_time(chunk: Chunk) -> Cleared:
    assert chunk.run_address is not None
    return Cleared(chunk.run_address, chunk.size, chunk.origin)


def _from_zero(used: Iterable[Cleared]) -> list[Cleared]:
    """What starts at 0, and what goes on behind it over the end of the ITCM."""
    rows: list[Cleared] = []
    end = 0
    for item in sorted(used, key=lambda item: (item.address, item.size)):
        if item.address > -(-end // 32) * 32:
            break
        rows.append(item)
        end = max(end, item.address + item.size)
    return rows


def _is_missing(item: Cleared, device: Device) -> bool:
    region = region_at(item.address)
    if region is None or region.kind in _NOTHING_THERE:
        return True
    return region.kind == "psram" and item.address + item.size > XSPI1_BASE + device.board.psram


def _warning(code: str, file: str, items: Sequence[Cleared], **evidence: str | int) -> Finding:
    return finding(
        code,
        file,
        what=names_of(item.origin for item in items),
        bytes=sum(item.size for item in items),
        address=min(item.address for item in items),
        **evidence,
    )


def check_linking(image: Image, pieces: Iterable[Piece]) -> Iterator[Finding]:
    """Programs that are not linked for the place in the flash they go to. `pieces`: those of this image.

    An ELF says itself where it is linked, so only other files are looked at.
    """
    if image.kind is Kind.ELF:
        return
    for piece in pieces:
        header = stm2.parse(piece.data)
        if header is not None:
            if not header.encrypted:
                yield from _elsewhere(piece, header.entry, header.total)
        elif is_vector_table(piece.data):
            stack, reset = struct.unpack_from("<2I", piece.data)
            yield from _elsewhere(piece, reset, piece.size)
            region = region_at(reset)
            if region is None or region.kind != "nor":
                yield finding("W-LINKED-RAM", piece.origin.file, address=piece.address, reset=reset, stack=stack)


def _elsewhere(piece: Piece, reset: int, size: int) -> Iterator[Finding]:
    region = region_at(reset)
    if region is None or region.kind != "nor" or piece.address <= reset < piece.address + size:
        return
    start = stm2.APP_FLASH + (0 if stm2.parse(piece.data) else stm2.VECTORS)
    hint = f"Did you mean {start:#010x}? " if start <= reset < start + size else ""
    last = piece.address + size - 1
    yield finding("W-LINKED-ELSEWHERE", piece.origin.file, address=piece.address, last=last, reset=reset, hint=hint)


_GAP = 1 << 20


def check_filling(image: Image) -> Iterator[Finding]:
    """W-RAW-GAP for raw bytes with a mebibyte or more of 0x00 or 0xFF between two parts of them."""
    if image.kind is not Kind.RAW:
        return
    for chunk in image.chunks:
        gap = _longest_filling(chunk.data)
        if gap is not None:
            fill, start, end = gap
            yield finding("W-RAW-GAP", chunk.origin.file, gap=end - start, bytes=chunk.size, fill=fill, offset=start)


def _longest_filling(data: memoryview) -> tuple[int, int, int] | None:
    """The longest run of whole 64 KiB blocks of one fill value, if it is `_GAP` or longer: value, start, end."""
    step = 1 << 16
    best: tuple[int, int, int] | None = None
    for fill in (0x00, 0xFF):
        block, start = bytes([fill]) * step, -1
        for at in range(0, len(data) + step, step):
            if data[at : at + step] == block:
                start = at if start < 0 else start
                continue
            if start > 0 and at < len(data) and at - start >= max(_GAP, best[2] - best[1] if best else 0):
                best = (fill, start, at)
            start = -1
    return best
