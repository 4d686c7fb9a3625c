"""The STM2 header as the boot ROM takes it: fields, checks, and what it calls what it refuses.

Layouts, sizes and trace codes: header.md 1, 2 and 5 (measured on published images; ST's pages). Own code on purpose:
the tool that makes headers and the ROM that takes them must not share a mistake.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = b"STM2"
HEAD = 0x400  # what is looked at before the copy: the vector table follows, linked at 0x3418_0400
LARGEST = 0x8_0000  # header and body (ST's wiki; the device profile has 256 KiB)
LOAD_ANYWHERE = 0xFFFF_FFFF
AUTHENTICATED, ENCRYPTED, PADDED = 1 << 0, 1 << 1, 1 << 31
_EXTENSIONS = {0x0200_5453: AUTHENTICATED, 0x0100_5453: ENCRYPTED, 0xFFFF_5453: PADDED}

# trace codes (header.md 5)
NO_MAGIC, TOO_SMALL, TOO_BIG, ENTRY_RANGE, CHECKSUM, WRONG_VERSION, UNKNOWN_EXTENSION = range(0x1D00_0002, 0x1D00_0009)
EXTENSION_LENGTH, FLAGS_DIFFER = 0x1D00_000B, 0x1D00_000D
NO_KEY = 0x2C00_010D  # decryption failed


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the fields of one header version stand; `base` is the length without extensions."""

    version: int
    checksum: int
    version_at: int
    length: int
    entry: int
    load: int
    flags: int
    post: int
    base: int


# silicon revision: the one version its ROM takes (header.md 2; a wrong one is code 0x1D00_0007)
LAYOUTS = {
    "B": Layout(0x0002_0300, 0x64, 0x68, 0x6C, 0x70, 0x78, 0x84, 0x88, 0xA0),
    "Z": Layout(0x0002_0100, 0x44, 0x48, 0x4C, 0x50, 0x58, 0x64, 0x68, 0x80),
}


class Refusal(Exception):
    """An image that is not started; `code` is the trace code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"refused with {code:#010x}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Header:
    """What the copy needs: `total` bytes from the first of the header, `body` where the checksum starts."""

    body: int
    total: int
    entry: int
    checksum: int


def parse(head: bytes, revision: str, place: int) -> Header:
    """The header at the front of `head` (HEAD bytes), for an image that will lie at `place`. Raises Refusal.

    The order of the checks is a guess, the checks are published codes. Not looked at, because published images of every
    kind start: the binary type, the image version. An image with a signature is taken like one without (open part).
    """
    layout = LAYOUTS[revision]

    def field(offset: int) -> int:
        return int(struct.unpack_from("<I", head, offset)[0])

    if head[:4] != MAGIC:
        raise Refusal(NO_MAGIC)
    if field(layout.version_at) != layout.version:
        raise Refusal(WRONG_VERSION)
    flags = field(layout.flags)
    body = layout.base + _extensions(head, layout.base, field(layout.post), flags)
    total = body + field(layout.length)
    if total < HEAD + 8:  # no vector table (GUESS: the ROM's bound is not published)
        raise Refusal(TOO_SMALL)
    if total > LARGEST:
        raise Refusal(TOO_BIG)
    entry = field(layout.entry)
    if not entry & 1 or not place + HEAD <= entry < place + total:
        raise Refusal(ENTRY_RANGE)
    if field(layout.load) not in (LOAD_ANYWHERE, place):  # ST's scripts use these two; others were seen to fail (GUESS)
        raise Refusal(ENTRY_RANGE)
    if flags & ENCRYPTED:  # no key in the fuses
        raise Refusal(NO_KEY)
    return Header(body, total, entry, field(layout.checksum))


def _extensions(head: bytes, start: int, length: int, flags: int) -> int:
    """Walk the extension headers; gives `length`."""
    found, offset = 0, start
    while offset < start + length:
        if start + length > HEAD or offset + 8 > start + length:
            raise Refusal(EXTENSION_LENGTH)
        kind, size = struct.unpack_from("<II", head, offset)
        if kind not in _EXTENSIONS:
            raise Refusal(UNKNOWN_EXTENSION)
        if size < 8 or offset + size > start + length:
            raise Refusal(EXTENSION_LENGTH)
        found |= _EXTENSIONS[kind]
        offset += size
    if found != flags:
        raise Refusal(FLAGS_DIFFER)
    return length
