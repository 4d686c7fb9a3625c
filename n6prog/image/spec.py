"""`FILE@ADDR` and `FILE@SLOT`: how a file with its place is written."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from n6prog.errors import UsageError
from n6prog.values import ValueFault, parse_number

ADDRESS_LIMIT = 1 << 32
SLOT = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class FileSpec:
    """A file and the address or slot it was given; None and "" where the file or its content decides."""

    path: Path
    address: int | None = None
    slot: str = ""

    def __str__(self) -> str:
        if self.slot:
            return f"{self.path}@{self.slot}"
        return str(self.path) if self.address is None else f"{self.path}@{self.address:#010x}"


def parse_spec(spec: str | os.PathLike[str]) -> FileSpec:
    """The file and the address or slot that `spec` names; whether the board has that slot is not looked at.

    A file that exists under the whole text wins, so names with `@` in them work. A path object carries no address.
    Raises UsageError (E-USAGE) when what follows the last `@` is neither a 32-bit address nor a slot's name, or no file
    stands before it.
    """
    if not isinstance(spec, str):
        return FileSpec(Path(spec))
    name, at, address = spec.rpartition("@")
    if not at or os.path.lexists(spec):
        return FileSpec(_path(spec, spec))
    if SLOT.fullmatch(address):
        return FileSpec(_path(name, spec), slot=address)
    return FileSpec(_path(name, spec), _address(address, spec))


def _address(text: str, spec: str) -> int:
    try:
        address = parse_number(text)
    except ValueFault as fault:
        raise UsageError.of("E-USAGE", spec, reason=f"{spec!r}: {fault.reason}", cure=fault.cure) from fault
    if address >= ADDRESS_LIMIT:
        raise UsageError.of(
            "E-USAGE",
            spec,
            reason=f"{spec!r}: the address has more than 32 bits",
            cure="The NOR lies at 0x70000000 and up.",
        )
    return address


def _path(name: str, spec: str) -> Path:
    if not name:
        raise UsageError.of("E-USAGE", spec, reason=f"{spec!r} names no file", cure="Write FILE or FILE@ADDRESS.")
    return Path(name)
