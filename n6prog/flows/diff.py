"""Where the flash differs from the files, byte range by byte range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from n6prog.flows.survey import read_sectors
from n6prog.loader.protocol import OnBytes
from n6prog.plan import Survey, Touched
from n6prog.targets.chip import XSPI2_BASE

if TYPE_CHECKING:
    from n6prog.loader import Loader

JOINED = 8
"""Ranges with fewer equal bytes than these between them are told as one."""
SHOWN = 16
"""Bytes of each range that are kept, from its start."""
MOST = 1000
"""Ranges that are kept; the rest is counted."""
_READ_AT_ONCE = 256  # sectors: 1 MiB


@dataclass(frozen=True, slots=True)
class Differing:
    """A range that differs: address in the memory map, length in bytes, and the first `SHOWN` bytes of both sides.

    A range may hold up to `JOINED` - 1 equal bytes in a row.
    """

    address: int
    length: int
    wanted: bytes
    found: bytes

    def as_dict(self) -> dict[str, object]:
        """The same as plain data, bytes in hexadecimal."""
        return {
            "start": self.address,
            "length": self.length,
            "wanted": self.wanted.hex(" "),
            "found": self.found.hex(" "),
        }


@dataclass(frozen=True, slots=True)
class Diff:
    """The first `MOST` ranges that differ, ascending; `count` is the number of all, `bytes` that of differing bytes."""

    ranges: tuple[Differing, ...] = ()
    count: int = 0
    bytes: int = 0

    def as_dict(self) -> dict[str, object]:
        """The same as plain data."""
        return {"ranges": [item.as_dict() for item in self.ranges], "count": self.count, "bytes": self.bytes}


def compare(
    loader: Loader, touched: Mapping[int, Touched], wrong: Sequence[int], survey: Survey, step: OnBytes
) -> Diff:
    """Read the sectors that are wrong and compare them with what was wanted there.

    `touched` and `wrong`: sector offsets, ascending; `survey` holds their digests. Raises FlashFailure.
    """
    kept: list[Differing] = []
    count = differing = 0
    for item in _joined(_runs(loader, touched, wrong, survey, step)):
        count += 1
        differing += item.differing
        if count <= MOST:
            kept.append(item.as_range())
    return Diff(tuple(kept), count, differing)


@dataclass(slots=True)
class _Run:
    """A range while it grows. `differing`: bytes that differ in it."""

    address: int
    wanted: bytes
    found: bytes
    length: int
    differing: int

    def as_range(self) -> Differing:
        return Differing(self.address, self.length, self.wanted, self.found)


def _runs(
    loader: Loader, touched: Mapping[int, Touched], wrong: Sequence[int], survey: Survey, step: OnBytes
) -> Iterator[_Run]:
    """The ranges within each span of wanted bytes, not joined across sectors."""
    for at in range(0, len(wrong), _READ_AT_ONCE):
        offsets = wrong[at : at + _READ_AT_ONCE]
        digests = {offset: survey.sectors[offset].digest for offset in offsets}
        for offset, found in read_sectors(loader, offsets, digests, step).items():
            for start, data in touched[offset].spans:
                yield from runs(XSPI2_BASE + offset + start, bytes(data), found[start : start + len(data)])


def runs(address: int, wanted: bytes, found: bytes) -> Iterator[_Run]:
    """The ranges in which `found` differs from `wanted`, both at `address` and of one length."""
    xor = (int.from_bytes(wanted, "big") ^ int.from_bytes(found, "big")).to_bytes(len(wanted), "big")
    gap = bytes(JOINED)
    at = 0
    while at < len(xor):
        rest = xor[at:].lstrip(b"\0")
        at = len(xor) - len(rest)
        if not rest:
            return
        end = rest.find(gap)
        length = len(rest if end < 0 else rest[:end])
        length = len(rest[:length].rstrip(b"\0"))
        shown = slice(at, at + min(length, SHOWN))
        yield _Run(address + at, wanted[shown], found[shown], length, length - rest[:length].count(0))
        at += length


def _joined(items: Iterable[_Run]) -> Iterator[_Run]:
    """Ranges that meet, as one: the borders of sectors and pieces are ours, not the data's."""
    last: _Run | None = None
    for item in items:
        if last is not None and item.address == last.address + last.length:
            last.wanted = (last.wanted + item.wanted)[:SHOWN] if last.length < SHOWN else last.wanted
            last.found = (last.found + item.found)[:SHOWN] if last.length < SHOWN else last.found
            last.length += item.length
            last.differing += item.differing
            continue
        if last is not None:
            yield last
        last = item
    if last is not None:
        yield last
