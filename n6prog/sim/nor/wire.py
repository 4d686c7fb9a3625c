"""How a controller clocks a command out: lines, edges and clocks of each phase, and what other bus modes make of it."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase: lines (0 when absent), both edges or one, and its length in bytes (0 for data: open ended)."""

    lines: int
    dtr: bool
    size: int = 0

    def clocks(self, size: int) -> int:
        """Clocks for `size` bytes."""
        if not self.lines:
            return 0
        per_clock = self.lines * (2 if self.dtr else 1)
        return -(-8 * size // per_clock)

    @property
    def mode(self) -> str:
        """ "1S", "8S", "8D", another pair of digits for what the NOR does not speak, "" when absent."""
        return f"{self.lines}{'D' if self.dtr else 'S'}" if self.lines else ""


@dataclass(frozen=True, slots=True)
class Framing:
    """The frame format of one command: its phases, dummy clocks, and whether the controller samples by DQS."""

    instruction: Phase
    address: Phase
    alternate: Phase
    data: Phase
    dummy: int
    dqs: bool
    mode: str  # the one mode of all phases present, or "mixed"
    head_clocks: int  # instruction, address and alternate bytes, then dummies
    byte_halves: int  # half clocks a data byte takes
    lines: int  # the most that any phase uses
    pairs: bool  # data on eight lines and both edges: two bytes a clock

    @classmethod
    def of(
        cls, instruction: Phase, address: Phase, alternate: Phase, data: Phase, dummy: int = 0, dqs: bool = False
    ) -> Framing:
        """The framing of these phases."""
        present = [phase for phase in (instruction, address, alternate, data) if phase.lines]
        modes = {phase.mode for phase in present}
        head = sum(phase.clocks(phase.size) for phase in (instruction, address, alternate)) + dummy
        halves = 16 // (data.lines * (2 if data.dtr else 1)) if data.lines else 0
        mode = modes.pop() if len(modes) == 1 else "mixed"
        lines = max(phase.lines for phase in (instruction, address, alternate, data))
        pairs = data.lines == 8 and data.dtr
        return cls(instruction, address, alternate, data, dummy, dqs, mode, head, halves, lines, pairs)


NONE = Phase(0, False)


@lru_cache(maxsize=64)
def framing(mode: str, address: int = 0, data: bool = False, dummy: int = 0, dqs: bool = False) -> Framing:
    """A framing with every phase in one mode ("1S", "8S", "8D"); `address` in bytes. For tests and for direct use."""
    lines, dtr = int(mode[0]), mode[1] == "D"
    return Framing.of(
        Phase(lines, dtr, 1 if lines == 1 else 2),
        Phase(lines, dtr, address) if address else NONE,
        NONE,
        Phase(lines, dtr) if data else NONE,
        dummy,
        dqs,
    )


def edges(frame: Framing, head: bytes, data: bytes) -> list[tuple[int, int]]:
    """What stands on DQ7..DQ0 at the rising and the falling edge of every clock that the controller drives.

    Lines that a phase does not use are low; with dummies nothing is driven and the lines are taken as low too.
    """
    clocks: list[tuple[int, int]] = []
    at = 0
    for phase in (frame.instruction, frame.address, frame.alternate):
        clocks += _phase_edges(phase, head[at : at + phase.size])
        at += phase.size if phase.lines else 0
    clocks += [(0, 0)] * frame.dummy
    return clocks + _phase_edges(frame.data, data)


def _phase_edges(phase: Phase, data: bytes) -> list[tuple[int, int]]:
    """The edges of one phase, most significant bit first."""
    if not phase.lines or not data:
        return []
    symbols: list[int] = []
    mask = (1 << phase.lines) - 1
    for byte in data:
        symbols += [(byte >> shift) & mask for shift in range(8 - phase.lines, -1, -phase.lines)]
    if not phase.dtr:
        return [(symbol, symbol) for symbol in symbols]
    if len(symbols) % 2:
        symbols.append(0)
    return list(zip(symbols[0::2], symbols[1::2], strict=True))


def as_seen(mode: str, clocks: list[tuple[int, int]]) -> tuple[bytes, int]:
    """What a device in `mode` takes from those edges: whole bytes, and the bits beyond them."""
    if mode == "8D":
        return bytes(symbol & 0xFF for pair in clocks for symbol in pair), 0
    if mode == "8S":
        return bytes(rising & 0xFF for rising, _ in clocks), 0
    whole, rest = divmod(len(clocks), 8)
    value = 0
    for rising, _ in clocks[: 8 * whole]:
        value = (value << 1) | (rising & 1)
    return value.to_bytes(whole, "big"), rest


def swap_pairs(data: bytes) -> bytes:
    """Swap the bytes of every pair; an odd last byte stays."""
    if len(data) == 2:
        return data[::-1]
    if len(data) & 1:
        return swap_pairs(data[:-1]) + data[-1:]
    pairs = array("H", data)
    pairs.byteswap()
    return pairs.tobytes()
