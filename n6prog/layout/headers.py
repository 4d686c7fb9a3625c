"""Programs without a boot header get one: `--header 2.1` and `--header 2.3`."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

from n6prog.image import stm2, stm2_build
from n6prog.image.types import Chunk, Origin
from n6prog.layout.rules import APP_LINKED, FSBL_LINKED
from n6prog.layout.vectors import is_vector_table
from n6prog.targets.chip import XSPI2_BASE
from n6prog.targets.schema import Device


@dataclass(frozen=True, slots=True)
class _Stage:
    """A program that a boot header belongs to: where it is linked, where it lies in the flash with its header."""

    linked: int
    end: int
    flash: int
    binary_type: int

    def __contains__(self, address: int) -> bool:
        return self.linked <= address < self.end


_STAGES = (
    _Stage(*FSBL_LINKED, stm2.FSBL_FLASH, stm2_build.FIRST_STAGE),
    _Stage(APP_LINKED, stm2.FSBL_BASE, stm2.APP_FLASH, stm2_build.APPLICATION),
)


def add_headers(chunks: Sequence[Chunk], version: str, device: Device) -> list[Chunk]:
    """The chunks of one file, those of a program without a boot header put together behind one of this version.

    That are programs linked for RAM as first stage or as Load&Run application, with a vector table where they begin,
    and raw programs that are given the address of a boot slot or none. What is linked inside the flash stays as it is,
    and so does a header that is there.
    """
    rest = [_wrapped(chunk, version, device) for chunk in chunks]
    for stage in _STAGES:
        mine = [chunk for chunk in rest if chunk.address is not None and chunk.address in stage]
        starts = any(chunk.address == stage.linked and is_vector_table(chunk.data) for chunk in mine)
        if starts and all(chunk.end <= stage.end for chunk in mine):
            taken = {id(chunk) for chunk in mine}
            rest = [_program(mine, stage, version), *(chunk for chunk in rest if id(chunk) not in taken)]
    return rest


def _program(chunks: Sequence[Chunk], stage: _Stage, version: str) -> Chunk:
    """The chunks as one image, gaps filled with zeros as objcopy fills them."""
    program = bytearray(max(chunk.end for chunk in chunks) - stage.linked)
    for chunk in chunks:
        assert chunk.address is not None
        start = chunk.address - stage.linked
        program[start : start + chunk.size] = chunk.data
    image = stm2_build.build(program, version, stage.binary_type)
    names = " ".join(dict.fromkeys(chunk.origin.section for chunk in chunks if chunk.origin.section))
    origin = Origin(chunks[0].origin.file, names, min(chunk.origin.offset for chunk in chunks))
    return Chunk(stage.flash, memoryview(image), origin, stage.linked - stm2.VECTORS)


def _wrapped(chunk: Chunk, version: str, device: Device) -> Chunk:
    """A raw program that belongs to a boot slot, behind a header."""
    if not is_vector_table(chunk.data):
        return chunk
    reset = struct.unpack_from("<I", chunk.data, 4)[0]
    stage = next((stage for stage in _STAGES if reset in stage), None)
    if chunk.address is None and stage is not None:
        address = stage.flash
    elif any(slot.header and slot.start == chunk.address for slot in device.board.slots):
        assert chunk.address is not None
        address = chunk.address
    else:
        return chunk
    kind = stm2_build.FIRST_STAGE if address < XSPI2_BASE + 0x10_0000 else stm2_build.APPLICATION
    return replace(chunk, address=address, data=memoryview(stm2_build.build(chunk.data, version, kind)))
