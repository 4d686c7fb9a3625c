"""What can be read safely when something went wrong, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from n6prog.targets import chip

Values = dict[str, str | int | float | None]

# CFSR bits, Armv8-M Architecture Reference Manual.
_CFSR = {
    0: "instruction access violation (MPU)",
    1: "data access violation (MPU)",
    3: "MPU violation on exception return",
    4: "MPU violation on exception entry",
    8: "bus error on instruction fetch",
    9: "bus error on a data access",
    10: "late bus error",
    11: "bus error on exception return",
    12: "bus error on exception entry",
    16: "undefined instruction",
    17: "invalid state (Thumb bit)",
    18: "invalid exception return",
    19: "coprocessor disabled",
    20: "stack limit passed",
    24: "unaligned access",
    25: "division by zero",
}
_MMFAR_VALID, _BFAR_VALID = 1 << 7, 1 << 15


def crash_evidence(core: Any) -> Values:
    """Fault registers of the halted core, the instruction that faulted, and the stack limit."""
    cfsr, hfsr = core.read32(chip.CFSR), core.read32(chip.HFSR)
    xpsr, sp, lr, pc = (core.read_core_register_raw(name) for name in ("xpsr", "sp", "lr", "pc"))
    evidence: Values = {
        "CFSR": _hex(cfsr),
        "HFSR": _hex(hfsr),
        "BFAR": _hex(core.read32(chip.BFAR)) if cfsr & _BFAR_VALID else None,
        "MMFAR": _hex(core.read32(chip.MMFAR)) if cfsr & _MMFAR_VALID else None,
        "SFSR": _hex(core.read32(chip.SFSR)),
    }
    # In a handler the frame of the code that faulted lies on the stack: return address at + 0x18.
    if xpsr & 0x1FF and chip.LOADER_END > sp >= chip.LOADER_BASE:
        evidence["PC"] = _hex(core.read32(sp + 0x18))
        evidence["LR"] = _hex(core.read32(sp + 0x14))
    else:
        evidence["PC"] = _hex(pc)
        evidence["LR"] = _hex(lr)
    evidence["SP"] = _hex(sp)
    evidence["IPSR"] = xpsr & 0x1FF
    evidence["MSPLIM_S"] = _hex(core.read_core_register_raw("msplim_s"))
    return {key: value for key, value in evidence.items() if value is not None}


def fault_name(evidence: Mapping[str, str | int | float | None]) -> str:
    """The fault in words, from the registers of crash_evidence."""
    cfsr = int(str(evidence.get("CFSR", "0")), 16)
    names = [text for bit, text in _CFSR.items() if cfsr >> bit & 1]
    if names:
        address = evidence.get("BFAR") or evidence.get("MMFAR")
        return ", ".join(names) + (f" at {address}" if address else "")
    if int(str(evidence.get("SFSR", "0")), 16):
        return "security violation"
    if evidence.get("IPSR"):
        return f"exception {evidence['IPSR']}"
    return "halted at an address it should not be at"


def where_it_is(core: Any) -> Values:
    """PC, link register and the state of XSPI2, whose registers are read only while its clock is on."""
    evidence: Values = {name.upper(): _hex(core.read_core_register_raw(name)) for name in ("pc", "lr", "sp")}
    if core.read32(chip.RCC_AHB5ENR) & chip.RCC_AHB5_XSPI2:
        evidence["XSPI2_CR"] = _hex(core.read32(chip.XSPI2 + chip.XSPI_CR))
        evidence["XSPI2_SR"] = _hex(core.read32(chip.XSPI2 + chip.XSPI_SR))
    else:
        evidence["XSPI2"] = "clock off"
    return evidence


def _hex(value: int) -> str:
    return f"{value:#010x}"
