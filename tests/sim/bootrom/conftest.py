"""Images with an STM2 header, made here after header.md 1, and what a boot leaves behind."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import pytest

from n6prog.sim import SimBoard

PLACE = 0x3418_0000
ENTRY = PLACE + 0x0441
STACK = 0x341F_0000
LOOP = b"\x2a\x20\xfe\xe7"  # movs r0, #42; b .
PADDING, AUTHENTICATION, ENCRYPTION = 0xFFFF_5453, 0x0200_5453, 0x0100_5453

# version: word, base header, extensions, offset by which the fields behind the signature stand later than in 2.1
_VERSIONS = {"2.3": (0x0002_0300, 0xA0, 0x1A0, 0x20), "2.1": (0x0002_0100, 0x80, 0x180, 0)}


def make_image(
    version: str = "2.3",
    code: bytes = LOOP,
    size: int = 0x2000,
    *,
    entry: int = ENTRY,
    stack: int = STACK,
    load: int = 0xFFFF_FFFF,
    flags: int = 0x8000_0000,
    extensions: tuple[tuple[int, int], ...] | None = None,
) -> bytes:
    """A whole image of `size` bytes: `code` at 0x440, behind a vector table of sixteen words at 0x400."""
    word, base, post, shift = _VERSIONS[version]
    body = bytearray(size - base - post)
    at = 0x400 - base - post
    struct.pack_into("<16I", body, at, stack, entry, *[PLACE + 0x441] * 14)
    body[at + 0x40 : at + 0x40 + len(code)] = code
    head = bytearray(base + post)
    head[:4] = b"STM2"
    fields = {0x44: sum(body), 0x48: word, 0x4C: len(body), 0x50: entry, 0x58: load, 0x64: flags, 0x68: post}
    for offset, value in fields.items():
        struct.pack_into("<I", head, offset + shift, value)
    offset = base
    for kind, length in extensions or ((PADDING, post),):
        struct.pack_into("<II", head, offset, kind, length)
        offset += length
    return bytes(head + body)


Events = dict[int, tuple[int, int, tuple[int, ...]]]


def events(board: SimBoard) -> Events:
    """The trace as header.md 5 describes it, from RAM: code -> (time in us, level, arguments)."""
    data = bytes(board.ram.view(0x3410_37F0, 2048) or b"")
    found: Events = {}
    at = data.find(b"\x00\xbb\xdd\xff")
    while at >= 0:
        (size,) = struct.unpack_from("<I", data, at + 4)
        time, level, code, *arguments = struct.unpack_from(f"<{size // 4}I", data, at + 8)
        found[code] = (time, level, tuple(arguments))
        at = data.find(b"\x00\xbb\xdd\xff", at + 8 + size)
    return found


@pytest.fixture
def image() -> Callable[..., bytes]:
    return make_image


Boot = Callable[..., SimBoard]


@pytest.fixture
def flash_boot() -> Iterator[Boot]:
    """A board that was powered with BOOT1 = 0 and these bytes in its NOR (offset: bytes), 100 ms ago."""
    boards: list[SimBoard] = []

    def boot(content: dict[int, bytes], *, rev: str = "B", milliseconds: int = 100, **options: object) -> SimBoard:
        board = SimBoard(rev=rev, boot1=0, **options)  # type: ignore[arg-type]
        boards.append(board.__enter__())
        board.power_off()
        for offset, data in content.items():
            board.nor.content[offset : offset + len(data)] = data
        board.power_on()
        board.host.advance(milliseconds * 10**9)
        board.catch_up()
        return board

    yield boot
    for board in boards:
        board.__exit__(None, None, None)
