"""Signed images as the signing tool writes them without keys, for versions 2.1 and 2.3, with faults on purpose.

Offsets are from the public header descriptions (ST wiki, stm32wrapper4dbg); nothing is shared with n6prog's own reader.
"""

from __future__ import annotations

import struct


def vectors(stack: int, reset: int, count: int = 16) -> bytes:
    """A vector table: stack pointer, reset handler, then a default handler 0x40 behind it."""
    return struct.pack(f"<{count}I", stack, reset, *[reset + 0x40] * (count - 2))


def make_stm2(program: bytes, *, version: str = "2.3", align: bool = True, **fields: int) -> bytes:
    """The signed image of `program`. `fields` override what the tool would write: checksum, length, entry, load, flags,
    post_length, type, version_word."""
    new = version == "2.3"
    base, total, late = (0xA0, 0x240, 0x20) if new else (0x80, 0x200, 0)
    body = bytes(0x400 - total if align else 0) + program
    body += bytes(-len(body) % 32)
    header = bytearray(total)
    header[:4] = b"STM2"
    minor_word = {"2.0": 0x20000, "2.1": 0x20100, "2.2": 0x20200, "2.3": 0x20300, "1.0": 0x10000}[version]
    entry_at = 0x404 - total
    entry = int.from_bytes(body[entry_at : entry_at + 4].ljust(4, b"\0"), "little")
    words = {
        0x44 + late: fields.get("checksum", sum(body) % 2**32),
        0x48 + late: fields.get("version_word", minor_word),
        0x4C + late: fields.get("length", len(body)),
        0x50 + late: fields.get("entry", entry),
        0x58 + late: fields.get("load", 0xFFFFFFFF),
        0x64 + late: fields.get("flags", 0x80000000),
        0x68 + late: fields.get("post_length", total - base),
        (0x8C if new else 0x70): fields.get("type", 0x10),
        base: 0xFFFF5453,
        base + 4: total - base,
    }
    for offset, word in words.items():
        struct.pack_into("<I", header, offset, word)
    return bytes(header) + body
