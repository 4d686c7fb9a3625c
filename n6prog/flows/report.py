"""What a flow gives back, and the same as the data of its `end` event (DESIGN 7)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from n6prog.findings import ExitCode, Finding
from n6prog.flows.diff import Diff
from n6prog.layout.types import Piece


@dataclass(slots=True)
class ByteCounts:
    """Bytes of one flow.

    `wanted`: bytes the caller asked for. `sent`: flash content that travelled to the chip. `erased`, `programmed`: what
    the chip reports. `skipped`: wanted bytes that were right already.
    """

    wanted: int = 0
    sent: int = 0
    erased: int = 0
    programmed: int = 0
    skipped: int = 0

    def as_dict(self) -> dict[str, int]:
        """The counts as plain data."""
        return {
            "wanted": self.wanted,
            "sent": self.sent,
            "erased": self.erased,
            "programmed": self.programmed,
            "skipped": self.skipped,
        }


@dataclass(frozen=True, slots=True)
class PieceReport:
    """One contiguous piece: its name, start address, length in bytes, SHA-256 of the wanted bytes (made by the host).

    `sectors` counts the 4 KiB sectors it touches, `changed` those of them that did not hold the right bytes before.
    """

    name: str
    start: int
    length: int
    sha256: str
    sectors: int = 0
    changed: int = 0
    slot: str = ""
    change: str = ""

    def as_dict(self) -> dict[str, object]:
        """The piece as plain data: name, start, length and sha256, then what was done to it."""
        return {
            "name": self.name,
            "start": self.start,
            "length": self.length,
            "sha256": self.sha256,
            "sectors": self.sectors,
            "changed": self.changed,
            "slot": self.slot,
            "change": self.change,
        }


def piece_report(piece: Piece, sectors: int = 0, changed: int = 0) -> PieceReport:
    """The report of a placed piece."""
    return PieceReport(
        name=str(piece.origin),
        start=piece.address,
        length=piece.size,
        sha256=hashlib.sha256(piece.data).hexdigest(),
        sectors=sectors,
        changed=changed,
        slot=piece.slot,
        change=piece.change,
    )


@dataclass(frozen=True, slots=True)
class Report:
    """What a flow did.

    `seconds` is wall time. `virtual_seconds` is the simulated board's own time from connect until before `after`, None
    on hardware. `swd_clock_hz` is what the probe granted, None while no probe was opened. `findings` holds warnings and
    notes, and the errors when `ok` is False. `dry_run` says that nothing was written on purpose, `estimated_seconds`
    what the whole flash costs on the chip and the wire, at the part's typical times. `doubt`: of a flash that failed in
    the middle, address and size of the first range not known to be good. `diff`: where a verify that was asked for it
    found differences.
    """

    ok: bool
    exit_code: ExitCode
    pieces: tuple[PieceReport, ...]
    bytes: ByteCounts
    seconds: float
    virtual_seconds: float | None
    swd_clock_hz: int | None
    findings: tuple[Finding, ...] = field(default=())
    code: str | None = None
    dry_run: bool = False
    estimated_seconds: float | None = None
    doubt: tuple[int, int] | None = None
    diff: Diff | None = None

    def as_dict(self) -> dict[str, object]:
        """The data of the `end` event."""
        return {
            "ok": self.ok,
            "exit_code": int(self.exit_code),
            "code": self.code,
            "seconds": self.seconds,
            "virtual_seconds": self.virtual_seconds,
            "swd_clock_hz": self.swd_clock_hz,
            "bytes": self.bytes.as_dict(),
            "pieces": [piece.as_dict() for piece in self.pieces],
            "findings": [found.as_dict() for found in self.findings],
            "dry_run": self.dry_run,
            "estimated_seconds": self.estimated_seconds,
            "doubt": None if self.doubt is None else {"start": self.doubt[0], "length": self.doubt[1]},
            **({} if self.diff is None else {"diff": self.diff.as_dict()}),
        }


def total(pieces: Sequence[Piece]) -> int:
    """Bytes in all pieces."""
    return sum(piece.size for piece in pieces)
