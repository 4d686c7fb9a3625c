"""What a flash part says about itself: the JEDEC SFDP tables (JESD216), as far as a programmer in 1S needs them.

Read are the Basic Flash Parameter Table (FF00) and the 4-Byte Address Instruction Table (FF84). Field positions:
JESD216F, 6.4 and 6.6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from n6prog.nor.geometry import SECTOR
from n6prog.targets.schema import Erase, NorPart

BFPT = 0xFF00
FOUR_BYTE = 0xFF84

_ERASE_UNITS = (0.001, 0.016, 0.128, 1.0)  # BFPT DW10, seconds
_PAGE_UNITS = (8e-6, 64e-6)  # BFPT DW11 bit 13
_CHIP_UNITS = (0.016, 0.256, 4.0, 64.0)  # BFPT DW11 bits 30:29
_FAST_READ_DUMMY = 8  # 0Ch in 1S always has 8; SFDP has no field for it
_OPCODE_READ, _OPCODE_PROGRAM = 0x0C, 0x12


class SfdpError(ValueError):
    """The bytes are no SFDP, or lack what is needed; `offset` is where that shows."""

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(f"{reason} (SFDP byte {offset:#x})")
        self.reason = reason
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Sfdp:
    """Sizes in bytes, times in seconds. `erases` ascend by size and carry the 4-byte-address opcode.

    `fast_read`, `page_program`: whether 0Ch and 12h exist. `swaps_pairs`: the bytes of each pair change places in 8D
    (BFPT DW18 bit 31).
    """

    revision: tuple[int, int]
    size: int
    page: int
    erases: tuple[Erase, ...]
    program_typ: float
    program_max: float
    chip_erase_typ: float
    chip_erase_max: float
    swaps_pairs: bool
    fast_read: bool
    page_program: bool


def parse(data: bytes | bytearray | memoryview) -> Sfdp:
    """SFDP as read from its address 0. Raises SfdpError when it is damaged, cut short, or has no 4-byte commands."""
    raw = bytes(data)
    if raw[:4] != b"SFDP":
        raise SfdpError(f"no SFDP signature: {raw[:4].hex(' ') or 'nothing read'}")
    tables = _tables(raw)
    basic = tables.get(BFPT)
    if basic is None or len(basic) < 11:
        raise SfdpError("no basic parameter table of 11 words or more", 8)
    four = tables.get(FOUR_BYTE)
    if four is None or len(four) < 2:
        raise SfdpError("no table of commands with a 4-byte address", 8)
    erase_factor = 2 * ((basic[9] & 0xF) + 1)
    chip_typ = ((basic[10] >> 24 & 0x1F) + 1) * _CHIP_UNITS[basic[10] >> 29 & 3]
    program_typ = ((basic[10] >> 8 & 0x1F) + 1) * _PAGE_UNITS[basic[10] >> 13 & 1]
    return Sfdp(
        revision=(raw[5], raw[4]),
        size=_size(basic[1]),
        page=1 << (basic[10] >> 4 & 0xF),
        erases=_erases(basic, four, erase_factor),
        program_typ=program_typ,
        program_max=program_typ * 2 * ((basic[10] & 0xF) + 1),
        chip_erase_typ=chip_typ,
        chip_erase_max=chip_typ * erase_factor,
        swaps_pairs=len(basic) >= 18 and bool(basic[17] >> 31),
        fast_read=bool(four[0] >> 1 & 1),
        page_program=bool(four[0] >> 6 & 1),
    )


def part_from_sfdp(sfdp: Sfdp, jedec: bytes, name: str = "") -> NorPart:
    """A part made from its own tables, for NORs that no table of ours names.

    `jedec`: the three bytes of RDID. Dies cannot be told from these tables: 1. Raises SfdpError when the part cannot be
    driven.
    """
    if not any(item.size == SECTOR for item in sfdp.erases):
        raise SfdpError("no 4 KiB erase with a 4-byte address")
    if not (sfdp.fast_read and sfdp.page_program):
        raise SfdpError("no fast read 0Ch or no page program 12h")
    return NorPart(
        name=name or f"NOR {jedec.hex(' ').upper()}",
        jedec=bytes(jedec),
        size=sfdp.size,
        page=sfdp.page,
        erases=sfdp.erases,
        program_typ=sfdp.program_typ,
        dies=1,
        swaps_pairs=sfdp.swaps_pairs,
        source=f"SFDP {sfdp.revision[0]}.{sfdp.revision[1]} of the part",
        program_max=sfdp.program_max,
        chip_erase_typ=sfdp.chip_erase_typ,
        chip_erase_max=sfdp.chip_erase_max,
        read_opcode=_OPCODE_READ,
        read_dummy=_FAST_READ_DUMMY,
        program_opcode=_OPCODE_PROGRAM,
    )


def _tables(raw: bytes) -> dict[int, tuple[int, ...]]:
    """Parameter tables by identifier, as 32-bit words; the last of a repeated identifier wins (JESD216F 6.2)."""
    if len(raw) < 8:
        raise SfdpError("cut short in its header", len(raw))
    found: dict[int, tuple[int, ...]] = {}
    for number in range(raw[6] + 1):
        at = 8 + 8 * number
        if at + 8 > len(raw):
            raise SfdpError("cut short in its parameter headers", len(raw))
        identifier = raw[at + 7] << 8 | raw[at]
        words, pointer = raw[at + 3], int.from_bytes(raw[at + 4 : at + 7], "little")
        if identifier not in (BFPT, FOUR_BYTE):
            continue
        if pointer + 4 * words > len(raw):
            raise SfdpError(f"table {identifier:#06x} lies beyond the bytes read", at)
        found[identifier] = struct.unpack_from(f"<{words}I", raw, pointer)
    return found


def _size(density: int) -> int:
    """Bytes, from BFPT DW2: bits minus one, or a power of two of bits."""
    return 1 << ((density & 0x7FFF_FFFF) - 3) if density >> 31 else (density + 1) // 8


def _erases(basic: tuple[int, ...], four: tuple[int, ...], factor: int) -> tuple[Erase, ...]:
    """Erase types (BFPT DW8, DW9) with a 4-byte-address command (4BAIT DW1 bits 9..12, DW2), and their times (DW10)."""
    found = []
    for number in range(4):
        exponent = (basic[7 + number // 2] >> 16 * (number % 2)) & 0xFF
        if exponent == 0 or exponent > 31 or not four[0] >> (9 + number) & 1:
            continue
        count, unit = basic[9] >> (4 + 7 * number) & 0x1F, basic[9] >> (9 + 7 * number) & 3
        typical = (count + 1) * _ERASE_UNITS[unit]
        found.append(Erase(1 << exponent, four[1] >> 8 * number & 0xFF, typical, typical * factor))
    return tuple(sorted(found, key=lambda item: item.size))
