"""Making a boot header: an unsigned one, as the signing tool writes it without keys and with -align.

Checked against 39 pairs of programs and their signed files in public repositories: equal but for the padding extension,
which that tool fills with random bytes and n6prog with zeros, so that the same program gives the same file.
"""

from __future__ import annotations

import struct

from n6prog.image.stm2 import AUTOMATIC, GEOMETRIES, MAGIC, SUPPORTED, VECTORS

FIRST_STAGE, APPLICATION = 0x10, 0x00
"""Binary types, as -t fsbl and -t ssbl give them; the boot ROM starts either."""

_PADDING = 0xFFFF_5453
_POST_LENGTHS = {"2.1": 0x180, "2.3": 0x1A0}
_FLAGS = 0x8000_0000
_TAIL = 32


def build(program: bytes | bytearray | memoryview, version: str, binary_type: int = FIRST_STAGE) -> bytes:
    """The program behind a boot header of this version ("2.1" or "2.3"), its vector table at 0x400.

    `program` starts with its vector table, whose second word becomes the entry point. Raises ValueError for another
    version or a program without a reset vector.
    """
    if version not in SUPPORTED:
        raise ValueError(f"boot header version {version}: only {' and '.join(SUPPORTED)} are made")
    if len(program) < 8:
        raise ValueError("the program is too short to have a vector table")
    geometry, post_length = GEOMETRIES[version], _POST_LENGTHS[version]
    size = geometry.base + post_length
    body = bytes(VECTORS - size) + bytes(program) + bytes(-(VECTORS - size + len(program)) % _TAIL)
    entry = struct.unpack_from("<I", program, 4)[0]
    major, minor = version.split(".")
    version_word = int(major) << 16 | int(minor) << 8
    head = bytearray(size)
    head[:4] = MAGIC
    struct.pack_into("<4I", head, geometry.checksum, sum(body) & 0xFFFF_FFFF, version_word, len(body), entry)
    for offset, value in (
        (geometry.load, AUTOMATIC),
        (geometry.flags, _FLAGS),
        (geometry.post_length, post_length),
        (geometry.binary_type, binary_type),
    ):
        struct.pack_into("<I", head, offset, value)
    struct.pack_into("<2I", head, geometry.base, _PADDING, post_length)
    return bytes(head) + body
