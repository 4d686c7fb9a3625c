"""A flow's events and report as text for people (DESIGN 9)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from n6prog.cli import text
from n6prog.cli.console import Console
from n6prog.events import Event, EventType
from n6prog.findings import Finding, Severity

if TYPE_CHECKING:
    from n6prog.flows.report import Report
    from n6prog.layout.types import Placement

_MIB = 1 << 20
_SECTOR = 4096
_NAMES_SHOWN = 3
_RANGES_SHOWN = 32


class PieceFacts(Protocol):
    """What a row needs to know of a piece."""

    @property
    def name(self) -> str:
        """File and section."""

    @property
    def start(self) -> int:
        """Address in the memory map."""

    @property
    def length(self) -> int:
        """Bytes."""

    @property
    def sectors(self) -> int:
        """4 KiB sectors it touches."""

    @property
    def changed(self) -> int:
        """Sectors of these that were not right."""

    @property
    def change(self) -> str:
        """What placement did to it."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A piece as a `region` event tells it."""

    name: str
    start: int
    length: int
    sectors: int
    changed: int
    change: str

    @classmethod
    def of(cls, data: Mapping[str, object]) -> _Told:
        """From the data of the event."""
        start, length, sectors, changed = (_int(data.get(key)) for key in ("start", "length", "sectors", "changed"))
        return cls(str(data.get("name", "")), start, length, sectors, changed, str(data.get("change", "")))


@dataclass(frozen=True, slots=True)
class Row:
    """Pieces of one file that follow each other, as one line: where, how much, what, and what differs."""

    start: int
    length: int
    file: str
    sections: tuple[str, ...]
    unnamed: int
    sectors: int
    changed: int | None  # None: some, when pieces share sectors and it cannot be counted
    change: str

    def cells(self, *, compared: bool) -> tuple[str, ...]:
        """The columns. `compared`: whether the flash was looked at."""
        shown = " ".join(self.sections[:_NAMES_SHOWN])
        more = len(self.sections) + self.unnamed - min(len(self.sections), _NAMES_SHOWN)
        name = f"{self.file} {shown}".rstrip() + (f" +{more}" if more else "")
        notes = [self.change] if self.change else []
        if compared:
            notes.append(self._difference())
        return f"{self.start:#010x}", f"{text.size(self.length):>9}", name, ", ".join(notes)

    def _difference(self) -> str:
        if self.changed == 0:
            return "unchanged"
        if self.changed is None:
            return f"some of {text.plural(self.sectors, 'sector')} differ"
        return f"{self.changed} of {text.plural(self.sectors, 'sector')} {'differs' if self.changed == 1 else 'differ'}"


def rows(pieces: Sequence[PieceFacts]) -> list[Row]:
    """Pieces gathered into rows: those of one file that lie in the same or the next sector stand together."""
    groups: list[list[PieceFacts]] = []
    for piece in sorted(pieces, key=lambda item: item.start):
        before = groups[-1][-1] if groups else None
        near = before is not None and piece.start - (before.start + before.length) < _SECTOR
        if before is not None and near and _file(piece) == _file(before) and piece.change == before.change:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return [_row(group) for group in groups]


def settled(found: Sequence[Row], changed: int) -> list[Row]:
    """The rows, with the one count that could not be made taken from the total of `changed` sectors."""
    if sum(row.changed is None for row in found) != 1:
        return list(found)
    rest = changed - sum(row.changed or 0 for row in found)
    return [replace(row, changed=rest) if row.changed is None and 0 < rest <= row.sectors else row for row in found]


def _row(group: Sequence[PieceFacts]) -> Row:
    first, last = group[0], group[-1]
    end = max(piece.start + piece.length for piece in group)
    total = (end - 1) // _SECTOR - first.start // _SECTOR + 1
    counted = sum(piece.changed for piece in group)
    shared = sum(piece.sectors for piece in group) - total
    known = shared <= 0 or counted in (0, total + shared)
    words = " ".join(_split(piece.name)[1] for piece in group)
    unnamed = sum(int(count) for count in re.findall(r"and (\d+) more", words))
    return Row(
        start=first.start,
        length=sum(piece.length for piece in group),
        file=Path(_file(first)).name,
        sections=tuple(word for word in words.split() if word.startswith(".")),
        unnamed=unnamed,
        sectors=total,
        changed=min(counted, total) if known else None,
        change=last.change,
    )


