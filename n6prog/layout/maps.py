"""Relocation by hand: `--map FROM=TO` moves load addresses before the address rules see them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from n6prog.errors import UsageError
from n6prog.image.types import Chunk
from n6prog.targets.chip import region_at
from n6prog.values import ValueFault, parse_number

_NUMBER = r"0[xX][0-9a-fA-F_]+|\d+"
_MAP = re.compile(rf"({_NUMBER})(?:([+-])({_NUMBER}))?=({_NUMBER})")


@dataclass(frozen=True, slots=True)
class AddressMap:
    """Chunks that start in [start, end) move by `target` - `start`. `text` is the option as it was written."""

    start: int
    end: int
    target: int
    text: str

    def __contains__(self, address: int) -> bool:
        return self.start <= address < self.end


def parse_map(text: str) -> AddressMap:
    """`FROM=TO`, `FROM+LENGTH=TO` or `FROM-LAST=TO`; a bare FROM reaches to the end of its memory region.

    Raises UsageError (E-MAP).
    """
    match = _MAP.fullmatch(text.strip())
    if match is None:
        raise UsageError.of("E-MAP", text, reason="not of the form FROM=TO")
    try:
        start, second, target = (parse_number(number or "0") for number in (match[1], match[3], match[4]))
    except ValueFault as fault:
        raise UsageError.of("E-MAP", text, reason=fault.reason) from fault
    if match[2] is None:
        region = region_at(start)
        end = region.end if region else start + 1
    else:
        end = start + second if match[2] == "+" else second + 1
    if end <= start:
        raise UsageError.of("E-MAP", text, reason="the range is empty")
    if max(end, target + end - start) > 1 << 32:
        raise UsageError.of("E-MAP", text, reason="the range leaves the 32-bit address space")
    return AddressMap(start, end, target, text)


def relocate(chunk: Chunk, maps: Iterable[AddressMap]) -> tuple[Chunk, AddressMap | None]:
    """The chunk at its new address and the map that moved it; the first map that holds the chunk's start wins."""
    if chunk.address is not None:
        for item in maps:
            if chunk.address in item:
                run = chunk.address if chunk.run_address is None else chunk.run_address
                return replace(chunk, address=chunk.address - item.start + item.target, run_address=run), item
    return chunk, None
