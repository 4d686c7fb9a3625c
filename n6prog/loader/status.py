"""Status codes of the loader become findings, with what the NOR itself reports as evidence."""

from __future__ import annotations

from dataclasses import dataclass

from n6prog.errors import FlashFailure, N6ProgError
from n6prog.findings import finding
from n6prog.flash_algos.mailbox import NOR_BASE, Status

_P_FAIL, _E_FAIL = 1 << 5, 1 << 6  # SCUR (hw-flash 3)
_BP = 0xF  # SR bits 5:2 (hw-flash 3)


@dataclass(frozen=True, slots=True)
class Registers:
    """The NOR's status register (05h) and security register (2Bh), None where they could not be read."""

    sr: int | None = None
    scur: int | None = None


def failure(action: str, offset: int, status: int, registers: Registers, seconds: float = 0.0) -> N6ProgError:
    """The FlashFailure for a status that is not OK.

    `action`: "write", "erase", "read", "survey", "close"; `offset`: where in the NOR; `seconds`: its longest time.
    """
    address = NOR_BASE + offset
    evidence: dict[str, str | int | float | None] = {
        "address": address,
        "sr": _hex(registers.sr),
        "scur": _hex(registers.scur),
    }
    sr, scur = registers.sr or 0, registers.scur or 0
    if status == Status.WEL_NOT_SET:
        found = finding("E-WEL", action, **evidence)
    elif status == Status.PROGRAM_FAIL:
        found = finding("E-PROGRAM-FAIL", action, **evidence, p_fail=int(bool(scur & _P_FAIL)))
    elif status == Status.ERASE_FAIL:
        found = finding("E-ERASE-FAIL", action, **evidence, e_fail=int(bool(scur & _E_FAIL)))
    elif status == Status.PROTECTED:
        found = finding("E-PROTECTED", action, **evidence, bp=f"{sr >> 2 & _BP:04b}")
    elif status == Status.TIMEOUT:
        found = finding("E-FLASH-BUSY", action, **evidence, seconds=seconds)
    else:
        name = Status(status).meaning if status in list(Status) else "no status of this loader"
        found = finding("E-LOADER-STATUS", action, **evidence, status=status, name=name)
    return FlashFailure(found)


def _hex(value: int | None) -> str:
    return "not read" if value is None else f"{value:#04x}"
