"""What lies in a state folder, without opening the board: nothing is locked, changed or started."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from n6prog.sim.clock import PS_PER_SECOND
from n6prog.sim.state import JOURNAL, NOR_IMAGE, VERSION, holder_of


@dataclass(frozen=True, slots=True)
class Inspection:
    """A board as it was last left. Times in virtual seconds; None where the folder does not tell."""

    folder: str
    board: str | None
    part: str | None
    nor_bytes: int
    rev: str | None
    boot1: int | None
    powered: bool | None
    pulled: bool  # a process died with the board: power comes on anew next time
    virtual_seconds: float
    nor_mode: str | None
    nor_state: str | None
    nor_busy_seconds: float
    core: str | None
    holder: dict[str, object] | None

    def as_dict(self) -> dict[str, object]:
        """All of it, JSON-able."""
        return asdict(self)


def inspect(folder: Path) -> Inspection:
    """Look into a state folder. Raises FileNotFoundError where no board ever was, ValueError for a journal of another
    version, OSError."""
    image = folder / NOR_IMAGE
    if not image.is_file():
        raise FileNotFoundError(2, "no simulated board lives there", str(folder))
    journal = _journal(folder / JOURNAL)
    holder = holder_of(folder)
    pulled = holder is None and (not journal or bool(journal.get("in_use")))
    now = int(journal.get("time", 0))
    nor, core = journal.get("nor", {}), journal.get("core", {})
    state, busy = _nor(nor, now) if nor else (None, 0)
    return Inspection(
        folder=str(folder),
        board=journal.get("board"),
        part=journal.get("part"),
        nor_bytes=image.stat().st_size,
        rev=journal.get("rev"),
        boot1=journal.get("boot1"),
        powered=journal.get("powered"),
        pulled=pulled,
        virtual_seconds=now / PS_PER_SECOND,
        nor_mode=nor.get("mode"),
        nor_state=state,
        nor_busy_seconds=busy / PS_PER_SECOND,
        core=_core(core, powered=bool(journal.get("powered"))) if core else None,
        holder=holder,
    )


def _journal(path: Path) -> dict[str, Any]:
    try:
        journal = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        return {}  # a damaged journal is a power cut
    if not isinstance(journal, dict):
        return {}
    if journal.get("version") != VERSION:
        raise ValueError(f"{path} is of version {journal.get('version')}, this program knows {VERSION}")
    return journal


def _nor(nor: dict[str, Any], now: int) -> tuple[str, int]:
    """In words what the NOR is at, and how long it stays busy."""
    if not nor.get("powered", True):
        return "no power", 0
    operation = nor.get("operation")
    if nor.get("power_down"):
        return "deep power-down", 0
    if isinstance(operation, dict) and int(operation.get("end", 0)) > now:
        return f"busy: {operation.get('kind', 'an operation')}", int(operation["end"]) - now
    return ("suspended" if nor.get("suspended") else "idle"), 0


def _core(core: dict[str, Any], *, powered: bool) -> str:
    flags = core.get("flags", {})
    if not powered:
        return "no power"
    named = {"held": "in reset", "locked_up": "locked up", "stalled": "stalled", "halted": "halted"}
    named |= {"sleeping": "sleeping"}
    return next((text for name, text in named.items() if flags.get(name)), "running")
