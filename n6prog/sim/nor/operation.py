"""The work the NOR has in hand while WIP is 1."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Operation:
    """A program, erase or register write under way. `kind` names what it is, times in picoseconds.

    kinds: program, sector, block, chip, status (WRSR), boot-erase (ESFBR), lock-erase (ESSPB), password (PASSULK),
    suspending. `fails`: it ends in P_FAIL or E_FAIL and changes nothing. While suspended, `end` is what was left,
    counted from 0. `left` is what was left when it was last resumed, 0 when it never was.
    """

    kind: str
    start: int
    end: int
    address: int = 0
    size: int = 0
    data: bytes = b""
    fails: bool = False
    left: int = 0

    def as_json(self) -> dict[str, object]:
        """JSON-able."""
        return {
            "kind": self.kind, "start": self.start, "end": self.end, "address": self.address, "size": self.size,
            "data": self.data.hex(), "fails": self.fails, "left": self.left,
        }  # fmt: skip

    @classmethod
    def from_json(cls, state: dict[str, object]) -> Operation:
        """What `as_json` gave. Raises KeyError, TypeError."""
        return cls(
            str(state["kind"]), _whole(state["start"]), _whole(state["end"]), _whole(state["address"]),
            _whole(state["size"]), bytes.fromhex(str(state["data"])), bool(state["fails"]), _whole(state["left"]),
        )  # fmt: skip


def _whole(value: object) -> int:
    """An integer out of a JSON value. Raises TypeError."""
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not an integer")
    return value
