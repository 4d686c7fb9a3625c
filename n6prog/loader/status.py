"""What the loader says becomes a Written or a finding, with what the NOR itself reports as evidence."""

from __future__ import annotations

from dataclasses import dataclass

from n6prog.errors import FlashFailure, N6ProgError
from n6prog.findings import finding
from n6prog.flash_algos.mailbox import NOR_BASE, Descriptor, Job, Outcome, Result, Status
from n6prog.loader.protocol import Written
from n6prog.nor.digest import PRIME
from n6prog.nor.registers import protection

_P_FAIL, _E_FAIL = 1 << 5, 1 << 6  # SCUR (hw-flash 3)


# What the chip read because of the failure itself (src/nor.c: write_enable, finish); all else is older.
_SR_FRESH = {Status.WEL_NOT_SET, Status.PROGRAM_FAIL, Status.ERASE_FAIL, Status.PROTECTED}
_SCUR_FRESH = {Status.PROGRAM_FAIL, Status.ERASE_FAIL, Status.PROTECTED}


@dataclass(frozen=True, slots=True)
class Registers:
    """The NOR's status register (05h) and security register (2Bh), None where they could not be read."""

    sr: int | None = None
    scur: int | None = None


def failure(action: str, offset: int, status: int, registers: Registers, seconds: float = 0.0) -> N6ProgError:
    """The FlashFailure for a status that is not OK.

    `action`: "write", "erase", "read", "survey", "close"; `offset`: where in the NOR; `seconds`: its longest time.
    Of `registers` only what was read for this failure is told.
    """
    sr = registers.sr if status in _SR_FRESH else None
    scur = registers.scur if status in _SCUR_FRESH else None
    evidence: dict[str, str | int | float | None] = {
        "address": NOR_BASE + offset,
        "sr": _hex(sr),
        "scur": _hex(scur),
        "registers": _told(status, sr, scur),
    }
    if status == Status.WEL_NOT_SET:
        found = finding("E-WEL", action, **evidence)
    elif status == Status.PROGRAM_FAIL:
        found = finding("E-PROGRAM-FAIL", action, **evidence)
    elif status == Status.ERASE_FAIL:
        found = finding("E-ERASE-FAIL", action, **evidence)
    elif status == Status.PROTECTED:
        found = finding("E-PROTECTED", action, **evidence, bp="not read" if sr is None else protection(sr))
    elif status == Status.TIMEOUT:
        found = finding("E-FLASH-BUSY", action, **evidence, seconds=seconds)
    else:
        name = Status(status).meaning if status in list(Status) else "no status of this loader"
        found = finding("E-LOADER-STATUS", action, **evidence, status=status, name=name)
    return FlashFailure(found)


def written(job: Job | Descriptor, result: Result | Outcome) -> Written:
    """What the chip says of a job that ended OK or MISMATCH. Raises FlashFailure for digests that cannot be."""
    if max(result.digests) >= PRIME:
        raise FlashFailure.of("E-LOADER-ANSWER", "write", address=NOR_BASE + job.offset)
    return Written(
        start=job.offset,
        sectors=job.sectors,
        ok=result.status == Status.OK,
        digests=tuple(result.digests),
        erased=result.erased_bytes,
        programmed=result.programmed_bytes,
        sector_erases=result.sector_erases,
        block_erases=result.block_erases,
        page_programs=result.page_programs,
    )


def stuck(entry: str, error: N6ProgError) -> N6ProgError:
    """The FlashFailure for code of ours on a core that does not halt any more: `error`, E-NO-HALT, says how."""
    return FlashFailure.of("E-LOADER-STUCK", entry, **error.findings[0].evidence)


def _told(status: int, sr: int | None, scur: int | None) -> str:
    """The registers that were read, with the fail bit that matters."""
    known = [] if sr is None else [f"SR {_hex(sr)}"]
    if scur is not None:
        known.append(f"SCUR {_hex(scur)}")
        if status == Status.PROGRAM_FAIL:
            known.append(f"P_FAIL {int(bool(scur & _P_FAIL))}")
        if status == Status.ERASE_FAIL:
            known.append(f"E_FAIL {int(bool(scur & _E_FAIL))}")
    return ", ".join(known) or "its registers were not read"


def _hex(value: int | None) -> str:
    return "not read" if value is None else f"{value:#04x}"
