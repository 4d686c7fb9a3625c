"""Flash loaders of other tools, given as if they were the program."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from n6prog.image.types import Chunk, Image, Kind

_CUBE_SECTIONS = {".Dev_inf", ".Dev_Inf", ".Dev_info", ".stm32_device_info"}
_CMSIS_SECTIONS = {"PrgCode", "DevDscr"}
_STORAGE_INFO = struct.Struct("<100s2x2x3I")  # name, type, start, size, page size: ST's StorageInfo, 0xC8 bytes in all
_STORAGE_INFO_SIZE = 0xC8


def loader_kind(image: Image) -> str:
    """What kind of loader an ELF is ("" for none): an .stldr of STM32CubeProgrammer or a CMSIS .FLM."""
    if image.kind is not Kind.ELF:
        return ""
    sections = {chunk.origin.section for chunk in image.chunks}
    if sections & _CMSIS_SECTIONS:
        return "CMSIS flash algorithm, .FLM"
    if sections & _CUBE_SECTIONS or _has_storage_info(image.chunks):
        return "STM32CubeProgrammer external loader, .stldr"
    return ""


def _has_storage_info(chunks: Iterable[Chunk]) -> bool:
    """Whether a description of a memory stands alone at address 0, as ST's loaders have it."""
    for chunk in chunks:
        if chunk.address == 0 and chunk.size == _STORAGE_INFO_SIZE:
            name, _, size, page = _STORAGE_INFO.unpack_from(chunk.data)
            text = name.rstrip(b"\0")  # the start is no help: the loader for fuses has 0xf2f2f2f2 there
            if text and text.isascii() and text.decode("ascii").isprintable() and size and page:
                return True
    return False
