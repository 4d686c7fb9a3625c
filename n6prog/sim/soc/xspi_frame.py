"""From CCR, TCR, IR, AR and ABR to a frame on the wire (hw-soc 7.2)."""

from __future__ import annotations

from functools import lru_cache

from n6prog.sim.nor.wire import NONE, Framing, Phase

_LINES = (0, 1, 2, 4, 8, 16, 0, 0)
MTYP_SWAPS = frozenset({1, 3})  # Macronix: the second byte of a pair goes first


@lru_cache(maxsize=256)
def framing_of(ccr: int, dummy: int) -> Framing:
    """The framing CCR describes, with `dummy` clocks from TCR."""
    return Framing.of(
        _phase(ccr & 7, ccr >> 3 & 1, (ccr >> 4 & 3) + 1),
        _phase(ccr >> 8 & 7, ccr >> 11 & 1, (ccr >> 12 & 3) + 1),
        _phase(ccr >> 16 & 7, ccr >> 19 & 1, (ccr >> 20 & 3) + 1),
        _phase(ccr >> 24 & 7, ccr >> 27 & 1, 0),
        dummy,
        bool(ccr >> 29 & 1),
    )


@lru_cache(maxsize=64)
def _around(ccr: int, tcr: int, instruction: int, alternate: int) -> tuple[Framing, bytes, bytes]:
    """What frames that differ in their address have in common: the framing, the bytes before the address and behind."""
    frame = framing_of(ccr, tcr & 0x1F)
    return frame, _phase_bytes(frame.instruction, instruction), _phase_bytes(frame.alternate, alternate)


def frame_at(ccr: int, tcr: int, instruction: int, address: int, alternate: int) -> tuple[Framing, bytes]:
    """Framing and head: instruction, address and alternate bytes in the order of the wire.

    All are right-aligned in their registers.
    """
    frame, before, behind = _around(ccr, tcr, instruction, alternate)
    return frame, before + _phase_bytes(frame.address, address) + behind


frame_of = lru_cache(maxsize=64)(frame_at)  # a program sends a few over and over


def _phase(mode: int, dtr: int, size: int) -> Phase:
    return Phase(_LINES[mode], bool(dtr), size) if _LINES[mode] else NONE


def _phase_bytes(phase: Phase, value: int) -> bytes:
    """What a phase puts on the wire, nothing where it is absent."""
    size = phase.size
    return (value & ((1 << 8 * size) - 1)).to_bytes(size, "big") if phase.lines else b""


def head_sent(frame: Framing, head: bytes, clocks: int) -> bytes:
    """What of `head` is out after so many clocks; whole bytes, in 8D pairs of them."""
    sent = 0
    for phase in (frame.instruction, frame.address, frame.alternate):
        driven = min(clocks, phase.clocks(phase.size))
        sent += min(driven * phase.lines * (2 if phase.dtr else 1) // 8, phase.size)
        clocks -= driven
    return head[:sent]
