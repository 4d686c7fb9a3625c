"""The chunks of one file that cannot be placed, gathered so that one mistake of a linker script is one finding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from n6prog.findings import Evidence, Finding, finding
from n6prog.image.types import Chunk, Origin
from n6prog.layout.rules import Rule
from n6prog.targets.chip import SECURE_ALIAS, XSPI2_BASE, XSPI2_WINDOW, region_at
from n6prog.targets.schema import Device

BOOT_ROM = "The boot ROM"
FIRST_STAGE = "The first stage"
"""Who looks for the header at a boot slot."""

_SHOWN = 6


def names_of(origins: Iterable[Origin]) -> str:
    """The sections of these origins, in words: "section .text", "sections .a .b and 3 more", "data"."""
    sections = list(dict.fromkeys(origin.section for origin in origins if origin.section))
    if not sections:
        return "data"
    rest = f" and {len(sections) - _SHOWN} more" if len(sections) > _SHOWN else ""
    return f"section{'s' if len(sections) > 1 else ''} {' '.join(sections[:_SHOWN])}{rest}"


def _meant_hex(address: int) -> str:
    """The question to ask when the decimal digits of an address, read as hex, lie where a NOR can be mapped."""
    meant = int(str(address), 16)
    return f"Did you mean {meant:#010x}? " if XSPI2_BASE <= meant < XSPI2_BASE + XSPI2_WINDOW else ""


def header_missing(
    file: str, slot: str, reason: str, device: Device, *, address: int | None, size: int, what: str = "data"
) -> Finding:
    """E-HDR-NONE for a program that would need a boot header at this slot."""
    start = next((item.start for item in device.board.slots if item.name == slot), XSPI2_BASE)
    return finding(
        "E-HDR-NONE",
        file,
        address=address,
        bytes=size,
        what=what,
        slot=slot,
        slot_start=start,
        reason=reason,
        reader=BOOT_ROM if slot == "fsbl" else FIRST_STAGE,
    )


def region_name(address: int) -> str:
    """The memory at an address in words: "AXISRAM2", "DTCM, non-secure address", "no memory"."""
    region = region_at(address)
    if region is None:
        return "no memory"
    twin = region_at(address + SECURE_ALIAS)
    aliased = twin is not None and twin.secure_alias_of == region.start
    return f"{region.name}, non-secure address" if aliased and region.start else region.name


@dataclass(slots=True)
class Refusals:
    """Refused chunks of one file by code and region."""

    device: Device
    _groups: dict[tuple[str, str, str], list[Chunk]] = field(default_factory=dict)

    def add(self, code: str, rule: Rule, chunk: Chunk) -> None:
        """Note that `rule` refuses this chunk with this code."""
        assert chunk.address is not None
        region = region_at(chunk.address)
        # One finding a code and memory; a program linked for RAM is one mistake however many memories it uses.
        where = "" if rule.slot or rule.from_zero else region.name if region else "no memory"
        self._groups.setdefault((code, rule.slot, where), []).append(chunk)

    def findings(self) -> list[Finding]:
        """One finding for each code and memory, in the order in which they were met."""
        return [self._finding(code, slot, chunks) for (code, slot, _), chunks in self._groups.items()]

    def _finding(self, code: str, slot: str, chunks: list[Chunk]) -> Finding:
        first = min(chunks, key=lambda chunk: chunk.address or 0)
        address = first.address
        assert address is not None
        size, what = sum(chunk.size for chunk in chunks), names_of(chunk.origin for chunk in chunks)
        if code == "E-HDR-NONE":
            reason = f"it is linked for RAM at {address:#010x}"
            return header_missing(first.origin.file, slot, reason, self.device, address=address, size=size, what=what)
        evidence: dict[str, str | int | float | None] = {
            "address": address,
            "bytes": size,
            "what": what,
            "region": region_name(address),
        }
        return finding(code, first.origin.file, **evidence, **self._details(code, address))

    def _details(self, code: str, address: int) -> Evidence:
        """What the texts of some codes need beyond address, region, bytes and names."""
        board, nor = self.device.board, self.device.nor
        if code == "E-PSRAM":
            size = board.psram >> 20
            fitted = (
                f"the {size} MiB of the {board.title} are empty at power-on" if size else f"the {board.title} has none"
            )
            return {"fitted": fitted}
        if code == "E-TYPO-07":
            return {"meant": address & 0x00FF_FFFF | XSPI2_BASE}
        if code == "E-NOT-FLASH":
            end = XSPI2_BASE + nor.size - 1
            return {
                "board": board.title,
                "flash_start": XSPI2_BASE,
                "flash_end": end,
                "hint": _meant_hex(address),
            }
        return {}
