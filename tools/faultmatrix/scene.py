"""What is flashed over what: a small image in two pieces, the flash before it, and the flash as it must be then.

Offsets count from the start of the NOR. Everything comes from a seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

NOR_BASE, NOR_SIZE = 0x7000_0000, 64 << 20  # MX25UM51245G behind XSPI2
SECTOR, BLOCK = 0x1000, 0x1_0000
WINDOW = 0x100_0000  # the image lies in the first blocks from here
BLOCKS = 5
CONTENTS = ("dirty", "blank", "partial", "cleared")
_BLANK = b"\xff" * (1 << 20)


@dataclass(frozen=True)
class Scene:
    """`pieces`: offset and bytes of what is to be written. `before`: the blocks that are not blank, by offset."""

    content: str
    pieces: tuple[tuple[int, bytes], ...]
    before: dict[int, bytes] = field(repr=False)

    @property
    def wanted(self) -> dict[int, bytes]:
        """The blocks of `before` and the image, with the image in them."""
        blocks = {offset: bytearray(data) for offset, data in self.before.items()}
        for offset, data in self.pieces:
            for at, part in _cut(offset, data):
                block = blocks.setdefault(at // BLOCK * BLOCK, bytearray(_BLANK[:BLOCK]))
                block[at % BLOCK : at % BLOCK + len(part)] = part
        return {offset: bytes(data) for offset, data in blocks.items()}

    @property
    def sectors(self) -> list[int]:
        """Offsets of the sectors that hold a byte of the image."""
        found: set[int] = set()
        for offset, data in self.pieces:
            found |= set(range(offset // SECTOR * SECTOR, offset + len(data), SECTOR))
        return sorted(found)

    def files(self, folder: Path) -> list[str]:
        """The image as files at addresses, as the command line takes them."""
        names = []
        for number, (offset, data) in enumerate(self.pieces):
            path = folder / f"piece{number}.bin"
            path.write_bytes(data)
            names.append(f"{path}@{NOR_BASE + offset:#x}")
        return names

    def prepare(self, nor: Path) -> None:
        """Make `nor` hold what the flash holds before."""
        with nor.open("wb") as file:
            for start in range(0, NOR_SIZE, len(_BLANK)):
                file.write(self._expected(start, self.before))

    def damage(self, nor: Path) -> Damage:
        """How `nor` differs from what is wanted."""
        wanted = self.wanted
        asked, foreign = [], []
        with nor.open("rb") as file:
            for start in range(0, NOR_SIZE, len(_BLANK)):
                found, should = file.read(len(_BLANK)), self._expected(start, wanted)
                if found == should:
                    continue
                for at in range(0, len(_BLANK), SECTOR):
                    if found[at : at + SECTOR] != should[at : at + SECTOR]:
                        mine, others = self._differ(start + at, found[at : at + SECTOR], should[at : at + SECTOR])
                        asked += [start + at] * mine
                        foreign += [start + at] * others
        return Damage(tuple(asked), tuple(foreign))

    def _expected(self, start: int, blocks: dict[int, bytes]) -> bytes:
        near = [offset for offset in blocks if start <= offset < start + len(_BLANK)]
        if not near:
            return _BLANK
        content = bytearray(_BLANK)
        for offset in near:
            content[offset - start : offset - start + BLOCK] = blocks[offset]
        return bytes(content)

    def _differ(self, at: int, found: bytes, should: bytes) -> tuple[bool, bool]:
        """Whether bytes of the image, and whether others, differ in the sector at `at`."""
        image = bytearray(SECTOR)
        for offset, data in self.pieces:
            first, last = max(offset, at), min(offset + len(data), at + SECTOR)
            if first < last:
                image[first - at : last - at] = b"\1" * (last - first)
        wrong = [place for place in range(SECTOR) if found[place] != should[place]]
        return any(image[place] for place in wrong), any(not image[place] for place in wrong)


@dataclass(frozen=True)
class Damage:
    """Offsets of sectors in which bytes of the image (`asked`), or others (`foreign`), are not as they must be."""

    asked: tuple[int, ...] = ()
    foreign: tuple[int, ...] = ()


def _cut(offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """The bytes in parts that lie in one block each."""
    end = offset + len(data)
    at = offset
    while at < end:
        then = min(end, at // BLOCK * BLOCK + BLOCK)
        yield at, data[at - offset : then - offset]
        at = then


def make_scene(seed: int, variant: int, content: str) -> Scene:
    """About 200 KiB in two pieces, a gap within a block between them, over one of CONTENTS."""
    rng = random.Random(f"{seed}:{variant}:{content}")
    first = WINDOW + rng.randrange(0x800, 0x4000)
    long = rng.randrange(0x1_6000, 0x1_C000)
    gap = rng.randrange(1, 0x3000)
    second = first + long + gap
    short = rng.randrange(0x1_2000, 0x1_8000)
    pieces = ((first, _image(rng, long)), (second, _image(rng, short)))
    before = {WINDOW + number * BLOCK: bytearray(rng.randbytes(BLOCK)) for number in range(BLOCKS)}
    # An address bit that gets lost would write here.
    for bit in (16, 17, 18, 20, 22, 25):
        before.setdefault(WINDOW ^ 1 << bit, bytearray(rng.randbytes(BLOCK)))
    for offset, data in pieces:
        for at, part in _cut(offset, data):
            block = before.setdefault(at // BLOCK * BLOCK, bytearray(_BLANK[:BLOCK]))
            block[at % BLOCK : at % BLOCK + len(part)] = _held(rng, content, part)
    return Scene(content, pieces, {offset: bytes(block) for offset, block in before.items()})


def _image(rng: random.Random, size: int) -> bytes:
    """Noise with stretches of text, zeros and FF, as firmware and weights have them."""
    parts = []
    while size > 0:
        length = min(size, rng.randrange(0x100, 0x4000))
        kind = rng.randrange(6)
        part = rng.randbytes(length)
        if kind == 0:
            part = rng.choice((b"\0", b"\xff")) * length
        elif kind == 1:
            part = (b"a line of text that comes again and again\n" * (length // 40 + 1))[:length]
        parts.append(part)
        size -= length
    return b"".join(parts)


def _held(rng: random.Random, content: str, part: bytes) -> bytes:
    """What the flash holds where `part` is to be written."""
    if content == "blank":
        return b"\xff" * len(part)
    if content == "dirty":
        return rng.randbytes(len(part))
    held = bytearray(part)
    for at in range(0, len(part), SECTOR):
        size = min(SECTOR, len(part) - at)
        how = rng.randrange(4)
        if content == "cleared":  # what is wanted has only bits to clear: no erase is needed, if ECC allows
            held[at : at + size] = bytes(
                byte | mask for byte, mask in zip(part[at : at + size], rng.randbytes(size), strict=True)
            )
        elif how == 0:
            held[at + rng.randrange(size)] ^= 1 << rng.randrange(8)
        elif how == 1:
            held[at : at + size] = rng.randbytes(size)
    return bytes(held)
