"""A NUCLEO and a DK made by hand, so that expected numbers do not come from the TOML files; images made of chunks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from n6prog.image.types import Chunk, Image, Kind, Origin
from n6prog.targets.schema import BoardProfile, Device, Erase, NorPart, Slot, Wiring

ERASES = (Erase(4096, 0x21, 0.025, 0.6), Erase(65536, 0xDC, 0.256, 6.144))
SLOTS = (
    Slot("fsbl", 0x7000_0000, 0x4_0000, header=True),
    Slot("fsbl-b", 0x7004_0000, 0x4_0000, header=True),
    Slot("app", 0x7010_0000, 0xF0_0000, header=True),
    Slot("weights", 0x7100_0000, 0x100_0000, header=False),
)

MakeImage = Callable[..., Image]


def _device(name: str, part: str, size: int, psram: int) -> Device:
    wiring = Wiring(xspi=2, port=2, pins=(), rail="VDDIO3", range_1v8=True)
    board = BoardProfile(name.lower(), name, wiring, part, SLOTS, psram, "")
    return Device(board, NorPart(part, b"\xc2\x80\x3a", size, 256, ERASES, 152e-6, 1, True, "test"))


@pytest.fixture(scope="session")
def nucleo() -> Device:
    return _device("NUCLEO-N657X0-Q", "MX25UM51245G", 64 << 20, 0)


@pytest.fixture(scope="session")
def dk() -> Device:
    return _device("STM32N6570-DK", "MX66UW1G45G", 128 << 20, 32 << 20)


@pytest.fixture(scope="session")
def image() -> MakeImage:
    """`image(("section", address, bytes or size), ..., file="app.elf", kind=Kind.ELF)`."""

    def make(*chunks: tuple[str, int | None, bytes | int], file: str = "app.elf", kind: Kind = Kind.ELF) -> Image:
        made = []
        for section, address, content in chunks:
            data = bytes(content) if isinstance(content, int) else content
            made.append(Chunk(address, memoryview(data), Origin(file, section)))
        return Image(tuple(made), kind, file=file)

    return make
