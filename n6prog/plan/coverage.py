"""Which 4 KiB sectors the wanted bytes touch, and what those sectors are to hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from n6prog.layout.types import Piece
from n6prog.nor.digest import BLANK_SECTOR, digest
from n6prog.plan.types import SECTOR, Survey
from n6prog.targets.chip import XSPI2_BASE
from n6prog.targets.schema import NorPart

_BLANK = b"\xff" * SECTOR


class SurveyError(ValueError):
    """The survey cannot be planned on: a touched sector is missing, or bytes that were read do not have the digest the
    chip gave.

    `offsets`: the sectors concerned, as offsets in the NOR.
    """

    def __init__(self, reason: str, offsets: Iterable[int]) -> None:
        self.offsets = tuple(offsets)
        shown = ", ".join(f"{offset:#x}" for offset in self.offsets[:4])
        more = f" and {len(self.offsets) - 4} more" if len(self.offsets) > 4 else ""
        super().__init__(f"{reason}: {shown}{more}")


@dataclass(frozen=True, slots=True)
class Touched:
    """A sector that wanted bytes lie in.

    `offset`: in the NOR, a multiple of 4096. `spans`: (start in the sector, bytes), ascending, without overlap.
    `wanted`: how many bytes.
    """

    offset: int
    spans: tuple[tuple[int, memoryview], ...]
    wanted: int

    @property
    def full(self) -> bool:
        """Whether the wanted bytes cover the whole sector."""
        return self.wanted == SECTOR

    def content(self, old: bytes | None = None) -> bytes:
        """The 4096 bytes the sector is to hold. `old`: what it holds now, None for blank; not looked at when `full`."""
        if len(self.spans) == 1 and self.full:
            return bytes(self.spans[0][1])
        merged = bytearray(_BLANK if old is None else old)
        for start, data in self.spans:
            merged[start : start + len(data)] = data
        return bytes(merged)


def sectors(pieces: Iterable[Piece], nor: NorPart) -> tuple[Touched, ...]:
    """The touched sectors, ascending. Raises ValueError for pieces that overlap or leave the part (see placement)."""
    spans: dict[int, list[tuple[int, memoryview]]] = {}
    last_end = XSPI2_BASE
    for piece in sorted((piece for piece in pieces if piece.size), key=lambda piece: piece.address):
        if piece.address < last_end or piece.end > XSPI2_BASE + nor.size:
            raise ValueError(
                f"{piece.origin} at {piece.address:#x} overlaps another piece or lies outside the {nor.name}"
            )
        last_end = piece.end
        at, done = piece.address - XSPI2_BASE, 0
        while done < piece.size:
            inside = at % SECTOR
            length = min(SECTOR - inside, piece.size - done)
            spans.setdefault(at - inside, []).append((inside, piece.data[done : done + length]))
            at, done = at + length, done + length
    return tuple(Touched(offset, tuple(parts), sum(len(data) for _, data in parts)) for offset, parts in spans.items())


def to_read(touched: Iterable[Touched], digests: Mapping[int, int]) -> tuple[int, ...]:
    """The sectors whose old bytes must be read before planning: covered in part only, and not blank.

    `digests`: sector offset -> digest on the chip. Raises SurveyError for a touched sector without a digest.
    """
    items = tuple(touched)
    _require(items, digests)
    return tuple(item.offset for item in items if not item.full and digests[item.offset] != BLANK_SECTOR)


def contents(touched: Iterable[Touched], survey: Survey | None) -> dict[int, bytes]:
    """What each touched sector is to hold: sector offset -> 4096 bytes; bytes that nobody asked for stay as the survey
    has them.

    Without a survey the flash counts as blank. Raises SurveyError where the survey has no digest, or no bytes for a
    sector that is covered in part and not blank, or bytes that do not have its digest.
    """
    items = tuple(touched)
    if survey is None:
        return {item.offset: item.content() for item in items}
    _require(items, survey.sectors)
    _require_bytes(items, survey)
    return {item.offset: item.content(survey.sectors[item.offset].data) for item in items}


def expected_digests(pieces: Iterable[Piece], nor: NorPart, survey: Survey | None) -> dict[int, int]:
    """The digest of every touched sector once the work is done, by offset. `survey` and errors as for `contents`."""
    return {offset: digest(data) for offset, data in contents(sectors(pieces, nor), survey).items()}


def _require(items: tuple[Touched, ...], known: Mapping[int, object]) -> None:
    missing = [item.offset for item in items if item.offset not in known]
    if missing:
        raise SurveyError("the survey lacks touched sectors", missing)


def _require_bytes(items: tuple[Touched, ...], survey: Survey) -> None:
    unread, wrong = [], []
    for item in items:
        held = survey.sectors[item.offset]
        if held.data is not None:
            if len(held.data) != SECTOR or digest(held.data) != held.digest:
                wrong.append(item.offset)
        elif not item.full and held.digest != BLANK_SECTOR:
            unread.append(item.offset)
    if unread:
        raise SurveyError("the survey lacks the bytes of sectors that are written in part", unread)
    if wrong:
        raise SurveyError("bytes read from the flash do not have the digest that the chip gave for them", wrong)
