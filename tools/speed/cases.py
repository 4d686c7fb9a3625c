"""The cases of the speed table: what is in the flash, what is to be there, at which clock; how fast that could be."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BOARD = "nucleo-n657x0-q"
MIB = 1 << 20
SIZE = 4 * MIB
AT = 0x7100_0000
OFFSET = AT - 0x7000_0000

# SFDP typicals of the MX25UM51245G (hw-flash 4.1) and the wire's cost of a word (DESIGN 5).
BLOCK_ERASE, BLOCK = 0.256, 65536
SECTOR_ERASE, SECTOR = 0.025, 4096
PAGE_PROGRAM, PAGE = 152e-6, 256
CLOCKS_A_WORD = 46

DATA = Path(__file__).parents[3] / "shared" / "data"
NETWORK = ("nucleo_network_data.hex", "ai_fsbl.hex")


@dataclass(frozen=True, slots=True)
class Case:
    """One row. `old` is what the 4 MiB hold before, `wanted` what they are to hold; both None for the network files.

    `floor` is T*, the physical limit in seconds; `limit` the most that is promised, in seconds; `against` the least
    ratio promised against the best of the others (0: none).
    """

    name: str
    clock_hz: int
    floor: float
    limit: float
    old: bytes | None = None
    wanted: bytes | None = None
    files: tuple[Path, ...] = ()
    against: float = 0.0


def wire(size: int, clock_hz: int) -> float:
    """Seconds that `size` bytes take on the wire."""
    return size / 4 * CLOCKS_A_WORD / clock_hz


def _noise(seed: int) -> bytes:
    return random.Random(seed).randbytes(SIZE)


def all_cases() -> list[Case]:
    """The rows of the table; the network files only where they are."""
    new, old = _noise(1), _noise(2)
    blank = b"\xff" * SIZE
    changed = bytearray(new)
    changed[SIZE // 2] ^= 0xFF
    programs = SIZE / PAGE * PAGE_PROGRAM
    erases = SIZE / BLOCK * BLOCK_ERASE
    cases = []
    for clock, least in ((8_000_000, 1.2), (24_000_000, 0.0)):
        floor = max(wire(SIZE, clock), erases + programs)
        name = f"4 MiB onto other content, {clock // 1_000_000} MHz"
        cases.append(Case(name, clock, floor, 1.05 * floor, old, new, against=least))
    for clock, share, least in ((8_000_000, 1.12, 3.0), (24_000_000, 1.30, 0.0)):
        floor = max(wire(SIZE, clock), programs)
        name = f"4 MiB onto blank flash, {clock // 1_000_000} MHz"
        cases.append(Case(name, clock, floor, share * floor, blank, new, against=least))
    cases.append(Case("4 MiB unchanged, 8 MHz", 8_000_000, 0.0, 0.35, new, new, against=15.0))
    floor = SECTOR_ERASE + SECTOR / PAGE * PAGE_PROGRAM
    cases.append(Case("one byte of 4 MiB changed, 8 MHz", 8_000_000, floor, 0.45, bytes(changed), new))
    files = tuple(DATA / name for name in NETWORK)
    if all(file.exists() for file in files):
        size = sum(_size(file) for file in files)
        floor = wire(size, 1_000_000)
        name = "network weights and FSBL onto blank flash, 1 MHz"
        cases.append(Case(name, 1_000_000, floor, 0.9 * floor, files=files))
    return cases


def _size(file: Path) -> int:
    """Data bytes of an Intel HEX file."""
    from intelhex import IntelHex

    return sum(stop - start for start, stop in IntelHex(str(file)).segments())


def prepare(case: Case, folder: Path) -> Path:
    """A state folder with a board whose flash holds what the case says."""
    from n6prog.sim import SimBoard

    with SimBoard(BOARD, state=folder):
        pass
    if case.old is not None:
        with (folder / "nor.bin").open("r+b") as file:
            file.seek(OFFSET)
            file.write(case.old)
    return folder


def holds(case: Case, folder: Path) -> bool:
    """Whether the flash holds what the case wants, by the file itself."""
    if case.wanted is None:
        from intelhex import IntelHex

        content = (folder / "nor.bin").read_bytes()
        for file in case.files:
            image = IntelHex(str(file))
            for start, stop in image.segments():
                offset = start - 0x7000_0000
                if content[offset : offset + stop - start] != image.tobinstr(start=start, size=stop - start):
                    return False
        return True
    with (folder / "nor.bin").open("rb") as nor:
        nor.seek(OFFSET)
        return nor.read(SIZE) == case.wanted


Flow = Callable[[Case, str, Path], float]
"""Brings a case's bytes into the flash of the board in a folder, over a link ("stlink", ...); gives virtual seconds."""