def _split(name: str) -> tuple[str, str]:
    """A piece's name as (file, sections): `app.elf`, `app.elf .text`, `app.elf .text .rodata and 2 more`."""
    match = re.fullmatch(r"(.+?)(?: (\..+))?", name, re.DOTALL)
    return (match[1], match[2] or "") if match else (name, "")


def _file(piece: PieceFacts) -> str:
    return _split(piece.name)[0]


class Story:
    """Tells a flow while it runs (`on_event`), and sums it up when it is done.

    `table`: whether the pieces of the flow are worth a line each.
    """

    def __init__(self, console: Console, *, table: bool = False) -> None:
        self._console = console
        self._table = table
        self._sectors = 0
        self._compared = False
        self._pieces: list[_Told] = []

    def on_event(self, event: Event) -> None:
        """Pass the event on, and print what people want to see of it."""
        self._console.event(event)
        data = event.data
        diff = data.get("diff")
        if event.type is EventType.END and isinstance(diff, dict):
            for line in diff_lines(diff):
                self._say(line)
        if event.type is EventType.REGION:
            self._pieces.append(_Told.of(data))
            return
        self._rows()
        if event.type is EventType.PROGRESS and data.get("text"):
            self._say(str(data["text"]))
        elif event.type is EventType.PROGRESS:
            self._console.bar.update(str(data.get("phase", "")), _int(data.get("done")), _int(data.get("total")))
        elif event.type is EventType.PLAN:
            self._sectors = _int(data.get("sectors"))
            self._compared = "sectors" in data
            for line in connect_lines(data):
                self._console.say(line)
        elif event.type is EventType.WARNING and "code" in data:
            self._console.finding(finding_of(data))

    def flashed(self, report: Report, *, after: str, verify: bool) -> None:
        """The end of a flash."""
        count = report.bytes
        right = f"{text.size(count.skipped)} already right" if count.skipped else ""
        if report.dry_run:
            would = (
                f"{text.plural(self._sectors, 'sector')} would be written"
                if self._sectors
                else "nothing would be written"
            )
            about = (
                f", about {text.seconds(report.estimated_seconds)}"
                if self._sectors and report.estimated_seconds
                else ""
            )
            self._say(f"dry run: {_joined(would + about, right)}; the flash was not changed")
            return
        if not count.sent and not count.erased:
            self._say(f"done in {took(report)}: nothing to write, all {text.size(count.wanted)} were there already")
        else:
            wrote = f"{text.plural(self._sectors, 'sector')} written"
            erased = f"{text.size(count.erased)} erased" if count.erased else ""
            detail = _joined(erased, f"{text.size(count.programmed)} programmed")
            checked = "all verified by digest on the chip" if verify else "no final verify (--no-verify)"
            self._say(f"done in {took(report)}: {_joined(f'{wrote} ({detail})', right)}; {checked}")
        self._notes(report)
        if after != "reset":
            self._console.more(f"the chip was left as --after {after} wants it")

    def verified(self, report: Report) -> None:
        """The end of a verify that found no difference."""
        self._say(
            f"verified in {took(report)}: all {text.size(report.bytes.wanted)} are in the flash, by digest on the chip"
        )
        self._notes(report)

    def erased(self, report: Report) -> None:
        """The end of an erase."""
        if report.dry_run:
            self._say(f"dry run: {text.size(report.bytes.wanted)} would be erased; the flash was not changed")
            return
        count = report.bytes
        if not count.sent and not count.erased:
            self._say(f"done in {took(report)}: nothing to erase, all {text.size(count.wanted)} were blank already")
        else:
            self._say(f"done in {took(report)}: {text.size(count.erased)} erased")
        self._notes(report)

    def read(self, report: Report, start: int, length: int, path: Path) -> None:
        """The end of a read."""
        span = report.virtual_seconds if report.virtual_seconds is not None else report.seconds
        rate = f", {text.size(int(length / span))}/s" if span > 0 else ""
        self._say(f"read {text.size(length)} at {start:#010x} into {path} in {took(report)}{rate}")
        self._notes(report)

    def would_read(self, start: int, length: int, path: Path) -> None:
        """What a read would do."""
        self._say(f"dry run: {text.size(length)} at {start:#010x} would go into {path}; no probe was opened")

    def _rows(self) -> None:
        """Print the pieces that were told since the last time."""
        told, self._pieces = self._pieces, []
        if self._table:
            for line in text.listing(row.cells(compared=self._compared) for row in settled(rows(told), self._sectors)):
                self._say(line)

    def _notes(self, report: Report) -> None:
        for found in report.findings:
            if found.severity is not Severity.NOTE:
                continue
            if found.code.startswith("I-"):  # what every run ends with: plain words, no label
                self._say(f"{found.text}. {found.cure}".strip())
            else:
                self._console.finding(found)

    def _say(self, line: str) -> None:
        self._console.say(line)


