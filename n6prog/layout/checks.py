"""Checks over all pieces together: do they fit the part, do they overlap, do boot slots get what is read there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from n6prog.findings import Finding, finding
from n6prog.image import stm2
from n6prog.layout.refusals import BOOT_ROM, FIRST_STAGE, names_of
from n6prog.layout.types import Piece
from n6prog.layout.vectors import has_header
from n6prog.targets.chip import CUTS, XSPI2_BASE
from n6prog.targets.schema import Device, Slot

BOOT_ADDRESSES = (stm2.FSBL_FLASH, stm2.FSBL_FLASH + 0x4_0000)
"""Where the boot ROM looks for a first stage: at the start of the NOR and 256 KiB further."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Bytes of one file without a gap: first piece, and the address after the last one."""

    first: Piece
    end: int

    @property
    def file(self) -> str:
        return self.first.origin.file

    @property
    def start(self) -> int:
        return self.first.address


def _spans(pieces: Sequence[Piece]) -> Iterator[_Span]:
    """The spans of pieces that are sorted by address."""
    open_spans: dict[str, _Span] = {}
    for piece in pieces:
        span = open_spans.get(piece.origin.file)
        if span is not None and piece.address <= span.end:
            open_spans[span.file] = _Span(span.first, max(span.end, piece.end))
            continue
        if span is not None:
            yield span
        open_spans[piece.origin.file] = _Span(piece, piece.end)
    yield from open_spans.values()


def check_capacity(pieces: Sequence[Piece], device: Device) -> list[Finding]:
    """E-SIZE for each file that leaves the part. `pieces` sorted by address."""
    limit = XSPI2_BASE + device.nor.size
    beyond: dict[str, list[Piece]] = {}
    for piece in pieces:
        if piece.end > limit:
            beyond.setdefault(piece.origin.file, []).append(piece)
    return [
        finding(
            "E-SIZE",
            file,
            what=names_of(piece.origin for piece in items),
            address=items[0].address,
            end=max(piece.end for piece in items),
            limit=limit,
            part=device.nor.name,
            capacity=device.nor.size >> 20,
            board=device.board.title,
        )
        for file, items in beyond.items()
    ]


def check_overlaps(pieces: Sequence[Piece], device: Device) -> list[Finding]:
    """E-OVERLAP, one for each pair of files: the first range they share, and how many bytes in all if there are more.

    `pieces` sorted by address.
    """
    shared: dict[frozenset[str], tuple[Piece, Piece, int, int, int]] = {}
    reach: Piece | None = None
    for piece in pieces:
        if reach is not None and piece.address < reach.end:
            start, end = piece.address, min(piece.end, reach.end)
            pair = frozenset((reach.origin.file, piece.origin.file))
            seen = shared.get(pair)
            if seen is None:
                shared[pair] = (reach, piece, start, end, end - start)
            else:
                shared[pair] = (*seen[:4], seen[4] + end - start)
        if reach is None or piece.end > reach.end:
            reach = piece
    slots = "Slots of this board: " + ", ".join(f"{slot.name} {slot.start:#010x}" for slot in device.board.slots) + "."
    return [
        finding(
            "E-OVERLAP",
            str(piece.origin),
            first=str(reach.origin),
            second=str(piece.origin),
            start=start,
            last=end - 1,
            bytes=end - start,
            more=f", {total} in all" if total > end - start else "",
            slots=slots if device.board.slots else "",
        )
        for reach, piece, start, end, total in shared.values()
    ]


def check_slots(
    pieces: Sequence[Piece], device: Device, *, need_header: bool, verified: Collection[str] = ()
) -> list[Finding]:
    """What the slots get: headers that are missing, unfit or in the wrong slot; spans that run into the next.

    `need_header`: whether bytes without a header are refused. `verified`: files whose header was checked on reading.
    """
    found: list[Finding] = []
    spans = list(_spans(pieces))
    by_start = {slot.start: slot for slot in device.board.slots}
    for span in spans:
        slot = by_start.get(span.start)
        if slot is not None and slot.header:
            found += _check_header(span, slot, device, need_header=need_header, verified=span.file in verified)
        found += _check_home(span, device)
        found += _check_psram(span, device)
        found += _check_spill(span, device)
    return found + _note_bare_app(spans, device)


