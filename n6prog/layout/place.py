"""Images + Device + goal -> Placement: every chunk gets its place or a finding, and all findings are gathered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from n6prog.findings import Finding, finding
from n6prog.image import stm2
from n6prog.image.types import Chunk, Image, Kind
from n6prog.layout.checks import check_capacity, check_overlaps, check_slots
from n6prog.layout.headers import add_headers
from n6prog.layout.homeless import homeless
from n6prog.layout.join import join
from n6prog.layout.loaders import loader_kind
from n6prog.layout.maps import AddressMap, parse_map, relocate
from n6prog.layout.refusals import Refusals, region_name
from n6prog.layout.rules import RAM_KINDS, TO_FLASH, TO_RAM, Place, rule_for
from n6prog.layout.running import check_filling, check_linking, check_memory
from n6prog.layout.types import Goal, Piece, Placement, Refused
from n6prog.layout.vectors import vector_tables
from n6prog.targets.chip import XSPI2_BASE
from n6prog.targets.schema import Device


def place(
    images: Sequence[Image],
    device: Device,
    goal: Goal = Goal.FLASH,
    *,
    header: str = "auto",
    slot: str | None = None,
    maps: Sequence[str | AddressMap] = (),
) -> Placement:
    """Where everything goes on one device, with every finding about every file; the findings of the images come first.

    `header`: "none" lets bytes without a boot header lie at a boot slot; every other value wants one there, and "2.1"
    and "2.3" add one of that version to programs that have none. `slot`: the
    slot for files that have no address of their own. `maps`: `FROM=TO` relocations. A placement with errors still holds
    the pieces that could be placed. Raises UsageError for a map that cannot be read.
    """
    found = [item for image in images for item in image.findings]
    by_hand = [item if isinstance(item, AddressMap) else parse_map(item) for item in maps]
    home, complaints = _slot_start(slot, device)
    found += complaints
    homes = {image.slot: _slot_start(image.slot, device) for image in images if image.slot}
    found += [item for _, complaints in homes.values() for item in complaints]
    starts = {"": home} | {name: start for name, (start, _) in homes.items()}
    added = header if header in stm2.SUPPORTED and goal is Goal.FLASH else ""
    state = _State(device, goal, by_hand, starts, added)
    for image in images:
        state.add(image)
    nowhere = {image.file for image in images if (image.slot or slot) and starts[image.slot] is None}
    found += [item for item in state.findings if not (item.code == "E-NO-ADDRESS" and item.subject in nowhere)]
    found += [finding("W-MAP-UNUSED", item.text) for item in by_hand if item not in state.used_maps]
    pieces = sorted(state.flash, key=lambda piece: (piece.address, piece.end))
    found += check_capacity(pieces, device)
    found += check_overlaps(pieces, device)
    # The reader has checked the header of a signed image; one inside a HEX or an ELF is looked at here, unless lines
    # of it are missing.
    signed = {image.file for image in images if image.kind is Kind.STM2 or _is_damaged_text(image)}
    found += check_slots(pieces, device, need_header=header != "none", verified=signed)
    found = _distinct(found)
    ram = tuple(sorted(state.ram, key=lambda chunk: chunk.address or 0))
    if not pieces and not ram and not any(item.is_error for item in found):
        found.append(finding("E-NOTHING"))
    limit = XSPI2_BASE + device.nor.size
    fitting = [piece for piece in pieces if piece.end <= limit]
    outside = [
        Refused("E-SIZE", piece.address, piece.size, region_name(piece.address), piece.origin)
        for piece in pieces
        if piece.end > limit
    ]
    refused = tuple(sorted([*state.refused, *outside], key=lambda item: item.address))
    return Placement(goal, device, join(_with_slots(fitting, device)), ram, _entry(images), tuple(found), refused)


@dataclass(slots=True)
class _State:
    """What placing has found so far."""

    device: Device
    goal: Goal
    maps: Sequence[AddressMap]
    homes: Mapping[str, int | None]
    add_header: str = ""
    flash: list[Piece] = field(default_factory=list)
    ram: list[Chunk] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    used_maps: list[AddressMap] = field(default_factory=list)

    def add(self, image: Image) -> None:
        """Place one image."""
        if loader := loader_kind(image):
            self.findings.append(finding("E-LOADER-GIVEN", image.file, loader=loader))
            return
        self.findings += [*check_memory(image, self.device), *check_filling(image)]
        moved = self._moved([chunk for chunk in image.chunks if chunk.size], image.slot)
        chunks = [chunk for chunk, _ in moved]
        refusals = Refusals(self.device)
        vectors = vector_tables(chunks)
        zero = _from_zero(chunks)
        first = len(self.flash)
        for chunk, change in moved:
            if chunk.address is None:
                if image.kind is not Kind.STM2 or not any(item.is_error for item in image.findings):
                    self.findings.append(homeless(chunk, self.device))
                continue
            rule = rule_for(Place(chunk.address, chunk.address < zero, vectors))
            verdict = rule.verdict(self.goal)
            if verdict == TO_RAM and not _all_ram(chunk, vectors):
                verdict = rule.flash
            if verdict == TO_FLASH:
                self.flash.append(Piece(chunk.address, chunk.data, chunk.origin, change=change))
            elif verdict == TO_RAM:
                self.ram.append(chunk)
            else:
                region = region_name(chunk.address)
                self.refused.append(Refused(verdict, chunk.address, chunk.size, region, chunk.origin))
                if image.kind is Kind.STM2 and Place(chunk.address).kind in RAM_KINDS:
                    self.findings.append(_signed_in_ram(chunk, region))
                else:
                    refusals.add(verdict, rule, chunk)
        self.findings += refusals.findings()
        self.findings += check_linking(image, self.flash[first:])

    def _moved(self, chunks: Sequence[Chunk], slot: str) -> list[tuple[Chunk, str]]:
        """The chunks where --slot, --map and --header put them, each with what was done to it."""
        moved: list[tuple[Chunk, str]] = []
        linked: list[Chunk] = []
        for chunk in chunks:
            new, by_map = relocate(self._with_address(chunk, slot), self.maps)
            if by_map is None:
                linked.append(new)
            else:
                self.used_maps.append(by_map)
                moved.append((new, f"moved from {chunk.address:#010x}"))
        if not self.add_header:
            return [*((chunk, "") for chunk in linked), *moved]
        before = {id(chunk) for chunk in linked}
        change = f"header {self.add_header} added"
        linked = add_headers(linked, self.add_header, self.device)
        return [*((chunk, "" if id(chunk) in before else change) for chunk in linked), *moved]

    def _with_address(self, chunk: Chunk, slot: str) -> Chunk:
        """The chunk at its own address, else at the slot asked for, else where its boot header says."""
        if chunk.address is not None:
            return chunk
        address = self.homes[slot]
        if address is None and (head := stm2.parse(chunk.data)) is not None:
            address = head.load_hint()
        return chunk if address is None else replace(chunk, address=address)


def _signed_in_ram(chunk: Chunk, region: str) -> Finding:
    head = stm2.parse(chunk.data)
    home = head.load_hint() if head else None
    meant = f", here {home:#010x}" if home is not None else ""
    return finding("E-HDR-RAM", chunk.origin.file, address=chunk.address, region=region, bytes=chunk.size, meant=meant)


def _is_damaged_text(image: Image) -> bool:
    return image.kind in (Kind.IHEX, Kind.SREC) and any(item.is_error for item in image.findings)


def _slot_start(name: str | None, device: Device) -> tuple[int | None, list[Finding]]:
    if name is None:
        return None, []
    for slot in device.board.slots:
        if slot.name == name:
            return slot.start, []
    names = ", ".join(slot.name for slot in device.board.slots)
    return None, [finding("E-SLOT", name, board=device.board.title, slots=names)]


def _from_zero(chunks: Iterable[Chunk]) -> int:
    """The end of the bytes that start at address 0 and go on with no more than an alignment gap; 0 where none do."""
    end = 0
    for start, size in sorted((chunk.address, chunk.size) for chunk in chunks if chunk.address is not None):
        if start > -(-end // 32) * 32:
            break
        end = max(end, start + size)
    return end


def _all_ram(chunk: Chunk, vectors: frozenset[int]) -> bool:
    """Whether the last byte of a chunk that starts in RAM lies in RAM too."""
    return rule_for(Place(chunk.end - 1, vectors=vectors)).run == TO_RAM


def _with_slots(pieces: Iterable[Piece], device: Device) -> Iterator[Piece]:
    for piece in pieces:
        names = [slot.name for slot in device.board.slots if slot.start <= piece.address < slot.start + slot.size]
        yield replace(piece, slot=names[0]) if names else piece


def _entry(images: Iterable[Image]) -> int | None:
    """The entry point of the last file that has one: files are given in boot order, first stage first."""
    entries = [image.entry for image in images if image.entry is not None]
    return entries[-1] if entries else None


def _distinct(found: Iterable[Finding]) -> list[Finding]:
    """The findings in order, each once (the file and its place may both have been checked).

    That a program is linked for RAM says no more where the missing header is told.
    """
    items = list(found)
    without_header = {item.subject for item in items if item.code == "E-HDR-NONE"}
    seen: list[Finding] = []
    for item in items:
        if item not in seen and not (item.code == "W-LINKED-RAM" and item.subject in without_header):
            seen.append(item)
    return seen
