"""What lies in a state folder, without opening the board: nothing is changed or started."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from n6prog.sim.clock import PS_PER_SECOND
from n6prog.sim.journal import UNUSABLE, load
from n6prog.sim.state import JOURNAL, NOR_IMAGE, holder_of


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
    pulled: bool  # a process died with the board, or its journal is unusable: power comes on anew next time
    virtual_seconds: float
    nor_mode: str | None
    nor_state: str | None
    nor_busy_seconds: float
    core: str | None
    holder: dict[str, object] | None
    journal_problem: str | None = None  # why the journal is of no use

    def as_dict(self) -> dict[str, object]:
        """All of it, JSON-able."""
        return asdict(self)


def inspect(folder: Path) -> Inspection:
    """Look into a state folder. Raises FileNotFoundError where no board ever was, OSError."""
    image = folder / NOR_IMAGE
    if not image.is_file():
        raise FileNotFoundError(2, "no simulated board lives there", str(folder))
    journal = load(folder / JOURNAL)
    holder = holder_of(folder)
    found = Inspection(
        folder=str(folder),
        board=journal.board,
        part=journal.part,
        nor_bytes=image.stat().st_size,
        rev=journal.rev,
        boot1=journal.boot1,
        powered=None,
        pulled=holder is None and journal.state is None,
        virtual_seconds=journal.time / PS_PER_SECOND,
        nor_mode=None,
        nor_state=None,
        nor_busy_seconds=0.0,
        core=None,
        holder=holder,
        journal_problem=journal.problem,
    )
    if journal.state is None:
        return found
    try:
        return _with_state(found, journal.state, journal.time)
    except UNUSABLE:
        return replace(found, pulled=holder is None, journal_problem="not as this program writes it")


def _with_state(found: Inspection, state: dict[str, Any], now: int) -> Inspection:
    powered = bool(state["powered"])
    nor_state, busy = _nor(state["nor"], now)
    return replace(
        found,
        powered=powered,
        nor_mode=state["nor"]["mode"],
        nor_state=nor_state,
        nor_busy_seconds=busy / PS_PER_SECOND,
        core=_core(state["core"], powered=powered),
    )


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
