"""What a difference between wanted and read bytes looks like, and what that usually means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """How bytes differ.

    `offset`: the first differing byte. `count`: how many differ. `wrote`, `read`: up to 8 bytes of both from there.
    `pattern`, `advice`: what it looks like, and what to do.
    """

    offset: int
    count: int
    wrote: bytes
    read: bytes
    pattern: str
    advice: str


_SHOWN = 8

_PATTERNS = {
    "blank": ("all FF: never written, or erased since", "Run flash again."),
    "lost": (
        "the wanted bytes read FF: a program was lost",
        "Run flash again; if it stays, power-cycle the board with BOOT1=1 first.",
    ),
    "pairs": (
        "the bytes of each pair are swapped: DTR byte order",
        "A program wrote this flash in octal DTR without swapping; run flash again.",
    ),
    "one bit": ("one bit differs", "Run flash again; if the same bit stays wrong, the flash cell is worn."),
    "cleared": (
        "bits are cleared only: programmed over old content that was not erased",
        "Run flash again; it erases what differs.",
    ),
    "not taken": (
        "no pattern",
        (
            "The flash did not take what was written: run it again; if it stays, power-cycle the board with BOOT1=1 "
            "first; if it still stays, the flash is write-protected, worn or faulty."
        ),
    ),
    "other": ("no pattern", "The flash holds something else here: run flash to write these files."),
}


def difference(wanted: bytes | memoryview, found: bytes | memoryview, *, written: bool = False) -> Difference | None:
    """How `found` differs from `wanted` (same length), or None when they are equal.

    `written`: `wanted` was just written, so what stands there is not simply something else.
    """
    want, got = bytes(wanted), bytes(found)
    assert len(want) == len(got)
    if want == got:
        return None
    xor = (int.from_bytes(want, "big") ^ int.from_bytes(got, "big")).to_bytes(len(want), "big")
    first = len(xor) - len(xor.lstrip(b"\0"))
    last = len(xor.rstrip(b"\0"))
    shown = slice(first, min(last, first + _SHOWN))
    name = _pattern(want[first:last], got[first:last], want, got, xor)
    pattern, advice = _PATTERNS["not taken" if written and name == "other" else name]
    return Difference(first, len(xor) - xor.count(0), want[shown], got[shown], pattern, advice)


def _pattern(want: bytes, got: bytes, all_want: bytes, all_got: bytes, xor: bytes) -> str:
    """Name the pattern; `want` and `got` run from the first to the last differing byte."""
    if not all_got.strip(b"\xff"):
        return "blank"
    if not got.strip(b"\xff"):
        return "lost"
    if _swapped(all_want) == all_got:
        return "pairs"
    if int.from_bytes(xor, "big").bit_count() == 1:
        return "one bit"
    if int.from_bytes(want, "big") & int.from_bytes(got, "big") == int.from_bytes(got, "big"):
        return "cleared"
    return "other"


def _swapped(data: bytes) -> bytes:
    """The bytes of each aligned pair exchanged; an odd last byte stays."""
    even = len(data) & ~1
    out = bytearray(data)
    out[0:even:2], out[1:even:2] = data[1:even:2], data[0:even:2]
    return bytes(out)
