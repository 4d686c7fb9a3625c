"""Ranges of the memory map that a user names: are they whole, and inside something that can be read or erased?"""

from __future__ import annotations

from n6prog.errors import UsageError
from n6prog.targets.chip import XSPI2_BASE, XSPI2_WINDOW, region_at
from n6prog.targets.schema import NorPart
from n6prog.values import ValueFault, parse_range

Range = tuple[int, int] | str
"""(start address, length in bytes), or "START+LEN" or "START-END" (END not included)."""

_READABLE = ("axisram", "flexram", "itcm", "dtcm", "ahbsram", "bootrom")


def parsed(item: Range) -> tuple[int, int]:
    """The range as (start, length). Raises UsageError for an empty range or text that is none."""
    if isinstance(item, str):
        try:
            return parse_range(item)
        except ValueFault as fault:
            raise UsageError.of("E-USAGE", "range", reason=fault.reason, cure=fault.cure) from fault
    start, length = item
    if length <= 0:
        raise UsageError.of(
            "E-USAGE", "range", reason=f"a range of {length} bytes is empty", cure="Give at least one byte."
        )
    return start, length


def in_nor(start: int, length: int) -> bool:
    """Whether the range begins inside the window the NOR is mapped in."""
    return XSPI2_BASE <= start < XSPI2_BASE + XSPI2_WINDOW


def check_nor(start: int, length: int, part: NorPart) -> None:
    """Raises UsageError unless the range lies wholly inside the part."""
    end = XSPI2_BASE + part.size
    if start >= XSPI2_BASE and start + length <= end:
        return
    raise UsageError.of(
        "E-USAGE",
        "range",
        reason=f"{start:#010x} to {start + length:#010x} is not inside the flash",
        cure=f"The {part.name} of this board is at {XSPI2_BASE:#010x} to {end:#010x}.",
    )


def check_memory(start: int, length: int) -> None:
    """Raises UsageError unless the range is memory that always answers: an access elsewhere can hang the bus."""
    region = region_at(start)
    if region is not None and region.kind in _READABLE and start + length <= region.end:
        return
    where = region.name if region is not None else "nothing"
    raise UsageError.of(
        "E-USAGE",
        "range",
        reason=f"{start:#010x} to {start + length:#010x} cannot be read: there is {where}, or the range leaves it",
        cure=f"Read the flash from {XSPI2_BASE:#010x} on, or a range inside one RAM.",
    )
