"""What a project says of its own in `n6prog.toml`: slots beside those of the board, `[slots.NAME]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from n6prog.errors import N6ProgError, UsageError
from n6prog.image.spec import SLOT
from n6prog.targets.chip import XSPI2_BASE
from n6prog.targets.schema import BoardProfile, Slot, load_part
from n6prog.targets.toml_reader import SchemaError, TableReader

if TYPE_CHECKING:
    from n6prog.config_file import ConfigFile

_SECTOR = 0x1000


@dataclass(frozen=True, slots=True)
class ProjectSlot:
    """A slot of the project, and where it stands: FILE:LINE."""

    slot: Slot
    where: str


def read_slots(file: ConfigFile) -> tuple[ProjectSlot, ...]:
    """The tables `[slots.NAME]` of a project's file: start, size and header, as in a board file.

    Raises UsageError E-CONFIG.
    """
    name = ".".join(filter(None, (file.prefix, "slots")))
    tables = file.values.get("slots", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise _refused(file.where("slots"), "slots: write a table for each: [slots.app] with start, size and header")
    for key in tables:
        if not SLOT.fullmatch(key):
            raise _refused(file.where("slots"), f"slots: {key!r}: a name is letters, digits, - and _, a letter first")
    return tuple(_read_slot(file.path, file.text, name, key, table) for key, table in tables.items())


def _read_slot(path: Path, text: str, parent: str, name: str, values: Mapping[str, object]) -> ProjectSlot:
    table = TableReader(str(path), text, dict(values), f"{parent}.{name}")
    try:
        slot = Slot(name, table.integer("start"), table.integer("size", low=_SECTOR), table.flag("header"))
        for key, value in (("start", slot.start), ("size", slot.size)):
            if value % _SECTOR:
                raise table.error(key, f"must be a multiple of {_SECTOR:#x}, is {value:#x}")
        table.finish()
    except SchemaError as error:
        where = f"{error.path}:{error.line}" if error.line else error.path
        raise _refused(where, f"{error.key}: {error.reason}") from error
    return ProjectSlot(slot, f"{path}:{table.error('', '').line}")


def with_slots(board: BoardProfile, slots: Sequence[ProjectSlot]) -> BoardProfile:
    """The board with the project's slots: one of a name that the board has takes its place, others are added.

    Raises UsageError E-CONFIG for a slot that leaves the board's NOR or overlaps another.
    """
    if not slots:
        return board
    end = XSPI2_BASE + load_part(board.part).size
    found = {slot.name: slot for slot in board.slots} | {item.slot.name: item.slot for item in slots}
    for item in slots:
        slot = item.slot
        if not XSPI2_BASE <= slot.start < slot.start + slot.size <= end:
            raise _refused(
                item.where, f"slot {slot.name} leaves the flash of the {board.title}, {XSPI2_BASE:#x} to {end:#x}"
            )
        for other in found.values():
            if other is not slot and slot.start < other.start + other.size and other.start < slot.start + slot.size:
                ours = "of the project" if other in (each.slot for each in slots) else f"of the {board.title}"
                raise _refused(
                    item.where,
                    f"slot {slot.name} overlaps slot {other.name} {ours}, {other.start:#x} to "
                    f"{other.start + other.size:#x}; give [slots.{other.name}] another place too",
                )
    return replace(board, slots=tuple(sorted(found.values(), key=lambda slot: slot.start)))


def _refused(where: str, reason: str) -> N6ProgError:
    return UsageError.of("E-CONFIG", where, reason=reason)
