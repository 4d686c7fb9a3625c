"""Boards and flash parts as typed data, read from TOML; mistakes are reported with file and line."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from os import PathLike, fspath
from pathlib import Path

from n6prog.targets.toml_reader import SchemaError, TableReader

__all__ = [
    "BoardProfile",
    "Device",
    "Erase",
    "NorPart",
    "Octal",
    "Pin",
    "SchemaError",
    "Slot",
    "Wiring",
    "board_names",
    "load_board",
    "load_part",
    "part_by_jedec",
    "part_names",
]

_HERE = Path(__file__).resolve().parent
_XSPI2_BASE, _XSPI2_WINDOW = 0x7000_0000, 0x1000_0000
_SECTOR = 0x1000
_PAD = re.compile(r"P[A-HN-Q](?:[0-9]|1[0-5])")


@dataclass(frozen=True, slots=True)
class Erase:
    """One erase command: size in bytes, 1S opcode with a 4-byte address, typical and longest time in seconds."""

    size: int
    opcode: int
    typ: float
    max: float


@dataclass(frozen=True, slots=True)
class Octal:
    """Commands in octal DTR with 4-byte addresses: each opcode two bytes as sent, the second the inverse of the first.

    `read_dummy` in clocks; `block_erase_opcode` 0 where the part has none.
    """

    read_opcode: int
    read_dummy: int
    program_opcode: int
    sector_erase_opcode: int
    block_erase_opcode: int = 0


@dataclass(frozen=True, slots=True)
class NorPart:
    """A NOR flash part. Sizes in bytes, times in seconds, opcodes for 1S with 4-byte addresses.

    `octal`: None where only 1S is to be used.
    """

    name: str
    jedec: bytes
    size: int
    page: int
    erases: tuple[Erase, ...]  # ascending by size
    program_typ: float
    dies: int
    swaps_pairs: bool
    source: str
    program_max: float = 0.01
    chip_erase_opcode: int = 0x60
    chip_erase_typ: float = 192.0
    chip_erase_max: float = 600.0
    read_opcode: int = 0x0C
    read_dummy: int = 8
    program_opcode: int = 0x12
    ecc_chunk: int = 16
    octal: Octal | None = None

    def erase(self, size: int) -> Erase:
        """The erase command of exactly this size. Raises KeyError when the part has none."""
        for item in self.erases:
            if item.size == size:
                return item
        raise KeyError(size)


@dataclass(frozen=True, slots=True)
class Slot:
    """A named place in the NOR: start address in the map, size in bytes, and whether an STM2 header must be there."""

    name: str
    start: int
    size: int
    header: bool


@dataclass(frozen=True, slots=True)
class Pin:
    """One pad of the flash port: pad name ("PN1"), signal, alternate function number, pull ("", "up", "down")."""

    pad: str
    signal: str
    af: int
    pull: str = ""


@dataclass(frozen=True, slots=True)
class Wiring:
    """How the NOR is wired: XSPI instance, XSPIM port, pads, supply rail, whether the pads may use the 1.8 V range."""

    xspi: int
    port: int
    pins: tuple[Pin, ...]
    rail: str
    range_1v8: bool


@dataclass(frozen=True, slots=True)
class BoardProfile:
    """A board: wiring, fitted NOR part (by name), slots, bytes of PSRAM on XSPI1 (0 for none), and the jumper help."""

    name: str
    title: str
    wiring: Wiring
    part: str
    slots: tuple[Slot, ...]
    psram: int
    boot_help: str
    flash_help: str = ""

    def slot(self, name: str) -> Slot:
        """The slot of that name. Raises KeyError."""
        for item in self.slots:
            if item.name == name:
                return item
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Device:
    """What placement works against: a board and its NOR, assumed from the profile or measured on the chip.

    `cut` is the silicon cut as the header version it wants ("2.3"), or "" while unknown.
    """

    board: BoardProfile
    nor: NorPart
    cut: str = ""
    measured: bool = False


def board_names() -> tuple[str, ...]:
    """Names of the boards that come with n6prog, sorted."""
    return tuple(sorted(path.stem for path in (_HERE / "boards").glob("*.toml")))


def part_names() -> tuple[str, ...]:
    """Names of the flash parts that come with n6prog, sorted."""
    return tuple(sorted(path.stem.upper() for path in (_HERE / "nor").glob("*.toml")))


def load_board(name_or_path: str | PathLike[str]) -> BoardProfile:
    """The board of this name (any case), or of the TOML file at this path (it ends in .toml).

    Raises SchemaError: no such board or file, or the file is not as it should be.
    """
    given = fspath(name_or_path)
    if given.lower().endswith(".toml"):
        return _board_from(Path(given).expanduser().absolute())
    name = given.lower().replace("_", "-")
    if name not in board_names():
        known = ", ".join(board_names())
        raise SchemaError(given, 0, "", f"no such board; known: {known}, or a path that ends in .toml")
    return _board_from(_HERE / "boards" / f"{name}.toml")


def load_part(name_or_path: str | PathLike[str]) -> NorPart:
    """The flash part of this name (any case), or of the TOML file at this path (it ends in .toml).

    Raises SchemaError: no such part or file, or the file is not as it should be.
    """
    given = fspath(name_or_path)
    if given.lower().endswith(".toml"):
        return _part_from(Path(given).expanduser().absolute())
    if given.upper() not in part_names():
        known = ", ".join(part_names())
        raise SchemaError(given, 0, "", f"no such flash part; known: {known}, or a path that ends in .toml")
    return _part_from(_HERE / "nor" / f"{given.lower()}.toml")


def part_by_jedec(jedec: bytes) -> NorPart | None:
    """The known part with this identity (three bytes as RDID gives them in 1S), or None."""
    for name in part_names():
        part = load_part(name)
        if part.jedec == bytes(jedec[:3]):
            return part
    return None


@cache
def _part_from(path: Path) -> NorPart:
    top = TableReader.open(path)
    try:
        jedec = bytes.fromhex(top.text("jedec"))
    except ValueError:
        jedec = b""
    if len(jedec) != 3:
        raise top.error("jedec", 'must be three bytes in hexadecimal, as in "C2 80 3A"')
    part = NorPart(
        name=top.text("name"),
        jedec=jedec,
        size=_power_of_two(top, "size", 0x1_0000, _XSPI2_WINDOW),
        page=_power_of_two(top, "page", 16, _SECTOR),
        erases=_erases(top),
        program_typ=top.seconds("program_typ"),
        dies=top.integer("dies", low=1, high=8),
        swaps_pairs=top.flag("swaps_pairs"),
        source=top.text("source"),
    )
    part = replace(
        part,
        program_max=top.seconds("program_max", part.program_max),
        chip_erase_opcode=top.integer("chip_erase_opcode", part.chip_erase_opcode, low=1, high=0xFF),
        chip_erase_typ=top.seconds("chip_erase_typ", part.chip_erase_typ),
        chip_erase_max=top.seconds("chip_erase_max", part.chip_erase_max),
        read_opcode=top.integer("read_opcode", part.read_opcode, low=1, high=0xFF),
        read_dummy=top.integer("read_dummy", part.read_dummy, high=31),
        program_opcode=top.integer("program_opcode", part.program_opcode, low=1, high=0xFF),
        ecc_chunk=_power_of_two(top, "ecc_chunk", 1, 256, part.ecc_chunk),
        octal=_octal(top.table("octal")) if top.has("octal") else None,
    )
    for typ, longest in (("program_typ", "program_max"), ("chip_erase_typ", "chip_erase_max")):
        if getattr(part, longest) < getattr(part, typ):
            raise top.error(longest, f"is shorter than the typical time {getattr(part, typ)} s")
    top.finish()
    return part


def _octal(table: TableReader) -> Octal:
    octal = Octal(
        read_opcode=_inverse_pair(table, "read_opcode"),
        read_dummy=table.integer("read_dummy", low=6, high=20),
        program_opcode=_inverse_pair(table, "program_opcode"),
        sector_erase_opcode=_inverse_pair(table, "sector_erase_opcode"),
        block_erase_opcode=_inverse_pair(table, "block_erase_opcode") if table.has("block_erase_opcode") else 0,
    )
    if octal.read_dummy % 2:
        raise table.error("read_dummy", f"must be even, is {octal.read_dummy}")
    table.finish()
    return octal


def _inverse_pair(table: TableReader, key: str) -> int:
    value = table.integer(key, low=0x100, high=0xFFFF)
    if value >> 8 ^ value & 0xFF != 0xFF:
        raise table.error(key, f"must be an opcode and its inverse, as 0xEE11, is {value:#06x}")
    return value


def _erases(top: TableReader) -> tuple[Erase, ...]:
    erases = []
    for table in top.tables("erases"):
        erase = Erase(
            size=_power_of_two(table, "size", _SECTOR),
            opcode=table.integer("opcode", low=1, high=0xFF),
            typ=table.seconds("typ"),
            max=table.seconds("max"),
        )
        if erase.max < erase.typ:
            raise table.error("max", f"is shorter than the typical time {erase.typ} s")
        table.finish()
        erases.append(erase)
    if [erase.size for erase in erases] != sorted({erase.size for erase in erases}) or not erases:
        raise top.error("erases", "must hold at least one entry, sizes ascending and each once")
    if erases[0].size != _SECTOR:
        raise top.error("erases", f"the smallest must be {_SECTOR:#x} bytes: work is planned in sectors of that size")
    return tuple(erases)


@cache
def _board_from(path: Path) -> BoardProfile:
    top = TableReader.open(path)
    wiring_table = top.table("wiring")
    wiring = _wiring(wiring_table)
    wiring_table.finish()
    part_name = top.text("part")
    if part_name.lower().endswith(".toml"):
        part_name = str((path.parent / part_name).absolute())
    try:
        part = load_part(part_name)
    except SchemaError as exc:
        raise top.error("part", str(exc)) from None
    board = BoardProfile(
        name=top.text("name"),
        title=top.text("title"),
        wiring=wiring,
        part=part_name,
        slots=_slots(top, part),
        psram=top.integer("psram", 0, high=0x1000_0000),
        boot_help=top.text("boot_help"),
        flash_help=top.text("flash_help", ""),
    )
    top.finish()
    return board


def _wiring(table: TableReader) -> Wiring:
    pins: list[Pin] = []
    for pin in table.tables("pins"):
        pad = pin.text("pad")
        if not _PAD.fullmatch(pad):
            raise pin.error("pad", f'must be a pad name as "PN1", is "{pad}"')
        pull = pin.text("pull", "")
        if pull not in ("", "up", "down"):
            raise pin.error("pull", f'must be "", "up" or "down", is "{pull}"')
        if any(other.pad == pad for other in pins):
            raise pin.error("pad", f"{pad} is named twice")
        pins.append(Pin(pad=pad, signal=pin.text("signal"), af=pin.integer("af", high=15), pull=pull))
        pin.finish()
    return Wiring(
        xspi=table.integer("xspi", low=1, high=3),
        port=table.integer("port", low=1, high=2),
        pins=tuple(pins),
        rail=table.text("rail"),
        range_1v8=table.flag("range_1v8"),
    )


def _slots(top: TableReader, part: NorPart) -> tuple[Slot, ...]:
    slots: list[Slot] = []
    for table in top.tables("slots"):
        slot = Slot(
            name=table.text("name"),
            start=table.integer("start"),
            size=table.integer("size", low=_SECTOR),
            header=table.flag("header"),
        )
        end = slot.start + slot.size
        if slot.start % _SECTOR:
            raise table.error("start", f"must be a multiple of {_SECTOR:#x}, is {slot.start:#x}")
        if slot.size % _SECTOR:
            raise table.error("size", f"must be a multiple of {_SECTOR:#x}, is {slot.size:#x}")
        if slot.start < _XSPI2_BASE:
            raise table.error("start", f"must lie in the XSPI2 window, from {_XSPI2_BASE:#x} on, is {slot.start:#x}")
        if end > _XSPI2_BASE + part.size:
            raise table.error("size", f"the slot ends at {end:#x}, the {part.name} at {_XSPI2_BASE + part.size:#x}")
        for other in slots:
            if other.name == slot.name:
                raise table.error("name", f'there are two slots "{slot.name}"')
            if slot.start < other.start + other.size and other.start < end:
                raise table.error("start", f'the slots "{other.name}" and "{slot.name}" overlap')
        table.finish()
        slots.append(slot)
    return tuple(slots)


def _power_of_two(table: TableReader, key: str, low: int, high: int = 0x4000_0000, default: int | None = None) -> int:
    value = table.integer(key, default, low=low, high=high)
    if value & (value - 1):
        raise table.error(key, f"must be a power of two, is {value:#x}")
    return value
