"""The map of the flash for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from n6prog.cli import text
from n6prog.cli.lanes import Lane, lanes, shortened

if TYPE_CHECKING:
    from n6prog.layout.types import Placement

_CELLS = 32


def map_lines(placement: Placement, base: int) -> list[str]:
    """What goes where in the flash at `base`, one line a slot, and what has no place in it."""
    nor = placement.device.nor
    head = f"map of the {nor.name} ({text.size(nor.size)}), every bar to its own scale, # is written:"
    table = [_cells(lane) for lane in lanes(placement, base)]
    lines = [head, *text.listing(table)]
    if placement.refused:
        lines += ["no place for:", *shortened(text.listing(_refused(placement)))]
    return lines


def _cells(lane: Lane) -> tuple[str, ...]:
    files = dict.fromkeys(span.file for span in lane.spans)
    used = f"{text.size(lane.used)} of {text.size(lane.size)}" if lane.used else text.size(lane.size)
    return f"{lane.start:#010x}", lane.name or "-", bar(lane), used, " ".join(files)


def bar(lane: Lane, cells: int = _CELLS) -> str:
    """The lane as `cells` characters: `#` where anything is written, `.` elsewhere."""
    marks = ["."] * cells
    for span in lane.spans:
        first = (span.start - lane.start) * cells // lane.size
        last = (span.start + span.size - 1 - lane.start) * cells // lane.size
        marks[first : last + 1] = "#" * (last + 1 - first)
    return "".join(marks)


def _refused(placement: Placement) -> Iterator[tuple[str, ...]]:
    for item in placement.refused:
        name = f"{PurePath(item.origin.file).name} {item.origin.section}".rstrip()
        yield f"{item.address:#010x}", item.region, f"{text.size(item.size):>9}", name, item.code