def connect_lines(data: Mapping[str, object]) -> list[str]:
    """The two lines that say what is connected, from the data of a `plan` event; none when it does not say."""
    if not data.get("probe"):
        return []
    voltage = data.get("voltage")
    firmware = f" ({data['firmware']})" if data.get("firmware") else ""
    first = [
        f"{data['probe']} {data.get('probe_id', '')}{firmware}, SWD {text.clock(_int(data.get('swd_clock_hz')))}",
        str(data.get("title", "")),
        f"{data.get('chip', '')} {data.get('cut', '')}".strip(),
        str(data.get("boot_mode", "")),
        f"{voltage:.2f} V" if isinstance(voltage, (int, float)) else "",
    ]
    nor = f"NOR {data.get('nor', '')} {_int(data.get('nor_size')) / _MIB:g} MiB ({data.get('jedec', '')})"
    return [" · ".join(filter(None, first)), nor]


def diff_lines(diff: Mapping[str, Any]) -> list[str]:
    """The ranges that differ, from the `diff` of an `end` event: where, how much, and the first bytes of both sides."""
    ranges, count = diff["ranges"], int(diff["count"])
    rows = []
    for item in ranges[:_RANGES_SHOWN]:
        more = " …" if item["length"] > len(item["wanted"].split()) else ""
        size = f"{text.size(item['length']):>9}"
        rows.append((f"{item['start']:#010x}", size, f"file {item['wanted']}{more}", f"flash {item['found']}{more}"))
    lines = text.listing(rows)
    if count > _RANGES_SHOWN:
        lines.append(f"  and {text.plural(count - _RANGES_SHOWN, 'range')} more; --json has the first {len(ranges)}")
    if count:
        lines.append(f"  {text.plural(int(diff['bytes']), 'byte')} in {text.plural(count, 'range')}")
    return lines


def placement_rows(placement: Placement) -> list[str]:
    """Where the pieces of a placement go, one line each."""
    from n6prog.flows.report import PieceReport

    pieces = [
        PieceReport(
            name=str(piece.origin),
            start=piece.address,
            length=piece.size,
            sha256="",
            slot=piece.slot,
            change=piece.change,
        )
        for piece in placement.flash
    ]
    return text.listing(row.cells(compared=False) for row in rows(pieces))


def took(report: Report) -> str:
    """How long it took; on the simulator its own time first."""
    if report.virtual_seconds is None:
        return text.seconds(report.seconds)
    return f"{text.seconds(report.virtual_seconds)} simulated ({text.seconds(report.seconds)} here)"


def finding_of(data: Mapping[str, object]) -> Finding:
    """A finding from the data of its event."""
    evidence = data.get("evidence")
    return Finding(
        code=str(data.get("code")),
        severity=Severity(str(data.get("severity", "warning"))),
        subject=str(data.get("subject", "")),
        evidence=evidence if isinstance(evidence, dict) else {},
        text=str(data.get("text", "")),
        cure=str(data.get("cure", "")),
        not_this=str(data.get("not_this", "")),
    )


def _joined(*parts: str) -> str:
    return ", ".join(filter(None, parts))


def _int(value: object) -> int:
    return int(value) if isinstance(value, (int, float)) else 0