def _check_header(span: _Span, slot: Slot, device: Device, *, need_header: bool, verified: bool) -> list[Finding]:
    if not has_header(span.first):
        if not need_header:
            return []
        reason = f"it starts with {bytes(span.first.data[:4]).hex(' ')}, not with STM2"
        reader = BOOT_ROM if slot.start in BOOT_ADDRESSES else FIRST_STAGE
        return [finding("E-HDR-NONE", span.file, slot=slot.name, slot_start=slot.start, reason=reason, reader=reader)]
    head = stm2.parse(span.first.data)
    assert head is not None
    found = [] if verified else list(stm2.verify(head, span.first.data, span.file))
    if head.version not in stm2.SUPPORTED or any(item.is_error for item in found):
        return found
    if slot.start in BOOT_ADDRESSES:
        found += stm2.verify_fsbl(head, span.file)
        if device.cut and head.version != device.cut:
            reason = f"does not fit this silicon, which takes {device.cut}: it would not boot"
            found.append(finding("E-HDR-VERSION", span.file, version=head.version, reason=reason))
        elif not device.cut and head.version != CUTS[-1].header:
            found.append(finding("W-HDR-CUT", span.file, version=head.version, silicon=silicon_of(head.version)))
    return found


def _check_home(span: _Span, device: Device) -> list[Finding]:
    """A signed image that is not where its reader looks.

    The boot ROM looks in two places; a first stage looks where it was built to, but never inside a slot.
    """
    head = stm2.parse(span.first.data)
    meant = head.load_hint() if head else None
    if head is None or meant is None or span.start == meant or span.start in BOOT_ADDRESSES:
        return []
    slots = [slot for slot in device.board.slots if slot.header and slot.start <= span.start < slot.start + slot.size]
    if not slots and meant not in BOOT_ADDRESSES:
        return []
    place = "where no reader looks"
    for slot in slots:
        behind = span.start - slot.start
        place = f"{behind:#x} behind the start of slot {slot.name}" if behind else f"slot {slot.name}"
    return [finding("W-HDR-SLOT", span.file, address=span.start, place=place, entry=head.entry, meant=meant)]


def silicon_of(version: str) -> str:
    """The silicon that takes a header version: "cut 1.0 (Z) and 1.1 (Z)"."""
    return "cut " + " and ".join(f"{cut.name} ({cut.letter})" for cut in CUTS if cut.header == version)


def _check_psram(span: _Span, device: Device) -> list[Finding]:
    """A signed image that is started in PSRAM, on a board without one."""
    head = None if device.board.psram else stm2.parse(span.first.data)
    if head is None or not head.in_psram:
        return []
    return [finding("E-HDR-PSRAM", span.file, entry=head.entry, board=device.board.title)]


def _check_spill(span: _Span, device: Device) -> list[Finding]:
    """A span that reaches into the next slot."""
    slots = device.board.slots
    after = [item for item in slots if span.start < item.start < span.end]
    if not after:
        return []
    nearest = min(after, key=lambda item: item.start)
    home = next((item.name for item in slots if item.start <= span.start < item.start + item.size), "")
    where = f"in slot {home}" if home else f"at {span.start:#010x}"
    return [
        finding(
            "W-SLOT-SPILL",
            span.file,
            slot=home,
            where=where,
            next=nearest.name,
            last=span.end - 1,
            start=nearest.start,
        ),
    ]


def _note_bare_app(spans: Sequence[_Span], device: Device) -> list[Finding]:
    """A program that starts right behind the place of a boot header, while nothing is written there."""
    starts = {span.start for span in spans}
    return [
        finding("N-APP-HEADER", span.file, gap=stm2.VECTORS, slot=slot.name, slot_start=slot.start)
        for slot in device.board.slots
        if slot.header and slot.start not in starts
        for span in spans
        if span.start == slot.start + stm2.VECTORS
    ]
