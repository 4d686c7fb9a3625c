"""Bytes without an address: what they seem to be, and what to say so that they get one."""

from __future__ import annotations

import re
import struct
from pathlib import PurePath

from n6prog.findings import Finding, finding
from n6prog.image import stm2
from n6prog.image.types import Chunk
from n6prog.layout.refusals import header_missing
from n6prog.layout.vectors import is_vector_table
from n6prog.targets.chip import region_at
from n6prog.targets.schema import Device

_POOL = re.compile(r"[._-]((?:axisram|npuram|cpuram|flexmem|xspi)\d)\b", re.IGNORECASE)
"""The memory pool in the names that ST Edge AI gives: network_atonbuf.AXISRAM5.raw, network_atonbuf.xSPI2.raw."""

_XSPI2_POOL = 0x7100_0000
"""Where the tools' own memory pools have octoFlash (n6_loader, STM32Cube AI Studio)."""


def homeless(chunk: Chunk, device: Device) -> Finding:
    """The finding for a chunk that has no address and whose boot header, if any, names none."""
    file = chunk.origin.file
    if is_vector_table(chunk.data):
        return _program(chunk, device)
    pool = _pool(file)
    if pool not in ("", "XSPI2", "XSPI3"):  # XSPI1 has the PSRAM, where there is one
        return finding("E-POOL-RAM", file, bytes=chunk.size, pool=pool)
    hint = ""
    if pool == "XSPI2":
        hint = f" By its name it belongs to pool xSPI2: {file}@{_XSPI2_POOL:#010x} if the pool was not moved."
    return finding("E-NO-ADDRESS", file, bytes=chunk.size, hint=hint)


def _pool(file: str) -> str:
    match = _POOL.search(PurePath(file).name)
    return match[1].upper() if match else ""


def _program(chunk: Chunk, device: Device) -> Finding:
    """A raw program: its reset handler tells where it is linked."""
    file = chunk.origin.file
    _, reset = struct.unpack_from("<2I", chunk.data)
    region = region_at(reset)
    if region is None or region.kind != "nor":
        slot = "fsbl" if stm2.FSBL_BASE <= reset < stm2.FSBL_END else "app"
        reason = f"it starts with the vector table of a program linked for RAM (reset handler {reset:#010x})"
        return header_missing(file, slot, reason, device, address=None, size=chunk.size)
    start = stm2.APP_FLASH + stm2.VECTORS
    hint = f" It starts with a vector table (reset handler {reset:#010x})"
    usual = f": {file}@{start:#010x} if it is linked as usual." if start <= reset < start + chunk.size else "."
    return finding("E-NO-ADDRESS", file, bytes=chunk.size, hint=hint + usual)
