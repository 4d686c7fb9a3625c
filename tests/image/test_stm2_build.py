"""Boot headers that n6prog makes: equal to what the signing tool writes, but for its random filling."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from n6prog.image import read, stm2
from n6prog.image.stm2_build import APPLICATION, FIRST_STAGE, build
from tests.helpers.stm2maker import make_stm2, vectors


@pytest.mark.parametrize("version", ["2.1", "2.3"])
@pytest.mark.parametrize("size", [256, 257, 260, 284, 287, 288])  # every kind of remainder of 32
def test_the_image_is_what_the_description_of_the_header_gives(version: str, size: int) -> None:
    program = vectors(0x34200000, 0x34180501, 64) + bytes(range(size - 256))
    for kind in (FIRST_STAGE, APPLICATION):
        assert build(program, version, kind) == make_stm2(program, version=version, type=kind)


def test_what_is_made_passes_every_check() -> None:
    image = build(vectors(0x34200000, 0x34180501, 100), "2.3")
    head = stm2.parse(image)
    assert head is not None
    assert stm2.verify(head, image, "a.bin") == ()
    assert stm2.verify_fsbl(head, "a.bin") == ()


@pytest.mark.parametrize(("name", "base"), [("LoadAndRun_FSBL", 0x34180400), ("LoadAndRun_Appli", 0x34000400)])
def test_real_programs_give_their_signed_files(data: Path, name: str, base: int) -> None:
    chunks = read(data / f"{name}.elf").chunks
    program = bytearray(max(chunk.end for chunk in chunks) - base)
    for chunk in chunks:
        assert chunk.address is not None
        program[chunk.address - base : chunk.end - base] = chunk.data
    signed = (data / f"{name}-trusted.bin").read_bytes()
    (kind,) = struct.unpack_from("<I", signed, 0x8C)
    made = build(program, "2.3", kind)
    # The tool fills the data of the padding extension, 0xA8 to 0x23F, with random bytes.
    assert made[:0xA8] == signed[:0xA8]
    assert made[0x240:] == signed[0x240:]


@pytest.mark.parametrize(("program", "version"), [(bytes(64), "2.2"), (bytes(7), "2.3")])
def test_what_cannot_be_made_is_said(program: bytes, version: str) -> None:
    with pytest.raises(ValueError, match=r"version|vector table"):
        build(program, version)
