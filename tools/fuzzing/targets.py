"""What is fuzzed: each target reads one input and either takes it or says what is wrong the way n6prog does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

from fuzzing import mutate, seeds
from n6prog.cli import text
from n6prog.cli.map_svg import map_svg
from n6prog.cli.map_text import map_lines
from n6prog.config import resolve
from n6prog.config_file import find_file, read_file
from n6prog.errors import N6ProgError
from n6prog.findings import Finding
from n6prog.flows.source import assumed_device, place_images, profile
from n6prog.image import Image, parse_spec, read, read_elf, read_ihex, read_raw, read_srec, stm2
from n6prog.layout import parse_map
from n6prog.layout.boot import boot
from n6prog.targets import schema
from n6prog.targets.chip import XSPI2_BASE


@dataclass(frozen=True)
class Target:
    """`make` gives an input; `run` reads it and gives True when it was taken without an error.

    `allowed` are the exceptions that tell a user what is wrong; anything else that `run` raises is a defect.
    """

    name: str
    make: Callable[[Sequence[bytes], Random], bytes]
    seeds: Callable[[], list[bytes]]
    run: Callable[[bytes, Path], bool]
    allowed: tuple[type[Exception], ...] = ()


def _told(findings: Sequence[Finding]) -> bool:
    """Every finding can be printed and sent; True when none is an error."""
    for found in findings:
        text.finding_lines(found, width=80)
        json.dumps(found.as_dict())
    return not any(found.is_error for found in findings)


def _judged(image: Image) -> bool:
    for chunk in image.chunks:
        assert chunk.address is None or chunk.address + chunk.size <= 1 << 32 or not _told(image.findings)
    return _told(image.findings)


def _elf(data: bytes, _: Path) -> bool:
    return _judged(read_elf(data, "a.elf"))


def _ihex(data: bytes, _: Path) -> bool:
    return _judged(read_ihex(data, "a.hex"))


def _srec(data: bytes, _: Path) -> bool:
    return _judged(read_srec(data, "a.srec"))


def _raw(data: bytes, _: Path) -> bool:
    address = int.from_bytes(data[:4], "little") if len(data) % 3 else None
    return _judged(read_raw(data, "a.bin", address))


def _stm2(data: bytes, _: Path) -> bool:
    head = stm2.parse(data)
    if head is None:
        return False
    head.load_hint()
    return _told([*stm2.verify(head, data, "a.bin"), *stm2.verify_fsbl(head, "a.bin")])


_SUFFIXES = (".elf", ".hex", ".srec", ".bin", ".raw", "", ".AXISRAM5.raw")


def _file(data: bytes, folder: Path) -> bool:
    """A file of its own on the disk, by any ending."""
    path = folder / f"input{_SUFFIXES[sum(data[:8]) % len(_SUFFIXES)]}"
    path.write_bytes(data)
    return _judged(read(path))


_READERS = (read_elf, read_ihex, read_srec, read_raw)
_BOARDS = ("nucleo-n657x0-q", "stm32n6570-dk")


def _collection(data: bytes, _: Path) -> bool:
    """Two to four files in one input, each led by its reader and its length, placed together and drawn."""
    images: list[Image] = []
    at = 0
    while at + 3 <= len(data) and len(images) < 4:
        kind, size = data[at], int.from_bytes(data[at + 1 : at + 3], "little")
        content, at = data[at + 3 : at + 3 + size], at + 3 + size
        if kind & 3 == 3 and size & 1:
            images.append(read_raw(content, f"{len(images)}.bin", 0x7000_0000 + (kind >> 2 << 16)))
        else:
            images.append(_READERS[kind & 3](content, str(len(images))))
    device = assumed_device(profile(_BOARDS[len(data) % 2]))
    placement = place_images(images, device, header=("auto", "none", "2.1", "2.3")[len(data) // 2 % 4])
    if placement.ok:
        ends = [(piece.address, piece.end) for piece in placement.flash]
        assert all(before[1] <= after[0] for before, after in pairwise(ends))
    boot(placement)
    map_lines(placement, XSPI2_BASE)
    map_svg(placement, XSPI2_BASE)
    return _told(placement.findings)


def _packed() -> list[bytes]:
    kinds = (seeds.elf(), seeds.ihex(), seeds.srec(), [*seeds.raw(), *seeds.stm2()])
    packs = []
    for index in range(24):
        parts = [(kind, kinds[kind][(index * 7 + kind) % len(kinds[kind])]) for kind in range(4) if index >> kind & 1]
        packs.append(b"".join(bytes([kind]) + len(data).to_bytes(2, "little") + data for kind, data in parts) or b"\0")
    return packs


def _board(data: bytes, folder: Path) -> bool:
    path = folder / "board.toml"
    path.write_bytes(data)
    schema._board_from.cache_clear()  # noqa: SLF001 - every input lies at the same path
    assumed_device(schema.load_board(path))
    return True


def _part(data: bytes, folder: Path) -> bool:
    path = folder / "part.toml"
    path.write_bytes(data)
    schema._part_from.cache_clear()  # noqa: SLF001
    schema.load_part(path)
    return True


def _project(data: bytes, folder: Path) -> bool:
    name = "n6prog.toml" if len(data) % 2 else "pyproject.toml"
    path = folder / name
    path.write_bytes(data)
    try:
        file = read_file(path) if len(data) % 3 else find_file(folder)
        resolve({}, {}, file)
    finally:
        path.unlink()
    return file is not None


def _words(data: bytes, _: Path) -> bool:
    words = data.decode("utf-8", "surrogateescape")
    (parse_map if "=" in words else parse_spec)(words)
    return True


_OURS = (N6ProgError,)
TARGETS = (
    Target("elf", mutate.binary, seeds.elf, _elf),
    Target("ihex", mutate.records, seeds.ihex, _ihex),
    Target("srec", mutate.records, seeds.srec, _srec),
    Target("raw", mutate.binary, lambda: [*seeds.raw(), *seeds.stm2()], _raw),
    Target("stm2", mutate.binary, seeds.stm2, _stm2),
    Target("file", mutate.binary, lambda: [*seeds.elf(), *seeds.ihex(), *seeds.srec(), *seeds.raw()], _file, _OURS),
    Target("collection", mutate.binary, _packed, _collection),
    Target("board", mutate.toml, seeds.boards, _board, (schema.SchemaError, N6ProgError)),
    Target("part", mutate.toml, seeds.parts, _part, (schema.SchemaError,)),
    Target("project", mutate.toml, seeds.projects, _project, _OURS),
    Target("words", mutate.binary, seeds.specs, _words, _OURS),
)
